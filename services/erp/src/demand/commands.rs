//! Changes of lines, and the facts an order's transaction publishes.

use std::collections::{BTreeMap, BTreeSet};

use messaging::NewEvent;
use proto::erp::v1::{ErpEvent, erp_event::Event};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{convert, domain::LineDelta, store};
use crate::{
    config::Stamp,
    error::Error,
    ledger::{self, commands::Work},
};

/// Locks the items of orders, before anything else is read that could change under us. Says which of the orders were
/// known by then: one that came while we waited for the locks has items we did not lock, and is for the next one to see.
pub(crate) async fn lock_items(conn: &mut PgConnection, orders: &[Uuid]) -> Result<(Work, Vec<Uuid>), Error> {
    let known: Vec<Uuid> = store::heads(conn, orders).await?.into_keys().collect();
    let skus = store::skus(conn, &known).await?;
    let work = ledger::commands::lock(conn, skus.into_iter().collect(), false).await?;
    Ok((work, known))
}

/// Changes lines, and what their items are waited for.
pub(crate) async fn change_lines(
    conn: &mut PgConnection,
    work: &mut Work,
    changes: &BTreeMap<(Uuid, i32), LineDelta>,
) -> Result<(), Error> {
    let changed = store::change_lines(conn, changes).await?;
    if changed.len() != changes.len() {
        return Err(Error::Inconsistent("a line of an order that does not exist was changed"));
    }
    for (order, line_no, sku, closed) in changed {
        work.disturb(order);
        let delta = changes.get(&(order, line_no)).copied().unwrap_or_default();
        let waits = -(delta.cancelled + delta.reserved + delta.shipped);
        if !closed && !waits.is_zero() {
            work.change(&sku, |item| item.backordered += waits)?;
        }
    }
    Ok(())
}

/// Numbers the facts of the orders and returns them for the outbox. An order whose reservation changed ends with its
/// present picture. Holds are nobody's order: they publish nothing. An order that was just made and left alone since has
/// its fact ready: nothing is read or written for it.
pub(crate) async fn publish(conn: &mut PgConnection, work: Work, stamp: &Stamp<'_>) -> Result<Vec<NewEvent>, Error> {
    let Work { mut facts, allocated, placed, .. } = work;
    let is_new: BTreeSet<_> = placed.keys().copied().collect();
    let mut events: Vec<_> = placed.into_values().flatten().collect();
    for order in allocated.keys() {
        facts.entry(*order).or_default();
    }
    if facts.is_empty() {
        return Ok(events);
    }
    let orders: Vec<_> = facts.keys().copied().collect();
    let heads = store::lock(conn, &orders).await?;
    let pictured: Vec<_> = heads
        .iter()
        .filter(|head| head.kind == "order" && head.state != "cancelled" && allocated.contains_key(&head.order_id))
        .map(|head| head.order_id)
        .collect();
    let lines = if pictured.is_empty() { Vec::new() } else { store::lines(conn, &pictured).await? };
    let mut pictures: BTreeMap<Uuid, _> =
        lines.chunk_by(|a, b| a.order_id == b.order_id).map(|lines| (lines[0].order_id, lines)).collect();

    let mut versions = Vec::new();
    for head in heads.iter().filter(|head| head.kind == "order") {
        let mut version = if is_new.contains(&head.order_id) { 0 } else { head.version };
        let mut told = facts.remove(&head.order_id).unwrap_or_default();
        if let (Some(cause), Some(lines)) = (allocated.get(&head.order_id), pictures.remove(&head.order_id)) {
            let fact = convert::order_allocated(head.order_id, &head.warehouse, lines, cause, stamp.now);
            told.push(Event::OrderAllocated(fact));
        }
        for event in told {
            version += 1;
            let event = ErpEvent { event: Some(event) };
            events.push(NewEvent::of("demand", head.order_id, version, stamp.now, &event));
        }
        if version != head.version {
            versions.push((head.order_id, version));
        }
    }
    store::write_versions(conn, &versions).await?;
    Ok(events)
}
