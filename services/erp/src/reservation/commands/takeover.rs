//! Holds that become orders: the order names the hold and gets its goods, in the transaction that makes the order.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::release;
use crate::{
    config::Stamp,
    demand::{
        self,
        domain::{LineDelta, NewDemand},
    },
    error::Error,
    ledger::commands::Work,
    reservation::{
        domain::{Grant, Held, good_until, whole},
        store,
        store_holds::{Piece, pieces},
    },
};

/// Ends the holds that new orders name. What a hold has of what its order wants becomes the order's, lot by lot, without
/// having been free in between; the rest is released. A hold that has ended, is somebody else's by now or lies in
/// another warehouse than the order names gives nothing: the order is served like any other.
pub(super) async fn take_over(
    conn: &mut PgConnection,
    work: &mut Work,
    orders: &mut [NewDemand],
    stamp: &Stamp<'_>,
) -> Result<Vec<Grant>, Error> {
    let named: Vec<_> = orders.iter().filter_map(|order| order.takes_over).collect();
    if named.is_empty() {
        return Ok(Vec::new());
    }
    let heads = demand::store::heads(conn, &named).await?;
    let mut open: BTreeMap<_, _> =
        heads.into_iter().filter(|(_, head)| head.kind == "hold" && head.state == "open").collect();
    let mut held: BTreeMap<Uuid, Vec<Piece>> = BTreeMap::new();
    for piece in pieces(conn, &named).await? {
        held.entry(piece.held.order).or_default().push(piece);
    }
    let (mut given, mut taken, mut ended, mut rest) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for order in orders.iter_mut() {
        let head = order.takes_over.and_then(|hold| open.remove(&hold));
        let Some(head) = head.filter(|head| order.warehouse.is_empty() || order.warehouse == head.warehouse) else {
            order.takes_over = None;
            continue;
        };
        order.warehouse = head.warehouse;
        let mut pieces = held.remove(&head.order_id).unwrap_or_default();
        given.extend(matched(order, &mut pieces, work, stamp, &mut taken));
        rest.extend(pieces.into_iter().map(|piece| piece.held));
        ended.push(head.order_id);
    }
    end(conn, work, &ended, (taken, rest), stamp).await?;
    Ok(given)
}

/// What an order gets of the pieces, which become less by it; notes what was taken of each.
fn matched(
    order: &NewDemand,
    pieces: &mut Vec<Piece>,
    work: &Work,
    stamp: &Stamp<'_>,
    taken: &mut Vec<(Held, Decimal)>,
) -> Vec<Grant> {
    let mut grants = Vec::new();
    for line in order.lines.iter().filter(|line| work.unit(&line.sku) == Some(line.unit.as_str())) {
        let until = good_until(stamp.today(), line.min_life_days);
        let mut left = line.quantity;
        for piece in pieces.iter_mut().filter(|piece| piece.held.sku == line.sku && piece.lives(until)) {
            let part = (piece.held.quantity - piece.taken).min(left);
            if part <= Decimal::ZERO {
                continue;
            }
            (piece.taken, left) = (piece.taken + part, left - part);
            let Held { lot, place, .. } = piece.held;
            let (order, sku) = (order.order_id, line.sku.clone());
            grants.push(Grant { order, line_no: line.line_no, sku, lot, place, quantity: part });
        }
    }
    taken.extend(pieces.iter().filter(|piece| !piece.taken.is_zero()).map(|piece| (piece.held.clone(), piece.taken)));
    // Of a piece taken in part, the remainder still stands under its id.
    for piece in pieces.iter_mut() {
        piece.held.quantity -= piece.taken;
    }
    pieces.retain(|piece| !piece.held.quantity.is_zero());
    grants
}

/// Ends holds: what was taken changes hands (it stays held), the rest is released, nothing waits any more.
async fn end(
    conn: &mut PgConnection,
    work: &mut Work,
    holds: &[Uuid],
    (taken, rest): (Vec<(Held, Decimal)>, Vec<Held>),
    stamp: &Stamp<'_>,
) -> Result<(), Error> {
    if holds.is_empty() {
        return Ok(());
    }
    hand_over(conn, work, &taken, "converted", stamp).await?;
    let rest: Vec<_> = rest.into_iter().map(whole).collect();
    release(conn, work, &rest, "released", "converted", stamp).await?;
    for line in demand::store::lines(conn, holds).await? {
        work.change(&line.sku, |item| item.backordered -= line.backordered)?;
    }
    Ok(demand::store::set_state(conn, holds, "converted").await?)
}

/// Ends reservations whose goods stay held, by another order: neither balances nor items change.
pub(crate) async fn hand_over(
    conn: &mut PgConnection,
    work: &mut Work,
    parts: &[(Held, Decimal)],
    reason: &'static str,
    stamp: &Stamp<'_>,
) -> Result<(), Error> {
    if parts.is_empty() {
        return Ok(());
    }
    if store::end(conn, parts, "released", reason, stamp.now).await? != parts.len() as u64 {
        return Err(Error::Inconsistent("a reservation had already ended"));
    }
    let mut changes: BTreeMap<(Uuid, i32), LineDelta> = BTreeMap::new();
    for (held, part) in parts {
        changes.entry((held.order, held.line_no)).or_default().reserved -= *part;
    }
    demand::commands::change_lines(conn, work, &changes).await
}
