//! Setting units, and bringing what was entered into the items' own.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    domain::{Entered, Refusal, in_base, is_fixed, ratio},
    store::{self, EnteredRow, UnitRow},
};
use crate::{
    config::Stamp,
    error::Error,
    items::commands::known_units,
    ledger::{self, commands::Work},
};

/// Sets ratios of units.
///
/// # Errors
/// [`Error::UnknownSku`], [`Refusal::Fixed`].
pub(crate) async fn put(conn: &mut PgConnection, units: &[UnitRow], stamp: &Stamp<'_>) -> Result<(), Error> {
    let skus: BTreeSet<_> = units.iter().map(|unit| unit.sku.clone()).collect();
    let work = ledger::commands::lock(conn, skus.clone(), false).await?;
    known_units(&work, skus.iter().map(|sku| (sku.as_str(), work.unit(sku).unwrap_or_default())))?;
    for unit in units {
        if let Some(base) = work.unit(&unit.sku).filter(|base| is_fixed(&unit.unit, base)) {
            let (sku, base) = (unit.sku.clone(), base.to_owned());
            return Err(Refusal::Fixed { sku, unit: unit.unit.clone(), base }.into());
        }
    }
    Ok(store::put(conn, units, stamp.by, stamp.now).await?)
}

/// What was entered, in the items' own units: for each its unit and quantity, in the order given. Their items are locked.
///
/// # Errors
/// [`Error::UnknownSku`] with all that are not known; [`Error::UnitMismatch`] with the first that has no such unit;
/// [`Refusal::Inexact`], [`Refusal::TooMuch`].
pub(crate) async fn to_base(
    conn: &mut PgConnection,
    work: &Work,
    entered: &[Entered],
) -> Result<Vec<(String, Decimal)>, Error> {
    in_units_of(conn, |sku| work.unit(sku), entered).await
}

/// As [`to_base`], with the items' units as given.
pub(crate) async fn in_units_of<'a>(
    conn: &mut PgConnection,
    unit_of: impl Fn(&str) -> Option<&'a str>,
    entered: &[Entered],
) -> Result<Vec<(String, Decimal)>, Error> {
    known(&unit_of, entered.iter().map(|one| one.sku.as_str()))?;
    let foreign: Vec<_> = entered.iter().filter(|one| unit_of(&one.sku) != Some(one.unit.as_str())).collect();
    let ratios = if foreign.is_empty() { Default::default() } else { store::ratios(conn, &foreign).await? };
    let mut amounts = Vec::with_capacity(entered.len());
    for one in entered {
        let base = unit_of(&one.sku).unwrap_or_default();
        let mismatch = || Error::UnitMismatch { sku: one.sku.clone(), unit: base.to_owned() };
        let ratio = ratio(one, base, &ratios).ok_or_else(mismatch)?;
        amounts.push((base.to_owned(), in_base(one, base, ratio)?));
    }
    Ok(amounts)
}

fn known<'a, 'b>(unit_of: impl Fn(&str) -> Option<&'a str>, skus: impl Iterator<Item = &'b str>) -> Result<(), Error> {
    let unknown: BTreeSet<_> = skus.filter(|sku| unit_of(sku).is_none()).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    Err(Error::UnknownSku(unknown.into_iter().collect::<Vec<_>>().join(", ")))
}

/// Keeps what was entered in other units in a new document, by line from 1, beside what it came to.
pub(crate) async fn keep(
    conn: &mut PgConnection,
    document: Uuid,
    entered: &[Entered],
    amounts: &[(String, Decimal)],
) -> Result<(), Error> {
    let lines = entered.iter().zip(amounts).zip(1..);
    let rows: Vec<_> =
        lines.filter_map(|((one, amount), line_no)| Some((document, row(one, amount, line_no)?))).collect();
    if rows.is_empty() {
        return Ok(());
    }
    Ok(store::keep(conn, &rows).await?)
}

/// Keeps what was entered in documents of one line each, instead of what was kept of them before.
pub(crate) async fn keep_anew(
    conn: &mut PgConnection,
    documents: &[Uuid],
    entered: &[Entered],
    amounts: &[(String, Decimal)],
) -> Result<(), Error> {
    store::forget(conn, documents).await?;
    let lines = documents.iter().zip(entered.iter().zip(amounts));
    let rows: Vec<_> = lines.filter_map(|(document, (one, amount))| Some((*document, row(one, amount, 1)?))).collect();
    if rows.is_empty() {
        return Ok(());
    }
    Ok(store::keep(conn, &rows).await?)
}

/// None when it was entered in the item's own unit.
fn row(one: &Entered, (base, amount): &(String, Decimal), line_no: i32) -> Option<EnteredRow> {
    (one.unit != *base).then(|| EnteredRow {
        line_no,
        sku: one.sku.clone(),
        quantity: one.quantity,
        unit: one.unit.clone(),
        base_quantity: *amount,
    })
}
