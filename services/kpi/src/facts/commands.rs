//! Applies a batch of events.

use std::collections::BTreeSet;

use messaging::Event;
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::{
    convert,
    domain::{Calendar, Changes},
    domain_sums::LineSums,
    store::{self, OrderRow},
    store_events, store_lines, store_updates,
};

/// Brings the facts up to date with a batch of events, marks the days whose figures changed, and says what changed.
///
/// # Errors
/// When an event is malformed or the database fails: then nothing of the batch is kept.
pub async fn apply(
    conn: &mut PgConnection,
    events: &[Event],
    calendar: &Calendar,
    now: OffsetDateTime,
) -> anyhow::Result<Changes> {
    let mut changes = Changes::default();
    for event in events {
        convert::absorb(&mut changes, event, calendar)?;
    }
    write_orders(conn, &changes, now).await?;
    store_events::upsert_shipments(conn, &changes.shipments).await?;
    store_events::insert_payments(conn, &changes.payments).await?;
    store_events::add_stock(conn, &changes.stock).await?;
    store_events::insert_crossings(conn, &changes.crossings).await?;
    store_events::upsert_tasks(conn, &changes.tasks).await?;
    store_events::upsert_customers(conn, &changes.customers).await?;
    store_events::upsert_products(conn, &changes.products).await?;
    Ok(changes)
}

/// Writes each order once. The sums over the lines of an order that had none come with it, if all that happened to the lines
/// is that they were placed; otherwise they are taken from the rows of the lines.
async fn write_orders(conn: &mut PgConnection, changes: &Changes, now: OffsetDateTime) -> sqlx::Result<()> {
    if changes.orders.is_empty() {
        return Ok(());
    }
    store::lock(conn).await?;
    let ids: Vec<_> = changes.orders.keys().copied().collect();
    let known = store::known_orders(conn, &ids).await?;
    // Keys come in order, so equal ids stand side by side.
    let mut lined: Vec<_> = changes.lines.keys().map(|(order_id, _)| *order_id).collect();
    lined.dedup();
    lined.retain(|order_id| known.contains(order_id));
    let lined = store_lines::orders_with_lines(conn, &lined).await?;

    let (mut known_orders, mut new_orders) = (Vec::new(), Vec::new());
    let (mut new_lines, mut lines, mut to_sum) = (Vec::new(), Vec::new(), Vec::new());
    let mut days = BTreeSet::new();
    for (order_id, change) in &changes.orders {
        let of_order = changes.lines_of(*order_id);
        let sums = LineSums::of(of_order.clone().map(|(_, line)| line)).filter(|_| !lined.contains(order_id));
        if sums.is_some() {
            new_lines.extend(of_order);
            days.extend(change.placed.as_ref().map(|placed| placed.business_day));
        } else if of_order.clone().next().is_some() {
            lines.extend(of_order);
            to_sum.push(*order_id);
        }
        let rows = if known.contains(order_id) { &mut known_orders } else { &mut new_orders };
        rows.push(OrderRow { order_id: *order_id, change, sums });
    }
    store_updates::update_orders(conn, &known_orders).await?;
    store::insert_orders(conn, &new_orders).await?;
    store_lines::insert_lines(conn, &new_lines).await?;
    if !lines.is_empty() {
        store_lines::upsert_lines(conn, &lines).await?;
        days.extend(store_lines::sum_lines(conn, &to_sum).await?);
    }
    store::mark_days(conn, &days.into_iter().collect::<Vec<_>>(), now).await
}
