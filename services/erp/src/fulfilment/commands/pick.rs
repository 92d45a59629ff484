//! Picking.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::short::give_up;
use crate::{
    config::Stamp,
    demand,
    error::Error,
    fulfilment::{
        convert,
        domain::{Found, Shipment, Step, shortfalls},
        store,
    },
    ledger::commands::{Work, finish, lock},
    reservation::{
        commands::serve,
        domain::{Held, take_held, whole},
        store as reservations,
    },
};

/// Makes a shipment of what an order holds and is in no other: all of it, or `parts` (quantity and unit by line).
///
/// # Errors
/// [`Error::NotFound`] for an unknown order, [`Error::NothingReserved`], [`Error::NotEnoughReserved`].
pub(crate) async fn start_picking(
    conn: &mut PgConnection,
    order: Uuid,
    parts: &BTreeMap<i32, (Decimal, String)>,
    stamp: &Stamp<'_>,
) -> Result<Uuid, Error> {
    let (mut work, known) = demand::commands::lock_items(conn, &[order]).await?;
    let heads = demand::store::heads(conn, &known).await?;
    if heads.get(&order).is_none_or(|head| head.kind != "order") {
        return Err(Error::NotFound("order", order.to_string()));
    }
    let held = reservations::held_by_orders(conn, &[order]).await?;
    let held: Vec<_> = held.into_iter().filter(|piece| piece.shipment.is_none()).collect();
    if held.is_empty() {
        return Err(Error::NothingReserved(order.to_string()));
    }
    let taken = if parts.is_empty() { held.into_iter().map(whole).collect() } else { named(&work, &held, parts)? };
    let id = service::new_id();
    let assigned: Vec<_> = taken.into_iter().map(|(piece, part)| (piece, part, id)).collect();
    begin(conn, &mut work, &assigned, stamp.now).await?;
    finish(conn, work, stamp).await?;
    Ok(id)
}

fn named(work: &Work, held: &[Held], parts: &BTreeMap<i32, (Decimal, String)>) -> Result<Vec<(Held, Decimal)>, Error> {
    let mut taken = Vec::new();
    for (line_no, (quantity, unit)) in parts {
        let of_line: Vec<_> = held.iter().filter(|piece| piece.line_no == *line_no).cloned().collect();
        let there: Decimal = of_line.iter().map(|piece| piece.quantity).sum();
        let Some(first) = of_line.first().filter(|_| there >= *quantity) else {
            return Err(Error::NotEnoughReserved { line_no: *line_no, held: there.normalize().to_string() });
        };
        if let Some(stocked) = work.unit(&first.sku).filter(|stocked| stocked != unit) {
            return Err(Error::UnitMismatch { sku: first.sku.clone(), unit: stocked.to_owned() });
        }
        taken.extend(take_held(&of_line, *quantity).0);
    }
    Ok(taken)
}

/// Makes shipments of held pieces, each with the shipment it goes into. Their items are locked.
pub(crate) async fn begin(
    conn: &mut PgConnection,
    work: &mut Work,
    assigned: &[(Held, Decimal, Uuid)],
    at: OffsetDateTime,
) -> Result<(), Error> {
    store::insert(conn, assigned, at).await?;
    if reservations::assign(conn, assigned).await? != assigned.len() as u64 {
        return Err(Error::Inconsistent("a reservation was already in a shipment"));
    }
    let shipments: BTreeMap<_, _> = assigned.iter().map(|(piece, _, id)| (*id, piece.order)).collect();
    for (id, order) in shipments {
        work.tell(order, convert::picking_started(order, id, at));
    }
    Ok(())
}

/// Locks the items of a shipment and the shipment.
pub(super) async fn lock_shipment(conn: &mut PgConnection, id: Uuid, step: Step) -> Result<(Work, Shipment), Error> {
    let skus = store::skus(conn, &[id]).await?;
    let work = lock(conn, skus.into_iter().collect(), false).await?;
    let shipment = store::lock(conn, &[id]).await?.pop();
    let shipment = shipment.ok_or_else(|| Error::NotFound("shipment", id.to_string()))?;
    step.allowed_from(shipment.state)?;
    Ok((work, shipment))
}

/// Says what was found. What is missing goes to counting differences, what is spoiled to quarantine; the order is
/// served again from what is left, or waits.
///
/// # Errors
/// [`Error::NotFound`], [`Error::ShipmentState`], fields that do not fit the shipment.
pub(crate) async fn confirm_pick(
    conn: &mut PgConnection,
    id: Uuid,
    found: &[Found],
    stamp: &Stamp<'_>,
) -> Result<(), Error> {
    let (mut work, shipment) = lock_shipment(conn, id, Step::ConfirmPick).await?;
    let lines = store::lines(conn, &[id]).await?;
    let shorts = shortfalls(&lines, found)?;
    store::set_picked(conn, id, stamp.now).await?;
    if !shorts.is_empty() {
        give_up(conn, &mut work, &BTreeMap::from([(id, shipment.order)]), &shorts, stamp).await?;
        store::cancel_empty(conn, &[id], stamp.now.max(shipment.created_at)).await?;
        serve(conn, &mut work, Vec::new(), stamp, "short_pick").await?;
    }
    finish(conn, work, stamp).await
}
