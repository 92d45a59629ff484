//! Corrections, transfers and lot status.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    domain::{AdjustKind, Adjustment, Transfer},
    store::{self, Lot},
};
use crate::{
    config::Stamp,
    error::Error,
    ledger::{
        commands::{Work, finish, lock, post},
        domain::{COUNTING, Cause, LOSS, Layer, Move, Place, PlaceKind, share},
        store::balances,
    },
    reservation::commands::{displace, serve},
    units::{self, domain::Entered},
    warehouses::store as warehouses,
};

/// Corrects one lot in one place. Returns the correction's id and the change of quantity and value.
///
/// # Errors
/// Unknown things; [`Error::NotEnoughStock`] for a loss of more than is there; [`Error::PickedStock`].
pub(crate) async fn adjust(
    conn: &mut PgConnection,
    mut adjustment: Adjustment,
    stamp: &Stamp<'_>,
) -> Result<(Uuid, Decimal, Decimal), Error> {
    let place = place_to_adjust(conn, &adjustment).await?;
    let mut work = lock(conn, BTreeSet::from([adjustment.sku.clone()]), false).await?;
    let id = service::new_id();
    let lines = [entered(&adjustment.sku, &adjustment.lot, &adjustment.unit, adjustment.quantity)];
    if let Some((unit, quantity)) = in_base(conn, &work, id, &lines).await?.pop() {
        adjustment.in_unit(unit, quantity);
    }
    let lot = lot_of(conn, &adjustment.sku, &adjustment.lot).await?;
    let key = (lot.id, place.id);
    let found = balances(conn, &[key]).await?.remove(&key);
    let mut layer =
        found.as_ref().map_or(Layer { on_hand: Decimal::ZERO, value: Decimal::ZERO }, |balance| balance.layer);
    let difference = adjustment.difference(layer.on_hand);
    if layer.on_hand + difference < Decimal::ZERO {
        return Err(not_enough(&adjustment.sku, &adjustment.lot, layer.on_hand));
    }
    let (kind, other) = match adjustment.kind {
        AdjustKind::Count => ("count", COUNTING),
        AdjustKind::WriteOff => ("write_off", LOSS),
    };
    store::insert_document(conn, id, kind, &adjustment.reason, stamp.by, stamp.now).await?;
    displace(conn, &mut work, (lot.id, Some(place.id)), layer.on_hand + difference, "released", stamp).await?;
    let cause = Cause { kind, id, order: None };
    let digits = stamp.rules.digits();
    let one = if difference > Decimal::ZERO {
        let value = surplus(&layer, difference, adjustment.unit_cost, lot.unit_cost, digits);
        Some((other, place, value))
    } else if difference < Decimal::ZERO {
        Some((place, other, layer.issue(-difference, digits)))
    } else {
        None
    };
    let mut change = Decimal::ZERO;
    if let Some((from, to, value)) = one {
        change = if difference > Decimal::ZERO { value } else { -value };
        let sku = adjustment.sku.clone();
        let one = Move { from, to, sku, lot: lot.id, quantity: difference.abs(), value, cause };
        post(conn, &mut work, &[one], stamp.now, stamp).await?;
    }
    serve(conn, &mut work, Vec::new(), stamp, "stock_changed").await?;
    finish(conn, work, stamp).await?;
    Ok((id, difference, change))
}

/// What a surplus is worth: at the cost given, else at what the lot costs there now, else at what it cost when it came in.
fn surplus(layer: &Layer, quantity: Decimal, given: Option<Decimal>, last: Decimal, digits: u32) -> Decimal {
    match given {
        Some(cost) => share(cost, quantity, Decimal::ONE, digits),
        None if layer.on_hand > Decimal::ZERO => share(layer.value, quantity, layer.on_hand, digits),
        None => share(last, quantity, Decimal::ONE, digits),
    }
}

fn entered(sku: &str, lot: &str, unit: &str, quantity: Decimal) -> Entered {
    Entered { sku: sku.to_owned(), lot: lot.to_owned(), unit: unit.to_owned(), quantity }
}

/// What was entered, in the items' own units; it is kept with the document where it was in another.
async fn in_base(
    conn: &mut PgConnection,
    work: &Work,
    document: Uuid,
    lines: &[Entered],
) -> Result<Vec<(String, Decimal)>, Error> {
    let amounts = units::commands::to_base(conn, work, lines).await?;
    units::commands::keep(conn, document, lines, &amounts).await?;
    Ok(amounts)
}

async fn place_to_adjust(conn: &mut PgConnection, adjustment: &Adjustment) -> Result<Place, Error> {
    let unknown = || Error::UnknownWarehouse(adjustment.warehouse.clone());
    let warehouse = warehouses::by_code(conn, &adjustment.warehouse).await?.ok_or_else(unknown)?;
    if adjustment.place.is_empty() {
        return Ok(warehouse.bin);
    }
    match warehouses::place(conn, &adjustment.place).await? {
        Some((place, Some(code))) if code == warehouse.code => Ok(place),
        _ => Err(Error::UnknownPlace(adjustment.place.clone())),
    }
}

