//! Booking returns.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    convert,
    domain::{Outcome, Return, match_return},
    store,
};
use crate::{
    config::Stamp,
    error::Error,
    fulfilment::{
        domain::{ShipmentLine, State},
        store as shipments,
    },
    ledger::{
        commands::{Work, post},
        domain::{CUSTOMER, Cause, LOSS, Move, Place, PlaceKind},
        store::balances,
    },
    warehouses::store as warehouses,
};

/// Books returns of shipped goods; their items are locked. What was never shipped by us is not booked but kept in the
/// return's record. Returns that are booked are left out. Call `serve` afterwards.
pub(crate) async fn book(
    conn: &mut PgConnection,
    work: &mut Work,
    mut returns: Vec<Return>,
    stamp: &Stamp<'_>,
) -> Result<(), Error> {
    let ids: Vec<_> = returns.iter().map(|one| one.id).collect();
    let known: HashSet<_> = store::known(conn, &ids).await?.into_iter().collect();
    returns.retain(|one| !known.contains(&one.id));
    if returns.is_empty() {
        return Ok(());
    }
    let mut sent = sent_lines(conn, &returns).await?;
    for one in returns {
        let of_order = sent.entry(one.order).or_default();
        let (back, unmatched) = match_return(of_order, &one.lines, stamp.rules.digits());
        let cost: Decimal = back.iter().map(|line| line.returned_cost).sum();
        store::insert(conn, &one, cost, unmatched, stamp.now).await?;
        if !unmatched.is_zero() {
            tracing::warn!(order = %one.order, return_id = %one.id, %unmatched, "returned goods that were never shipped");
        }
        if back.is_empty() {
            continue;
        }
        let moves = moves(conn, &one, &back).await?;
        post(conn, work, &moves, one.returned_at, stamp).await?;
        shipments::add_returned(conn, &back).await?;
        work.tell(one.order, convert::stock_returned(&one, &back, cost, stamp.rules.currency));
    }
    Ok(())
}

/// What orders were sent and did not give back yet, by order, oldest shipment first.
async fn sent_lines(conn: &mut PgConnection, returns: &[Return]) -> Result<BTreeMap<Uuid, Vec<ShipmentLine>>, Error> {
    let orders: BTreeSet<_> = returns.iter().map(|one| one.order).collect();
    let orders: Vec<_> = orders.into_iter().collect();
    let mut heads = shipments::lock_of_orders(conn, &orders).await?;
    heads.retain(|shipment| matches!(shipment.state, State::Shipped | State::Delivered));
    heads.sort_by_key(|shipment| (shipment.shipped_at, shipment.id));
    let ids: Vec<_> = heads.iter().map(|shipment| shipment.id).collect();
    let lines = shipments::lines(conn, &ids).await?;
    let mut sent: BTreeMap<Uuid, Vec<ShipmentLine>> = BTreeMap::new();
    for shipment in heads {
        let of_shipment = lines.iter().filter(|line| line.shipment == shipment.id).cloned();
        sent.entry(shipment.order).or_default().extend(of_shipment);
    }
    Ok(sent)
}

async fn moves(conn: &mut PgConnection, one: &Return, back: &[ShipmentLine]) -> Result<Vec<Move>, Error> {
    let keys: Vec<_> = back.iter().map(|line| (line.lot, line.place)).collect();
    let there = balances(conn, &keys).await?;
    let places: Vec<_> = back.iter().map(|line| line.place).collect();
    let quarantine: BTreeMap<i64, i64> = warehouses::quarantine_of(conn, &places).await?.into_iter().collect();
    let target = |line: &ShipmentLine| -> Option<Place> {
        match one.outcome {
            Outcome::Restock => there.get(&(line.lot, line.place)).map(|balance| balance.place),
            Outcome::WriteOff => Some(LOSS),
            Outcome::Repair => quarantine.get(&line.place).map(|id| Place { id: *id, kind: PlaceKind::Quarantine }),
        }
    };
    let cause = Cause { kind: "return", id: one.id, order: Some(one.order) };
    back.iter()
        .map(|line| {
            let to = target(line).ok_or(Error::Inconsistent("goods left a place that does not exist"))?;
            let one = Move::new(CUSTOMER, to, (&line.sku, line.lot), line.returned, cause);
            Ok(one.worth(line.back()?).line(line.line_no))
        })
        .collect()
}
