//! Cost of sales follows what the goods are worth now.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    config::Stamp,
    error::Error,
    fulfilment::store as shipments,
    ledger::commands::Work,
    valuation::{
        convert,
        store_past::Reason,
        store_sales::{self as store, Revised},
    },
};

/// Brings shipments and returns up to date with entries that changed what was sold, and says so to the orders.
///
/// # Errors
/// Database errors.
pub(super) async fn revise_sales(
    conn: &mut PgConnection,
    work: &mut Work,
    entries: &[i64],
    reason: Reason,
    stamp: &Stamp<'_>,
) -> Result<(), Error> {
    let revised = store::revised(conn, entries).await?;
    if revised.is_empty() {
        return Ok(());
    }
    let mut sent: Vec<_> = revised.iter().map(|one| one.shipment_id).collect();
    sent.sort_unstable();
    sent.dedup();
    shipments::lock(conn, &sent).await?;
    store::revise(conn, &revised).await?;
    let mut by_order: BTreeMap<(Uuid, OffsetDateTime), Vec<&Revised>> = BTreeMap::new();
    for one in &revised {
        by_order.entry((one.order_id, one.effective_at)).or_default().push(one);
    }
    for ((order, at), lines) in by_order {
        work.tell(order, convert::cost_of_sales_revised(order, at, &lines, reason, stamp.rules.currency));
    }
    Ok(())
}
