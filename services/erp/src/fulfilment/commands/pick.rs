//! Picking and packing.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    config::Stamp,
    demand,
    error::Error,
    fulfilment::{
        convert,
        domain::{Found, Shipment, Short, Step, shortfalls},
        store,
    },
    ledger::{
        commands::{Work, finish, lock, post},
        domain::{COUNTING, Cause, Move, Place, PlaceKind},
        store::balances,
    },
    reservation::{
        commands::{release, serve},
        domain::{Held, take_held, whole},
        store as reservations,
    },
    warehouses::store as warehouses,
};

/// Makes a shipment of what an order holds and is in no other: all of it, or `parts` (quantity and unit by line).
///
/// # Errors
/// [`Error::NotFound`] for an unknown order, [`Error::NothingReserved`], [`Error::NotEnoughReserved`].
pub(crate) async fn start_picking(
    conn: &mut PgConnection,
    order: Uuid,
    parts: &BTreeMap<i32, (Decimal, String)>,
    stamp: &Stamp<'_>,
) -> Result<Uuid, Error> {
    let (mut work, known) = demand::commands::lock_items(conn, &[order]).await?;
    let heads = demand::store::heads(conn, &known).await?;
    if heads.get(&order).is_none_or(|head| head.kind != "order") {
        return Err(Error::NotFound("order", order.to_string()));
    }
    let held = reservations::held_by_orders(conn, &[order]).await?;
    let held: Vec<_> = held.into_iter().filter(|piece| piece.shipment.is_none()).collect();
    if held.is_empty() {
        return Err(Error::NothingReserved(order.to_string()));
    }
    let taken = if parts.is_empty() { held.into_iter().map(whole).collect() } else { named(&work, &held, parts)? };
    let id = service::new_id();
    let assigned: Vec<_> = taken.into_iter().map(|(piece, part)| (piece, part, id)).collect();
    begin(conn, &mut work, &assigned, stamp.now).await?;
    finish(conn, work, stamp).await?;
    Ok(id)
}

fn named(work: &Work, held: &[Held], parts: &BTreeMap<i32, (Decimal, String)>) -> Result<Vec<(Held, Decimal)>, Error> {
    let mut taken = Vec::new();
    for (line_no, (quantity, unit)) in parts {
        let of_line: Vec<_> = held.iter().filter(|piece| piece.line_no == *line_no).cloned().collect();
        let there: Decimal = of_line.iter().map(|piece| piece.quantity).sum();
        let Some(first) = of_line.first().filter(|_| there >= *quantity) else {
            return Err(Error::NotEnoughReserved { line_no: *line_no, held: there.normalize().to_string() });
        };
        if let Some(stocked) = work.unit(&first.sku).filter(|stocked| stocked != unit) {
            return Err(Error::UnitMismatch { sku: first.sku.clone(), unit: stocked.to_owned() });
        }
        taken.extend(take_held(&of_line, *quantity).0);
    }
    Ok(taken)
}

/// Makes shipments of held pieces, each with the shipment it goes into. Their items are locked.
pub(super) async fn begin(
    conn: &mut PgConnection,
    work: &mut Work,
    assigned: &[(Held, Decimal, Uuid)],
    at: OffsetDateTime,
) -> Result<(), Error> {
    store::insert(conn, assigned, at).await?;
    if reservations::assign(conn, assigned).await? != assigned.len() as u64 {
        return Err(Error::Inconsistent("a reservation was already in a shipment"));
    }
    let shipments: BTreeMap<_, _> = assigned.iter().map(|(piece, _, id)| (*id, piece.order)).collect();
    for (id, order) in shipments {
        work.tell(order, convert::picking_started(order, id, at));
    }
    Ok(())
}

/// Locks the items of a shipment and the shipment.
pub(super) async fn lock_shipment(conn: &mut PgConnection, id: Uuid, step: Step) -> Result<(Work, Shipment), Error> {
    let skus = store::skus(conn, &[id]).await?;
    let work = lock(conn, skus.into_iter().collect(), false).await?;
    let shipment = store::lock(conn, &[id]).await?.pop();
    let shipment = shipment.ok_or_else(|| Error::NotFound("shipment", id.to_string()))?;
    step.allowed_from(shipment.state)?;
    Ok((work, shipment))
}