async fn lot_of(conn: &mut PgConnection, sku: &str, number: &str) -> Result<Lot, Error> {
    let mut found = store::lots(conn, &[(sku, number)]).await?;
    found
        .remove(&(sku.to_owned(), number.to_owned()))
        .ok_or_else(|| Error::NotFound("lot", format!("{number} of {sku}")))
}

fn not_enough(sku: &str, lot: &str, there: Decimal) -> Error {
    Error::NotEnoughStock { sku: sku.to_owned(), lot: lot.to_owned(), there: there.normalize().to_string() }
}

async fn own_place(conn: &mut PgConnection, code: &str) -> Result<Place, Error> {
    let place = warehouses::place(conn, code).await?.map(|(place, _)| place);
    place.filter(|place| place.kind != PlaceKind::Outside).ok_or_else(|| Error::UnknownPlace(code.to_owned()))
}

/// Moves lots between own places with their exact value. Returns the transfer's id and the value moved.
///
/// # Errors
/// Unknown things; [`Error::NotEnoughStock`] when less is free than asked for.
pub(crate) async fn transfer(
    conn: &mut PgConnection,
    mut transfer: Transfer,
    stamp: &Stamp<'_>,
) -> Result<(Uuid, Decimal), Error> {
    let (from, to) = (own_place(conn, &transfer.from).await?, own_place(conn, &transfer.to).await?);
    if from == to {
        return Err(Error::field("to_place", "must be another place than from_place"));
    }
    let mut work: Work = lock(conn, transfer.lines.iter().map(|line| line.sku.clone()).collect(), false).await?;
    let id = service::new_id();
    let lines: Vec<_> =
        transfer.lines.iter().map(|line| entered(&line.sku, &line.lot, &line.unit, line.quantity)).collect();
    for (line, (unit, quantity)) in transfer.lines.iter_mut().zip(in_base(conn, &work, id, &lines).await?) {
        (line.unit, line.quantity) = (unit, quantity);
    }
    let keys: Vec<_> = transfer.lines.iter().map(|line| (line.sku.as_str(), line.lot.as_str())).collect();
    let lots = store::lots(conn, &keys).await?;
    let lot = |sku: &str, number: &str| lots.get(&(sku.to_owned(), number.to_owned()));
    let missing = transfer.lines.iter().find(|line| lot(&line.sku, &line.lot).is_none());
    if let Some(line) = missing {
        return Err(Error::NotFound("lot", format!("{} of {}", line.lot, line.sku)));
    }
    let there: Vec<_> = lots.values().map(|lot| (lot.id, from.id)).collect();
    let mut layers = balances(conn, &there).await?;
    let cause = Cause { kind: "transfer", id, order: None };
    let mut moves = Vec::with_capacity(transfer.lines.len());
    for line in &transfer.lines {
        let Some(lot) = lot(&line.sku, &line.lot) else { continue };
        let balance = layers.get_mut(&(lot.id, from.id));
        let free = balance.as_ref().map_or(Decimal::ZERO, |balance| balance.layer.on_hand - balance.reserved);
        let Some(balance) = balance.filter(|_| free >= line.quantity) else {
            return Err(not_enough(&line.sku, &line.lot, free));
        };
        let value = balance.layer.issue(line.quantity, stamp.rules.digits());
        let sku = line.sku.clone();
        moves.push(Move { from, to, sku, lot: lot.id, quantity: line.quantity, value, cause });
    }
    store::insert_document(conn, id, "transfer", &transfer.reason, stamp.by, stamp.now).await?;
    post(conn, &mut work, &moves, stamp.now, stamp).await?;
    serve(conn, &mut work, Vec::new(), stamp, "stock_changed").await?;
    finish(conn, work, stamp).await?;
    Ok((id, moves.iter().map(|one| one.value).sum()))
}

/// Sets a lot's status. Returns how much orders had to give back.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::PickedStock`] when some of it is already in shipments.
pub(crate) async fn set_lot_status(
    conn: &mut PgConnection,
    (sku, number): (&str, &str),
    status: &'static str,
    reason: &str,
    stamp: &Stamp<'_>,
) -> Result<Decimal, Error> {
    let mut work = lock(conn, BTreeSet::from([sku.to_owned()]), false).await?;
    let lot = lot_of(conn, sku, number).await?;
    let text = format!("{status}: {reason}");
    store::insert_document(conn, service::new_id(), "lot_status", &text, stamp.by, stamp.now).await?;
    let mut displaced = Decimal::ZERO;
    if status != "available" {
        displaced = displace(conn, &mut work, (lot.id, None), Decimal::ZERO, "released", stamp).await?;
    }
    store::set_status(conn, lot.id, status).await?;
    serve(conn, &mut work, Vec::new(), stamp, "stock_changed").await?;
    finish(conn, work, stamp).await?;
    Ok(displaced)
}
