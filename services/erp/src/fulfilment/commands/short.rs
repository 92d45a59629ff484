//! What was not found: it leaves the shipment, the reservations and the stock, and is replaced where possible.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    config::Stamp,
    error::Error,
    fulfilment::{domain::Short, store, store_picking},
    ledger::{
        commands::{Work, post},
        domain::{COUNTING, Cause, Move, Place, PlaceKind},
        store::balances,
    },
    reservation::{
        commands::{release, serve},
        domain::{Held, take_held},
        store as reservations,
    },
    warehouses::store as warehouses,
};

/// The order of each shipment.
pub(crate) type Orders = BTreeMap<Uuid, Uuid>;

/// Gives up what was not found of one lot in one place, serves the orders anew and puts what they got instead into the same shipments. Answers
/// what could not be replaced. The items are locked.
///
/// # Errors
/// Database errors; [`Error::Inconsistent`].
pub(crate) async fn replace_short(
    conn: &mut PgConnection,
    work: &mut Work,
    orders: &Orders,
    shorts: &[Short],
    stamp: &Stamp<'_>,
) -> Result<Decimal, Error> {
    give_up(conn, work, orders, shorts, stamp).await?;
    serve(conn, work, Vec::new(), stamp, "short_pick").await?;
    let touched: BTreeSet<_> = shorts.iter().map(|short| orders[&short.line.shipment]).collect();
    let touched: Vec<_> = touched.into_iter().collect();
    let mut loose = reservations::held_by_orders(conn, &touched).await?;
    loose.retain(|piece| piece.shipment.is_none());
    // The shorts are of one lot in one place, so each is of another line.
    let (mut instead, mut lacking) = (Vec::new(), Decimal::ZERO);
    for short in shorts {
        let line = (orders[&short.line.shipment], short.line.line_no);
        let of_line: Vec<_> = loose.iter().filter(|piece| (piece.order, piece.line_no) == line).cloned().collect();
        let (taken, missing) = take_held(&of_line, short.quantity);
        lacking += missing;
        instead.extend(taken.into_iter().map(|(piece, part)| (piece, part, short.line.shipment)));
    }
    store_picking::extend(conn, &instead).await?;
    if reservations::assign(conn, &instead).await? != instead.len() as u64 {
        return Err(Error::Inconsistent("a reservation was already in a shipment"));
    }
    Ok(lacking)
}

/// Takes what was not found out of the shipments, the reservations and the stock.
pub(super) async fn give_up(
    conn: &mut PgConnection,
    work: &mut Work,
    orders: &Orders,
    shorts: &[Short],
    stamp: &Stamp<'_>,
) -> Result<(), Error> {
    let of: BTreeSet<_> = orders.values().copied().collect();
    let held = reservations::held_by_orders(conn, &of.into_iter().collect::<Vec<_>>()).await?;
    let (mut parts, mut shrink) = (Vec::new(), Vec::new());
    for short in shorts {
        let line = &short.line;
        let same = |piece: &&Held| {
            piece.shipment == Some(line.shipment)
                && (piece.line_no, piece.lot, piece.place) == (line.line_no, line.lot, line.place)
        };
        let pieces: Vec<_> = held.iter().filter(same).cloned().collect();
        let (taken, missing) = take_held(&pieces, short.quantity);
        if !missing.is_zero() {
            return Err(Error::Inconsistent("a shipment has more than its order holds"));
        }
        shrink.extend(taken.iter().map(|(piece, part)| (line.shipment, piece.clone(), *part)));
        parts.extend(taken);
        work.reallocated(orders[&line.shipment], "short_pick");
    }
    release(conn, work, &parts, "released", "short_pick", stamp).await?;
    store::shrink_lines(conn, &shrink).await?;
    post_missing(conn, work, orders, shorts, stamp).await
}

/// Books what is missing as a counting difference, and what is spoiled to quarantine.
async fn post_missing(
    conn: &mut PgConnection,
    work: &mut Work,
    orders: &Orders,
    shorts: &[Short],
    stamp: &Stamp<'_>,
) -> Result<(), Error> {
    let keys: Vec<_> = shorts.iter().map(|short| (short.line.lot, short.line.place)).collect();
    let there = balances(conn, &keys).await?;
    let places: Vec<_> = shorts.iter().map(|short| short.line.place).collect();
    let quarantine: BTreeMap<i64, i64> = warehouses::quarantine_of(conn, &places).await?.into_iter().collect();
    let mut moves = Vec::new();
    for short in shorts {
        let line = &short.line;
        let balance = there
            .get(&(line.lot, line.place))
            .ok_or(Error::Inconsistent("goods were picked from a place that never had them"))?;
        let spoiled = quarantine.get(&line.place).filter(|_| short.damaged);
        let to = spoiled.map_or(COUNTING, |id| Place { id: *id, kind: PlaceKind::Quarantine });
        let cause = Cause { kind: "short_pick", id: line.shipment, order: Some(orders[&line.shipment]) };
        let one = Move::new(balance.place, to, (&line.sku, line.lot), short.quantity, cause);
        moves.push(one.line(line.line_no));
    }
    post(conn, work, &moves, stamp.now, stamp).await?;
    Ok(())
}