/// Says what was found. What is missing goes to counting differences, what is spoiled to quarantine; the order is
/// served again from what is left, or waits.
///
/// # Errors
/// [`Error::NotFound`], [`Error::ShipmentState`], fields that do not fit the shipment.
pub(crate) async fn confirm_pick(
    conn: &mut PgConnection,
    id: Uuid,
    found: &[Found],
    stamp: &Stamp<'_>,
) -> Result<(), Error> {
    let (mut work, shipment) = lock_shipment(conn, id, Step::ConfirmPick).await?;
    let lines = store::lines(conn, &[id]).await?;
    let shorts = shortfalls(&lines, found)?;
    store::set_picked(conn, id).await?;
    if !shorts.is_empty() {
        give_up(conn, &mut work, &shipment, &shorts, stamp).await?;
        store::cancel_empty(conn, &[id], stamp.now.max(shipment.created_at)).await?;
        work.reallocated(shipment.order, "short_pick");
        serve(conn, &mut work, Vec::new(), stamp, "short_pick").await?;
    }
    finish(conn, work, stamp).await
}

/// Takes what was not found out of the shipment, the reservations and the stock.
async fn give_up(
    conn: &mut PgConnection,
    work: &mut Work,
    shipment: &Shipment,
    shorts: &[Short],
    stamp: &Stamp<'_>,
) -> Result<(), Error> {
    let held = reservations::held_by_orders(conn, &[shipment.order]).await?;
    let mut parts = Vec::new();
    for short in shorts {
        let same = |piece: &&Held| {
            piece.shipment == Some(shipment.id)
                && (piece.line_no, piece.lot, piece.place) == (short.line.line_no, short.line.lot, short.line.place)
        };
        let pieces: Vec<_> = held.iter().filter(same).cloned().collect();
        let (taken, missing) = take_held(&pieces, short.quantity);
        if !missing.is_zero() {
            return Err(Error::Inconsistent("a shipment has more than its order holds"));
        }
        parts.extend(taken);
    }
    release(conn, work, &parts, "released", "short_pick", stamp).await?;
    let shrink: Vec<_> = parts.into_iter().map(|(piece, part)| (shipment.id, piece, part)).collect();
    store::shrink_lines(conn, &shrink).await?;

    let keys: Vec<_> = shorts.iter().map(|short| (short.line.lot, short.line.place)).collect();
    let there = balances(conn, &keys).await?;
    let places: Vec<_> = shorts.iter().map(|short| short.line.place).collect();
    let quarantine: BTreeMap<i64, i64> = warehouses::quarantine_of(conn, &places).await?.into_iter().collect();
    let mut moves = Vec::new();
    for short in shorts {
        let balance = there
            .get(&(short.line.lot, short.line.place))
            .ok_or(Error::Inconsistent("goods were picked from a place that never had them"))?;
        let spoiled = quarantine.get(&short.line.place).filter(|_| short.damaged);
        let to = spoiled.map_or(COUNTING, |id| Place { id: *id, kind: PlaceKind::Quarantine });
        let cause = Cause { kind: "short_pick", id: shipment.id, order: Some(shipment.order) };
        let one = Move::new(balance.place, to, (&short.line.sku, short.line.lot), short.quantity, cause);
        moves.push(one.line(short.line.line_no));
    }
    post(conn, work, &moves, stamp.now, stamp).await?;
    Ok(())
}

/// Closes the parcels.
///
/// # Errors
/// [`Error::NotFound`], [`Error::ShipmentState`].
pub(crate) async fn pack(
    conn: &mut PgConnection,
    id: Uuid,
    places: i32,
    weight_grams: Option<Decimal>,
    stamp: &Stamp<'_>,
) -> Result<(), Error> {
    let shipment = store::lock(conn, &[id]).await?.pop();
    let shipment = shipment.ok_or_else(|| Error::NotFound("shipment", id.to_string()))?;
    Step::Pack.allowed_from(shipment.state)?;
    store::set_packed(conn, &[id], places, weight_grams).await?;
    let mut work = Work::default();
    work.tell(shipment.order, convert::packed(shipment.order, id, places, weight_grams, stamp.now));
    finish(conn, work, stamp).await
}
