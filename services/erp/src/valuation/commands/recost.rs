//! What follows when the past of an item is worth something else.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    follow::revise_sales,
    refold::{Refolded, refold},
    value::Changes,
};
use crate::{
    config::Stamp,
    error::Error,
    ledger::commands::{Work, lock},
    valuation::{
        domain::spread,
        store_making as making,
        store_past::{self as store, Correction, Reason, Revalued},
    },
};

/// Why the past is valued again, and from when on the book may be written to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Again {
    /// Document.
    pub(crate) reason: Reason,
    /// First open moment.
    pub(crate) open_from: Option<OffsetDateTime>,
}

/// Locks items whose past will change, and all that were made of them.
///
/// # Errors
/// Database errors; [`Error::Busy`] when something more was made of them meanwhile.
pub(crate) async fn lock_with_made(conn: &mut PgConnection, skus: BTreeSet<String>) -> Result<Work, Error> {
    let all = making::closure(conn, &skus).await?;
    let work = lock(conn, all.clone(), false).await?;
    if making::closure(conn, &skus).await?.is_subset(&all) { Ok(work) } else { Err(Error::Busy) }
}

/// Values locked items again, after `entries` changed what their receipts are worth or something else changed how they are
/// valued.
///
/// # Errors
/// Database errors; [`Error::Inconsistent`].
pub(crate) async fn recost(
    conn: &mut PgConnection,
    work: &mut Work,
    skus: BTreeSet<String>,
    mut entries: Vec<i64>,
    again: &Again,
    stamp: &Stamp<'_>,
) -> Result<(), Error> {
    pass(conn, work, skus, &mut entries, again, stamp).await?;
    finish(conn, work, &entries, again, stamp).await
}

/// Writes what valuing some items again has found, and follows it.
///
/// # Errors
/// Database errors; [`Error::Inconsistent`].
pub(crate) async fn settle(
    conn: &mut PgConnection,
    work: &mut Work,
    corrections: Vec<Correction>,
    revalued: Vec<Revalued>,
    again: &Again,
    stamp: &Stamp<'_>,
) -> Result<(), Error> {
    let mut entries = insert(conn, &corrections, &revalued, again, stamp).await?;
    let made = into_products(conn, &mut entries, 0, again, stamp).await?;
    pass(conn, work, made, &mut entries, again, stamp).await?;
    finish(conn, work, &entries, again, stamp).await
}

async fn insert(
    conn: &mut PgConnection,
    corrections: &[Correction],
    revalued: &[Revalued],
    again: &Again,
    stamp: &Stamp<'_>,
) -> Result<Vec<i64>, Error> {
    let by = (stamp.now, stamp.by);
    let mut entries = store::insert_corrections(conn, corrections, again.reason, again.open_from, by).await?;
    entries.extend(store::insert_revalued(conn, revalued, again.open_from, by).await?);
    Ok(entries)
}

/// More rounds than any chain of makings has: something goes round in a circle.
const MOST_ROUNDS: usize = 10_000;

/// Values items again, then what was made of them, until nothing differs any more.
async fn pass(
    conn: &mut PgConnection,
    work: &Work,
    mut todo: BTreeSet<String>,
    entries: &mut Vec<i64>,
    again: &Again,
    stamp: &Stamp<'_>,
) -> Result<(), Error> {
    for _ in 0..MOST_ROUNDS {
        let Some(sku) = todo.pop_first() else { return Ok(()) };
        let basis = work.item(&sku).and_then(|item| item.basis());
        let basis = basis.ok_or(Error::Inconsistent("an item is valued again without its lock"))?;
        let Refolded { corrections, revalued, before, fold, .. } =
            refold(conn, &sku, basis, Vec::new(), stamp.rules.digits()).await?;
        let mut changes = Changes::default();
        changes.add(&sku, &before, &fold, |id| id);
        changes.write(conn).await?;
        let costs: Vec<_> = fold.unit_costs().iter().map(|(lot, cost)| (*lot, *cost)).collect();
        store::write_unit_costs(conn, &costs).await?;
        let first = entries.len();
        entries.extend(insert(conn, &corrections, &revalued, again, stamp).await?);
        todo.extend(into_products(conn, entries, first, again, stamp).await?);
    }
    Err(Error::Inconsistent("what goods are made of goes round in a circle"))
}

/// Adds what the inputs of makings now cost more or less to their outputs, by the outputs' worth. Answers their items.
async fn into_products(
    conn: &mut PgConnection,
    entries: &mut Vec<i64>,
    first: usize,
    again: &Again,
    stamp: &Stamp<'_>,
) -> Result<BTreeSet<String>, Error> {
    let changed: BTreeMap<Uuid, Decimal> = making::changed_inputs(conn, &entries[first..]).await?;
    if changed.is_empty() {
        return Ok(BTreeSet::new());
    }
    let outputs = making::outputs(conn, &changed.keys().copied().collect::<Vec<_>>()).await?;
    let mut corrections = Vec::new();
    for of_one in outputs.chunk_by(|a, b| a.cause_id == b.cause_id) {
        let weights: Vec<_> = of_one.iter().map(|output| output.value).collect();
        let parts = spread(changed[&of_one[0].cause_id], &weights, stamp.rules.digits());
        for (output, value) in of_one.iter().zip(parts).filter(|(_, value)| !value.is_zero()) {
            corrections.push(Correction { id: output.id, value, of_variance: false });
        }
    }
    entries.extend(insert(conn, &corrections, &[], again, stamp).await?);
    Ok(outputs.into_iter().map(|output| output.sku).collect())
}

async fn finish(
    conn: &mut PgConnection,
    work: &mut Work,
    entries: &[i64],
    again: &Again,
    stamp: &Stamp<'_>,
) -> Result<(), Error> {
    store::amend_snapshots(conn, entries).await?;
    revise_sales(conn, work, entries, again.reason, stamp).await
}
