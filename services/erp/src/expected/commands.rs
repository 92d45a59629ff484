//! Entering, changing and cancelling expected receipts, and fulfilling them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    domain::{NewExpected, Refusal, over_and_short, state},
    store::{self, Expected, Written},
};
use crate::{
    config::Stamp,
    error::Error,
    ledger::commands::{Work, finish, lock},
    promises::{commands::tell_changes, queries::incoming},
    units,
    warehouses::{domain::Warehouse, store as warehouses},
};

/// Creates or changes expected receipts. Answers their ids, in the order given.
///
/// # Errors
/// [`Error::UnknownSku`], [`Error::UnknownWarehouse`], units, [`Refusal`].
pub(crate) async fn upsert(
    conn: &mut PgConnection,
    inputs: &[NewExpected],
    stamp: &Stamp<'_>,
) -> Result<Vec<Uuid>, Error> {
    let houses = warehouses::all(conn, stamp.rules).await?;
    let skus: BTreeSet<_> = inputs.iter().map(|input| input.entered.sku.clone()).collect();
    let mut work = lock(conn, skus, false).await?;
    let entered: Vec<_> = inputs.iter().map(|input| input.entered.clone()).collect();
    let amounts = units::commands::to_base(conn, &work, &entered).await?;
    let keys: Vec<_> = inputs.iter().map(|input| &input.key).collect();
    let there: HashMap<_, Expected> = store::by_keys(conn, &keys)
        .await?
        .into_iter()
        .map(|one| ((one.source.clone(), one.document.clone(), one.document_line), one))
        .collect();
    let mut rows = Vec::with_capacity(inputs.len());
    for (input, (_, quantity)) in inputs.iter().zip(&amounts) {
        let warehouse = house(&houses, &input.warehouse, stamp)?.id;
        let (source, document, line) = &input.key;
        let mut received = Decimal::ZERO;
        if let Some(one) = there.get(&((*source).to_owned(), document.clone(), *line)) {
            changeable(one, &input.entered.sku, warehouse)?;
            received = one.received;
        }
        rows.push(Written { input, warehouse, quantity: *quantity, state: state(*quantity, received, false) });
    }

    let before = incoming(conn, &work.skus(), stamp.today()).await?;
    let written = store::upsert(conn, &rows, stamp.by, stamp.now).await?;
    let after = incoming(conn, &work.skus(), stamp.today()).await?;
    work.touch();
    tell_changes(conn, &mut work, (&before, &after), stamp).await?;
    let mut ids = Vec::with_capacity(inputs.len());
    for input in inputs {
        let (source, document, line) = &input.key;
        let id = written.get(&((*source).to_owned(), document.clone(), *line)).copied();
        ids.push(id.ok_or(Refusal::Mismatch(Uuid::nil()))?);
    }
    units::commands::keep_anew(conn, &ids, &entered, &amounts).await?;
    finish(conn, work, stamp).await?;
    Ok(ids)
}

fn house<'a>(houses: &'a [Warehouse], code: &str, stamp: &Stamp<'_>) -> Result<&'a Warehouse, Error> {
    let code = if code.is_empty() { stamp.rules.default_warehouse.as_str() } else { code };
    houses.iter().find(|house| house.code == code).ok_or_else(|| Error::UnknownWarehouse(code.to_owned()))
}

fn changeable(one: &Expected, sku: &str, warehouse: Uuid) -> Result<(), Refusal> {
    if one.sku != sku || one.warehouse_id != warehouse {
        return Err(Refusal::Mismatch(one.id));
    }
    match one.state.as_str() {
        "open" | "partial" => Ok(()),
        ended => Err(Refusal::Ended(one.id, ended.to_owned())),
    }
}

/// Says that the rest of an expected receipt will not come. Cancelling again changes nothing.
///
/// # Errors
/// [`Error::NotFound`]; [`Refusal::Ended`] when all came.
pub(crate) async fn cancel(conn: &mut PgConnection, id: Uuid, reason: &str, stamp: &Stamp<'_>) -> Result<(), Error> {
    let unknown = || Error::NotFound("expected receipt", id.to_string());
    let seen = store::by_ids(conn, &[id]).await?.remove(&id).ok_or_else(unknown)?;
    let mut work = lock(conn, BTreeSet::from([seen.sku]), false).await?;
    let one = store::by_ids(conn, &[id]).await?.remove(&id).ok_or_else(unknown)?;
    match one.state.as_str() {
        "cancelled" => return Ok(()),
        "received" => return Err(Refusal::Ended(id, one.state).into()),
        _ => {}
    }
    let before = incoming(conn, &work.skus(), stamp.today()).await?;
    store::cancel(conn, id, reason, stamp.by, stamp.now).await?;
    let after = incoming(conn, &work.skus(), stamp.today()).await?;
    work.touch();
    tell_changes(conn, &mut work, (&before, &after), stamp).await?;
    finish(conn, work, stamp).await
}

/// A line of a receipt that names an expected receipt.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Brought<'a> {
    pub(crate) line_no: i32,
    pub(crate) sku: &'a str,
    pub(crate) quantity: Decimal,
    pub(crate) expected: Uuid,
    /// Nothing more of it will come.
    pub(crate) ends: bool,
}

/// Notes what a receipt brought of what was expected; the items are locked and the goods posted. Orders whose day changes because less
/// came than was expected, and nothing more will, hear of it.
///
/// # Errors
/// [`Error::NotFound`], [`Refusal`].
pub(crate) async fn fulfil(
    conn: &mut PgConnection,
    work: &mut Work,
    (receipt, warehouse): (Uuid, Uuid),
    brought: &[Brought<'_>],
    stamp: &Stamp<'_>,
) -> Result<(), Error> {
    if brought.is_empty() {
        return Ok(());
    }
    let ids: Vec<_> = brought.iter().map(|line| line.expected).collect();
    let mut there = store::by_ids(conn, &ids).await?;
    let mut ends: BTreeMap<Uuid, bool> = BTreeMap::new();
    for line in brought {
        let unknown = || Error::NotFound("expected receipt", line.expected.to_string());
        let one = there.get_mut(&line.expected).ok_or_else(unknown)?;
        if one.sku != line.sku || one.warehouse_id != warehouse {
            return Err(Refusal::Mismatch(one.id).into());
        }
        // More than was expected may come later still; of what was cancelled nothing comes.
        if one.state == "cancelled" {
            return Err(Refusal::Ended(one.id, one.state.clone()).into());
        }
        one.received += line.quantity;
        *ends.entry(one.id).or_default() |= line.ends || one.state == "received";
    }
    let fulfilled: Vec<_> = ends
        .iter()
        .map(|(id, ends)| (*id, there[id].received, state(there[id].quantity, there[id].received, *ends)))
        .collect();
    store::fulfil(conn, &fulfilled, stamp.by, stamp.now).await?;
    let links: Vec<_> = brought.iter().map(|line| (line.line_no, line.expected, line.quantity)).collect();
    store::link(conn, receipt, &links).await?;

    let after = incoming(conn, &work.skus(), stamp.today()).await?;
    let mut before = after.clone();
    for (id, received, state) in fulfilled {
        let one = &there[&id];
        let (_, short) = over_and_short(one.quantity, received, state);
        if short > Decimal::ZERO && one.state != "received" {
            let tomorrow = stamp.today().next_day().unwrap_or(stamp.today());
            before.add(&one.sku, one.warehouse_id, one.expected_on.max(tomorrow), short);
        }
    }
    if before == after {
        return Ok(());
    }
    tell_changes(conn, work, (&before, &after), stamp).await
}
