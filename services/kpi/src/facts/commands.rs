//! Applies a batch of events.

use messaging::Event;
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::{
    convert,
    domain::{Calendar, Changes},
    store, store_events,
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
    // The order rows come first: holding them is what makes the sums over their lines right.
    store::upsert_orders(conn, &changes.orders).await?;
    if !changes.lines.is_empty() {
        store::upsert_lines(conn, &changes.lines).await?;
        // Keys come in order, so equal ids stand side by side.
        let mut orders: Vec<_> = changes.lines.keys().map(|(order_id, _)| *order_id).collect();
        orders.dedup();
        store::sum_lines(conn, &orders, now).await?;
    }
    store_events::upsert_shipments(conn, &changes.shipments).await?;
    store_events::insert_payments(conn, &changes.payments).await?;
    store_events::add_stock(conn, &changes.stock).await?;
    store_events::insert_crossings(conn, &changes.crossings).await?;
    store_events::upsert_tasks(conn, &changes.tasks).await?;
    store_events::upsert_customers(conn, &changes.customers).await?;
    store_events::upsert_products(conn, &changes.products).await?;
    Ok(changes)
}
