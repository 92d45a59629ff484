//! Goods arrive, or come back.

use std::collections::{BTreeMap, HashMap};

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::pick::lock_shipment;
use crate::{
    config::Stamp,
    error::Error,
    fulfilment::{
        convert,
        domain::{
            Shipment, State, Step,
            comeback::{CameBack, Outcome, Piece, by_line, everything, match_back},
        },
        store, store_packing,
    },
    ledger::{
        commands::{Work, finish, post},
        domain::{CUSTOMER, Cause, LOSS, Move, Place, PlaceKind},
        store::balances,
    },
    reservation::commands::serve,
    warehouses::store as warehouses,
};

/// What became of one shipment that was to be delivered.
pub(crate) struct Delivered {
    /// Shipment.
    pub(crate) id: Uuid,
    /// Why it is not delivered.
    pub(crate) refusal: Option<Error>,
}

/// Delivers shipments; each has its own result, in the order asked for.
///
/// # Errors
/// Database errors; what stands against one shipment is its result, not an error.
pub(crate) async fn deliver(
    conn: &mut PgConnection,
    ids: &[Uuid],
    at: Option<OffsetDateTime>,
    stamp: &Stamp<'_>,
) -> Result<Vec<Delivered>, Error> {
    let found: HashMap<Uuid, Shipment> =
        store::lock(conn, ids).await?.into_iter().map(|shipment| (shipment.id, shipment)).collect();
    let refusal = |id: &Uuid| -> Option<Error> {
        let Some(shipment) = found.get(id) else { return Some(Error::NotFound("shipment", id.to_string())) };
        Step::Deliver.allowed_from(shipment.state).and_then(|()| in_order(at, shipment)).err()
    };
    let results: Vec<_> = ids.iter().map(|id| Delivered { id: *id, refusal: refusal(id) }).collect();
    let arrived: Vec<&Shipment> =
        results.iter().filter(|result| result.refusal.is_none()).filter_map(|result| found.get(&result.id)).collect();
    if arrived.is_empty() {
        return Ok(results);
    }
    let ends: Vec<_> = arrived.iter().map(|shipment| (shipment.id, ended(at, shipment, stamp))).collect();
    store::set_ended(conn, &ends, State::Delivered.code(), "").await?;
    let orders: Vec<_> = arrived.iter().map(|shipment| shipment.order).collect();
    let complete = store::delivered_orders(conn, &orders).await?;
    let mut work = Work::default();
    for (index, shipment) in arrived.iter().enumerate() {
        let last = arrived[index + 1..].iter().all(|other| other.order != shipment.order);
        let is_final = last && complete.contains(&shipment.order);
        work.tell(shipment.order, convert::delivered(shipment.order, shipment.id, is_final, ends[index].1));
    }
    finish(conn, work, stamp).await?;
    Ok(results)
}

/// A moment given must not lie before the goods left.
fn in_order(at: Option<OffsetDateTime>, shipment: &Shipment) -> Result<(), Error> {
    match (at, shipment.shipped_at) {
        (Some(at), Some(left)) if at < left => Err(Error::TimeOrder("the goods left later than that")),
        _ => Ok(()),
    }
}

fn ended(at: Option<OffsetDateTime>, shipment: &Shipment, stamp: &Stamp<'_>) -> OffsetDateTime {
    at.unwrap_or_else(|| shipment.shipped_at.map_or(stamp.now, |left| stamp.now.max(left)))
}

/// What is said of a shipment that comes back.
#[derive(Debug, Default)]
pub(crate) struct Comeback {
    /// Why.
    pub(crate) reason: &'static str,
    /// When; none means now.
    pub(crate) at: Option<OffsetDateTime>,
    /// What came back in which condition; none means everything, as good as new.
    pub(crate) lines: Vec<CameBack>,
    /// The buyer kept the rest.
    pub(crate) rest_delivered: bool,
}

/// Takes a shipment back, or a part of it while the rest is delivered: at the cost it left with, to where it left from,
/// to quarantine or to the losses. Those who wait are served.
///
/// # Errors
/// [`Error::NotFound`], [`Error::ShipmentState`], [`Error::TimeOrder`], [`Error::ReturnIncomplete`],
/// [`Error::NotEnoughSent`].
pub(crate) async fn fail(
    conn: &mut PgConnection,
    id: Uuid,
    comeback: &Comeback,
    stamp: &Stamp<'_>,
) -> Result<(), Error> {
    let (mut work, shipment) = lock_shipment(conn, id, Step::Fail).await?;
    in_order(comeback.at, &shipment)?;
    let at = ended(comeback.at, &shipment, stamp);
    let sent = store::lines(conn, &[id]).await?;
    let (pieces, kept) = if comeback.lines.is_empty() {
        (everything(sent), Decimal::ZERO)
    } else {
        match_back(sent, &comeback.lines, stamp.rules.digits())?
    };
    let delivered = comeback.rest_delivered && !kept.is_zero();
    if !kept.is_zero() && !delivered {
        return Err(Error::ReturnIncomplete(kept.normalize().to_string()));
    }
    let back = by_line(&pieces);
    let cause = Cause { kind: "failed_delivery", id, order: Some(shipment.order) };
    bring_back(conn, &mut work, &pieces, cause, at, stamp).await?;
    store::add_returned(conn, &back).await?;
    store_packing::insert_comebacks(conn, &pieces, stamp.now, stamp.by).await?;
    let state = if delivered { State::Delivered } else { State::Failed };
    store::set_ended(conn, &[(id, at)], state.code(), comeback.reason).await?;
    work.tell(shipment.order, convert::failed(&shipment, comeback.reason, &back, at, stamp.rules.currency));
    if delivered {
        let is_final = !store::delivered_orders(conn, &[shipment.order]).await?.is_empty();
        work.tell(shipment.order, convert::delivered(shipment.order, id, is_final, at));
    }
    serve(conn, &mut work, Vec::new(), stamp, "goods_returned").await?;
    finish(conn, work, stamp).await
}

/// Posts what came back.
async fn bring_back(
    conn: &mut PgConnection,
    work: &mut Work,
    pieces: &[Piece],
    cause: Cause,
    at: OffsetDateTime,
    stamp: &Stamp<'_>,
) -> Result<(), Error> {
    let keys: Vec<_> = pieces.iter().map(|piece| (piece.line.lot, piece.line.place)).collect();
    let there = balances(conn, &keys).await?;
    let places: Vec<_> = pieces.iter().map(|piece| piece.line.place).collect();
    let quarantine: BTreeMap<i64, i64> = warehouses::quarantine_of(conn, &places).await?.into_iter().collect();
    let mut moves = Vec::with_capacity(pieces.len());
    for Piece { line, outcome, .. } in pieces {
        let to = match outcome {
            Outcome::Restock => there.get(&(line.lot, line.place)).map(|balance| balance.place),
            Outcome::Quarantine => quarantine.get(&line.place).map(|id| Place { id: *id, kind: PlaceKind::Quarantine }),
            Outcome::WriteOff => Some(LOSS),
        };
        let to = to.ok_or(Error::Inconsistent("goods left a place that never had them"))?;
        let one = Move::new(CUSTOMER, to, (&line.sku, line.lot), line.returned, cause);
        moves.push(one.worth(line.back()?).line(line.line_no));
    }
    post(conn, work, &moves, at, stamp).await?;
    Ok(())
}
