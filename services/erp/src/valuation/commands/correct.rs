//! A price was wrong.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::recost::{Again, lock_with_made, recost};
use crate::{
    config::Stamp,
    error::Error,
    ledger::commands::finish,
    stock::store::insert_document,
    valuation::{
        store_past::{self as store, Correction, Reason},
        store_prices as prices,
    },
};

/// Corrects what a line of a receipt cost. Answers the correction's id and the difference.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Busy`].
pub(crate) async fn correct_receipt_cost(
    conn: &mut PgConnection,
    (receipt, line_no): (Uuid, i32),
    cost: Decimal,
    reason: &str,
    stamp: &Stamp<'_>,
) -> Result<(Uuid, Decimal), Error> {
    let line = prices::line(conn, receipt, line_no).await?;
    let (sku, move_id) = line.ok_or_else(|| Error::NotFound("receipt line", format!("{receipt}/{line_no}")))?;
    let skus = BTreeSet::from([sku]);
    let mut work = lock_with_made(conn, skus.clone()).await?;
    let open_from = store::share_period(conn).await?;
    let id = service::new_id();
    insert_document(conn, id, "cost_correction", reason, stamp.by, stamp.now).await?;
    let difference = cost - prices::price(conn, move_id).await?;
    if !difference.is_zero() {
        let correction = Correction { id: move_id, value: difference, of_variance: false };
        let reason = Reason { kind: "cost_correction", id };
        let by = (stamp.now, stamp.by);
        let entries = store::insert_corrections(conn, &[correction], reason, open_from, by).await?;
        let again = Again { reason: Reason { kind: "recost", id }, open_from };
        recost(conn, &mut work, skus, entries, &again, stamp).await?;
    }
    finish(conn, work, stamp).await?;
    Ok((id, difference))
}
