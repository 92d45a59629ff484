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
        domain::{Shipment, ShipmentLine, State, Step},
        store,
    },
    ledger::{
        commands::{Work, finish, post},
        domain::{CUSTOMER, Cause, Move},
        store::balances,
    },
    reservation::commands::serve,
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

/// Takes a shipment back: what has not come back yet returns to where it left from, at the cost it left with, and
/// serves those who wait.
///
/// # Errors
/// [`Error::NotFound`], [`Error::ShipmentState`], [`Error::TimeOrder`].
pub(crate) async fn fail(
    conn: &mut PgConnection,
    id: Uuid,
    reason: &'static str,
    at: Option<OffsetDateTime>,
    stamp: &Stamp<'_>,
) -> Result<(), Error> {
    let (mut work, shipment) = lock_shipment(conn, id, Step::Fail).await?;
    in_order(at, &shipment)?;
    let at = ended(at, &shipment, stamp);
    let back: Vec<_> = store::lines(conn, &[id]).await?.into_iter().filter_map(outstanding).collect();
    let cause = Cause { kind: "failed_delivery", id, order: Some(shipment.order) };
    bring_back(conn, &mut work, &back, cause, at, stamp).await?;
    store::set_ended(conn, &[(id, at)], State::Failed.code(), reason).await?;
    work.tell(shipment.order, convert::failed(&shipment, reason, &back, at, stamp.rules.currency));
    serve(conn, &mut work, Vec::new(), stamp, "goods_returned").await?;
    finish(conn, work, stamp).await
}

/// What has not come back of a line, as `returned` and `returned_cost`.
fn outstanding(mut line: ShipmentLine) -> Option<ShipmentLine> {
    line.returned = line.quantity - line.returned;
    line.returned_cost = line.cost - line.returned_cost;
    (line.returned > Decimal::ZERO).then_some(line)
}

/// Posts what came back of lines to where it left from.
async fn bring_back(
    conn: &mut PgConnection,
    work: &mut Work,
    back: &[ShipmentLine],
    cause: Cause,
    at: OffsetDateTime,
    stamp: &Stamp<'_>,
) -> Result<(), Error> {
    let keys: Vec<_> = back.iter().map(|line| (line.lot, line.place)).collect();
    let there = balances(conn, &keys).await?;
    let places: BTreeMap<_, _> = there.values().map(|balance| (balance.place.id, balance.place)).collect();
    let mut moves = Vec::with_capacity(back.len());
    for line in back {
        let to = *places.get(&line.place).ok_or(Error::Inconsistent("goods left a place that never had them"))?;
        let one = Move::new(CUSTOMER, to, (&line.sku, line.lot), line.returned, cause);
        moves.push(one.worth(line.back()?).line(line.line_no));
    }
    post(conn, work, &moves, at, stamp).await?;
    Ok(store::add_returned(conn, back).await?)
}
