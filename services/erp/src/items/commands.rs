//! State changes of items.

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::{
    domain::{ItemChange, last_of_each},
    store,
};
use crate::{
    error::Error,
    ledger::{self, commands::Work},
};

/// Creates or changes items, for a person. Returns how many were new.
///
/// # Errors
/// [`Error::UnitInUse`].
pub(crate) async fn upsert(
    conn: &mut PgConnection,
    changes: Vec<ItemChange>,
    now: OffsetDateTime,
) -> Result<i64, Error> {
    let skus = changes.iter().map(|change| change.sku.clone()).collect();
    let work = ledger::commands::lock(conn, skus, true).await?;
    let clashing = clashing(conn, &work, &changes).await?;
    if let Some(sku) = clashing.first() {
        return Err(Error::UnitInUse(sku.clone()));
    }
    Ok(store::upsert(conn, &last_of_each(changes), now).await?)
}

/// Takes over products as the orders service knows them; their items are locked. A new unit for goods that are in use
/// is not taken over (the stock is counted in the old one): it is logged, the rest of the change is.
pub(crate) async fn take_over(
    conn: &mut PgConnection,
    work: &mut Work,
    changes: Vec<ItemChange>,
    now: OffsetDateTime,
) -> Result<(), Error> {
    let mut changes = last_of_each(changes);
    if changes.is_empty() {
        return Ok(());
    }
    let clashing = clashing(conn, work, &changes).await?;
    for change in &mut changes {
        if let Some(unit) = work.unit(&change.sku).filter(|_| clashing.contains(&change.sku)) {
            tracing::warn!(sku = change.sku, kept = unit, refused = change.unit, "unit of an item in use not changed");
            unit.clone_into(&mut change.unit);
        }
    }
    store::upsert(conn, &changes, now).await?;
    for change in changes {
        work.change(&change.sku, |item| item.unit = Some(change.unit))?;
    }
    Ok(())
}

async fn clashing(conn: &mut PgConnection, work: &Work, changes: &[ItemChange]) -> Result<Vec<String>, Error> {
    let other_unit = |change: &&ItemChange| work.unit(&change.sku).is_some_and(|unit| unit != change.unit);
    let skus: Vec<_> = changes.iter().filter(other_unit).map(|change| change.sku.clone()).collect();
    if skus.is_empty() {
        return Ok(Vec::new());
    }
    Ok(store::in_use(conn, &skus).await?.into_iter().collect())
}

/// Checks that locked items are known and stocked in the units named.
///
/// # Errors
/// [`Error::UnknownSku`] with all that are not, [`Error::UnitMismatch`] with the first.
pub(crate) fn known_units<'a>(work: &Work, wanted: impl Iterator<Item = (&'a str, &'a str)>) -> Result<(), Error> {
    let mut unknown = Vec::new();
    let mut mismatch = None;
    for (sku, unit) in wanted {
        match work.unit(sku) {
            None => unknown.push(sku),
            Some(stocked) if stocked != unit && mismatch.is_none() => {
                mismatch = Some(Error::UnitMismatch { sku: sku.to_owned(), unit: stocked.to_owned() });
            }
            Some(_) => {}
        }
    }
    if !unknown.is_empty() {
        unknown.sort_unstable();
        unknown.dedup();
        return Err(Error::UnknownSku(unknown.join(", ")));
    }
    mismatch.map_or(Ok(()), Err)
}
