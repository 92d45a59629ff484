//! Other methods and other standard costs, from a moment on.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::{
    dates,
    recost::{Again, lock_with_made, recost},
};
use crate::{
    config::Stamp,
    error::Error,
    ledger::commands::{Work, finish},
    valuation::{
        domain::Method,
        store_past::{self, Reason},
        store_prices::{self as store, NewBasis},
    },
};

/// Most goods that are revalued at once.
const MOST: usize = 500;

/// Sets the method of a category and revalues its goods. Answers how many, and whether more are left.
///
/// # Errors
/// [`Error::StandardCostMissing`], [`Error::PeriodClosed`].
pub(crate) async fn set_method(
    conn: &mut PgConnection,
    (category, method): (&str, Method),
    at: OffsetDateTime,
    reason: &str,
    stamp: &Stamp<'_>,
) -> Result<(usize, bool), Error> {
    store::set_policy(conn, category, method).await?;
    let mut skus = store::valued_otherwise(conn, category, method, MOST as i64 + 1).await?;
    let remaining = skus.len() > MOST;
    skus.truncate(MOST);
    let mut work = lock_with_made(conn, skus.iter().cloned().collect()).await?;
    let mut changes = Vec::with_capacity(skus.len());
    for sku in skus {
        let standard = work.item(&sku).and_then(|item| item.standard);
        if method == Method::Standard && standard.is_none() {
            return Err(Error::StandardCostMissing(sku));
        }
        changes.push(NewBasis { sku, method, standard });
    }
    revalue(conn, &mut work, &changes, (at, reason), stamp).await?;
    finish(conn, work, stamp).await?;
    Ok((changes.len(), remaining))
}

/// Sets standard costs and revalues the goods that are valued by them. Answers how many.
///
/// # Errors
/// [`Error::UnknownSku`], [`Error::PeriodClosed`].
pub(crate) async fn set_standards(
    conn: &mut PgConnection,
    costs: &[(String, Decimal)],
    at: OffsetDateTime,
    reason: &str,
    stamp: &Stamp<'_>,
) -> Result<usize, Error> {
    let mut work = lock_with_made(conn, costs.iter().map(|(sku, _)| sku.clone()).collect()).await?;
    let unknown: Vec<_> =
        costs.iter().filter(|(sku, _)| work.unit(sku).is_none()).map(|(sku, _)| sku.as_str()).collect();
    if !unknown.is_empty() {
        return Err(Error::UnknownSku(unknown.join(", ")));
    }
    store::set_standards(conn, costs).await?;
    let by_it =
        |sku: &str| work.item(sku).is_some_and(|item| item.method == Method::Standard && item.last_moved_at.is_some());
    let of_it = costs.iter().filter(|(sku, _)| by_it(sku));
    let changes: Vec<_> = of_it
        .map(|(sku, cost)| NewBasis { sku: sku.clone(), method: Method::Standard, standard: Some(*cost) })
        .collect();
    revalue(conn, &mut work, &changes, (at, reason), stamp).await?;
    finish(conn, work, stamp).await?;
    Ok(changes.len())
}

/// Values locked items otherwise from a moment on.
async fn revalue(
    conn: &mut PgConnection,
    work: &mut Work,
    changes: &[NewBasis],
    (at, reason): (OffsetDateTime, &str),
    stamp: &Stamp<'_>,
) -> Result<(), Error> {
    if changes.is_empty() {
        return Ok(());
    }
    dates::open(conn, at).await?;
    let open_from = store_past::share_period(conn).await?;
    let id = service::new_id();
    store::insert_revaluations(conn, changes, (id, at, reason), (stamp.now, stamp.by)).await?;
    for change in changes {
        work.change(&change.sku, |item| (item.method, item.standard) = (change.method, change.standard))?;
    }
    let skus: BTreeSet<_> = changes.iter().map(|change| change.sku.clone()).collect();
    let again = Again { reason: Reason { kind: "recost", id }, open_from };
    recost(conn, work, skus, Vec::new(), &again, stamp).await
}
