//! Telling orders that wait of another day.

use std::collections::{BTreeMap, BTreeSet};

use proto::erp::v1::{PromiseChanged, PromisedDay, erp_event::Event};
use sqlx::PgConnection;
use time::Date;
use uuid::Uuid;

use super::{domain::Incoming, queries};
use crate::{
    config::Stamp,
    error::Error,
    ledger::{commands::Work, convert::quantity},
};

/// Tells the orders that wait for locked items whose day is another one by a change of what is expected: each once, with all
/// its lines concerned.
pub(crate) async fn tell_changes(
    conn: &mut PgConnection,
    work: &mut Work,
    (before, after): (&Incoming, &Incoming),
    stamp: &Stamp<'_>,
) -> Result<(), Error> {
    let keys: BTreeSet<_> = before.keys().chain(after.keys()).filter(|(sku, _)| work.awaited(sku)).cloned().collect();
    let reach: Vec<_> = keys
        .into_iter()
        .map(|(sku, house)| {
            let most = before.total(&sku, house).max(after.total(&sku, house));
            (sku, house, most)
        })
        .collect();
    if reach.is_empty() {
        return Ok(());
    }
    let mut told: BTreeMap<Uuid, Vec<PromisedDay>> = BTreeMap::new();
    for line in queries::first_waiting(conn, &reach).await? {
        let was = before.day_of(&line.sku, line.warehouse_id, line.upto);
        let is = after.day_of(&line.sku, line.warehouse_id, line.upto);
        if was == is {
            continue;
        }
        told.entry(line.order_id).or_default().push(PromisedDay {
            line_no: line.line_no,
            quantity: Some(quantity(line.quantity, &line.unit)),
            sku: line.sku,
            was_expected_on: text(was),
            expected_on: text(is),
        });
    }
    for (order, lines) in told {
        let changed_at = Some(proto::to_timestamp(stamp.now));
        work.tell(order, Event::PromiseChanged(PromiseChanged { order_id: order.to_string(), lines, changed_at }));
    }
    Ok(())
}

/// The day on which each waiting line of an order or hold is covered; lines without one are missing.
pub(crate) async fn days_of_order(
    conn: &mut PgConnection,
    order: Uuid,
    stamp: &Stamp<'_>,
) -> Result<BTreeMap<i32, Date>, Error> {
    let lines = queries::waiting_of_order(conn, order).await?;
    if lines.is_empty() {
        return Ok(BTreeMap::new());
    }
    let skus: Vec<_> = lines.iter().map(|line| line.sku.clone()).collect();
    let incoming = queries::incoming(conn, &skus, stamp.today()).await?;
    let day =
        |line: &queries::WaitingLine| Some((line.line_no, incoming.day_of(&line.sku, line.warehouse_id, line.upto)?));
    Ok(lines.iter().filter_map(day).collect())
}

/// A day in wire form; empty for none.
pub(super) fn text(day: Option<Date>) -> String {
    day.map(|day| day.to_string()).unwrap_or_default()
}
