//! Corrections, transfers and lot status.

use std::collections::{BTreeSet, HashMap};

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    domain::{AdjustKind, Adjustment, Transfer},
    store::{self, Lot},
};
use crate::{
    config::Stamp,
    error::Error,
    ledger::{
        commands::{Posted, Work, finish, lock, post, post_at},
        domain::{COUNTING, Cause, LOSS, Move, Place, PlaceKind, Worth, share},
        store::balances,
    },
    recalls::store as recalls,
    reservation::commands::{displace, serve},
    units::{self, domain::Entered},
    valuation::{commands::recost::lock_with_made, store_past::on_hand_at},
    warehouses::store as warehouses,
};

/// Corrects one lot in one place. Returns the correction's id and the change of quantity and value.
///
/// # Errors
/// Unknown things; [`Error::NotEnoughStock`] for a loss of more than is there; [`Error::PickedStock`]; what a moment in the
/// past may be refused for.
pub(crate) async fn adjust(
    conn: &mut PgConnection,
    mut adjustment: Adjustment,
    stamp: &Stamp<'_>,
) -> Result<(Uuid, Decimal, Decimal), Error> {
    let place = place_to_adjust(conn, &adjustment).await?;
    let mut work = lock_for(conn, BTreeSet::from([adjustment.sku.clone()]), adjustment.at).await?;
    let id = service::new_id();
    let lines = [entered(&adjustment.sku, &adjustment.lot, &adjustment.unit, adjustment.quantity)];
    if let Some((unit, quantity)) = in_base(conn, &work, id, &lines).await?.pop() {
        adjustment.in_unit(unit, quantity);
    }
    let lot = lot_of(conn, &adjustment.sku, &adjustment.lot).await?;
    let key = (lot.id, place.id);
    let on_hand = balances(conn, &[key]).await?.get(&key).map_or(Decimal::ZERO, |balance| balance.on_hand);
    let counted_from = match adjustment.at {
        Some(at) => on_hand_at(conn, lot.id, place.id, at).await?,
        None => on_hand,
    };
    let difference = adjustment.difference(counted_from);
    if on_hand + difference < Decimal::ZERO {
        return Err(not_enough(&adjustment.sku, &adjustment.lot, on_hand));
    }
    let (kind, other) = match adjustment.kind {
        AdjustKind::Count => ("count", COUNTING),
        AdjustKind::WriteOff => ("write_off", LOSS),
    };
    store::insert_document(conn, id, kind, &adjustment.reason, stamp.by, stamp.now).await?;
    displace(conn, &mut work, (lot.id, Some(place.id)), on_hand + difference, "released", stamp).await?;
    let cause = Cause { kind, id, order: None };
    let sku = adjustment.sku.as_str();
    let moves = match difference {
        more if more > Decimal::ZERO => {
            vec![Move::new(other, place, (sku, lot.id), more, cause).worth(surplus(&adjustment, &lot, more, stamp))]
        }
        less if less < Decimal::ZERO => vec![Move::new(place, other, (sku, lot.id), -less, cause)],
        _ => Vec::new(),
    };
    let posted = post_for(conn, &mut work, &moves, adjustment.at, stamp).await?;
    let worth: Decimal = posted.iter().map(|one| one.value).sum();
    serve(conn, &mut work, Vec::new(), stamp, "stock_changed").await?;
    finish(conn, work, stamp).await?;
    Ok((id, difference, if difference < Decimal::ZERO { -worth } else { worth }))
}

/// What a surplus is worth: at the cost given, else at what the lot costs there, else at what it last came in at.
fn surplus(adjustment: &Adjustment, lot: &Lot, quantity: Decimal, stamp: &Stamp<'_>) -> Worth {
    match adjustment.unit_cost {
        Some(cost) => Worth::Given(share(cost, quantity, Decimal::ONE, stamp.rules.digits())),
        None => Worth::Found(lot.unit_cost),
    }
}

/// Locks items for something that happens now, or happened at a moment.
async fn lock_for(conn: &mut PgConnection, skus: BTreeSet<String>, at: Option<OffsetDateTime>) -> Result<Work, Error> {
    match at {
        Some(_) => lock_with_made(conn, skus).await,
        None => lock(conn, skus, false).await,
    }
}

/// Posts what happens now, or happened at a moment.
async fn post_for(
    conn: &mut PgConnection,
    work: &mut Work,
    moves: &[Move],
    at: Option<OffsetDateTime>,
    stamp: &Stamp<'_>,
) -> Result<Vec<Posted>, Error> {
    match at {
        Some(at) => post_at(conn, work, moves, at, stamp).await,
        None => post(conn, work, moves, stamp.now, stamp).await,
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

pub(crate) fn not_enough(sku: &str, lot: &str, there: Decimal) -> Error {
    Error::NotEnoughStock { sku: sku.to_owned(), lot: lot.to_owned(), there: there.normalize().to_string() }
}

async fn own_place(conn: &mut PgConnection, code: &str) -> Result<Place, Error> {
    let place = warehouses::place(conn, code).await?.map(|(place, _)| place);
    place.filter(|place| place.kind != PlaceKind::Outside).ok_or_else(|| Error::UnknownPlace(code.to_owned()))
}

/// Moves lots between own places with their exact value. Returns the transfer's id and the value that crossed between
/// warehouses.
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
    let skus = transfer.lines.iter().map(|line| line.sku.clone()).collect();
    let mut work = lock_for(conn, skus, transfer.at).await?;
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
    let there = balances(conn, &there).await?;
    let mut free: HashMap<Uuid, Decimal> =
        there.iter().map(|((lot, _), balance)| (*lot, balance.on_hand - balance.reserved)).collect();
    let cause = Cause { kind: "transfer", id, order: None };
    let mut moves = Vec::with_capacity(transfer.lines.len());
    for line in &transfer.lines {
        let Some(lot) = lot(&line.sku, &line.lot) else { continue };
        let free = free.entry(lot.id).or_default();
        if *free < line.quantity {
            return Err(not_enough(&line.sku, &line.lot, *free));
        }
        *free -= line.quantity;
        moves.push(Move::new(from, to, (&line.sku, lot.id), line.quantity, cause));
    }
    store::insert_document(conn, id, "transfer", &transfer.reason, stamp.by, stamp.now).await?;
    let posted = post_for(conn, &mut work, &moves, transfer.at, stamp).await?;
    serve(conn, &mut work, Vec::new(), stamp, "stock_changed").await?;
    finish(conn, work, stamp).await?;
    Ok((id, posted.iter().map(|one| one.value).sum()))
}

/// Sets a lot's status. Returns how much orders had to give back.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::PickedStock`] when some of it is already in shipments; [`Error::LotRecalled`] when it
/// would not be blocked any more.
pub(crate) async fn set_lot_status(
    conn: &mut PgConnection,
    (sku, number): (&str, &str),
    status: &'static str,
    reason: &str,
    stamp: &Stamp<'_>,
) -> Result<Decimal, Error> {
    let mut work = lock(conn, BTreeSet::from([sku.to_owned()]), false).await?;
    let lot = lot_of(conn, sku, number).await?;
    if status != "blocked" && recalls::is_recalled(conn, lot.id).await? {
        return Err(Error::LotRecalled { sku: sku.to_owned(), lot: number.to_owned() });
    }
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
