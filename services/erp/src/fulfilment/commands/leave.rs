//! Goods leave the warehouse: one shipment, or everything hundreds of orders hold.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::pick::{begin, lock_shipment};
use crate::{
    config::Stamp,
    demand::{self, domain::LineDelta},
    error::Error,
    fulfilment::{
        convert,
        domain::{ShipResult, Shipment, ShipmentLine, State, Step},
        store,
    },
    ledger::{
        commands::{Work, finish, hold, post},
        domain::{CUSTOMER, Cause, Move, Place, PlaceKind},
    },
    reservation::{
        domain::{Held, whole},
        store as reservations,
    },
};

/// How shipments leave.
struct Departure<'a> {
    at: OffsetDateTime,
    carrier: &'a str,
    tracking_number: &'a str,
}

/// Ships one packed shipment.
///
/// # Errors
/// [`Error::NotFound`], [`Error::ShipmentState`].
pub(crate) async fn ship(
    conn: &mut PgConnection,
    id: Uuid,
    carrier: &str,
    tracking_number: &str,
    stamp: &Stamp<'_>,
) -> Result<(), Error> {
    let (mut work, shipment) = lock_shipment(conn, id, Step::Ship).await?;
    let departure = Departure { at: stamp.now.max(shipment.created_at), carrier, tracking_number };
    leave(conn, &mut work, &[(id, shipment.order)], &departure, stamp).await?;
    finish(conn, work, stamp).await
}

/// Picks, packs and ships everything orders hold. Each order has its own result, in the order asked for.
///
/// # Errors
/// Database errors; what stands against one order is its result, not an error.
pub(crate) async fn ship_orders(
    conn: &mut PgConnection,
    orders: &[Uuid],
    at: Option<OffsetDateTime>,
    carrier: &str,
    stamp: &Stamp<'_>,
) -> Result<Vec<ShipResult>, Error> {
    let (mut work, known) = demand::commands::lock_items(conn, orders).await?;
    let heads = demand::store::heads(conn, &known).await?;
    let mut open: BTreeMap<Uuid, Vec<Shipment>> = BTreeMap::new();
    for shipment in store::lock_of_orders(conn, &known).await? {
        if shipment.state.is_inside() {
            open.entry(shipment.order).or_default().push(shipment);
        }
    }
    let mut loose: BTreeMap<Uuid, Vec<Held>> = BTreeMap::new();
    for piece in reservations::held_by_orders(conn, &known).await? {
        if piece.shipment.is_none() {
            loose.entry(piece.order).or_default().push(piece);
        }
    }
    let when = at.unwrap_or(stamp.now);
    let refusal = |order: &Uuid| -> &'static str {
        let Some(head) = heads.get(order).filter(|head| head.kind == "order") else { return "UNKNOWN_ORDER" };
        let begun = open.get(order).into_iter().flatten().map(|shipment| shipment.created_at).max();
        if !loose.contains_key(order) && begun.is_none() {
            "NOTHING_RESERVED"
        } else if at.is_some_and(|at| at < head.placed_at || begun.is_some_and(|begun| at < begun)) {
            "TIME_BEFORE_ORDER"
        } else {
            ""
        }
    };
    let refusals: HashMap<Uuid, &'static str> = orders.iter().map(|order| (*order, refusal(order))).collect();
    let ready: BTreeSet<Uuid> = orders.iter().filter(|order| refusals[*order].is_empty()).copied().collect();
    loose.retain(|order, _| ready.contains(order));
    open.retain(|order, _| ready.contains(order));

    let latest = open.values().flatten().map(|shipment| shipment.created_at).max();
    let when = latest.map_or(when, |latest| when.max(latest));
    let leaving = prepare(conn, &mut work, loose, open, when).await?;
    let departure = Departure { at: when, carrier, tracking_number: "" };
    let left = leave(conn, &mut work, &leaving, &departure, stamp).await?;
    finish(conn, work, stamp).await?;
    let result = |order: &Uuid| ShipResult {
        order: *order,
        shipments: leaving.iter().filter(|(_, of)| of == order).map(|(id, _)| *id).collect(),
        is_final: left.complete.contains(order),
        refusal: refusals[order],
        cost: left.costs.get(order).copied().unwrap_or_default(),
    };
    Ok(orders.iter().map(result).collect())
}

/// Brings everything to packed: new shipments of loose pieces, and what was being picked or packed.
async fn prepare(
    conn: &mut PgConnection,
    work: &mut Work,
    loose: BTreeMap<Uuid, Vec<Held>>,
    open: BTreeMap<Uuid, Vec<Shipment>>,
    at: OffsetDateTime,
) -> Result<Vec<(Uuid, Uuid)>, Error> {
    let mut leaving: Vec<(Uuid, Uuid)> = Vec::new();
    let mut to_pack: Vec<(Uuid, Uuid)> = Vec::new();
    for shipment in open.values().flatten() {
        leaving.push((shipment.id, shipment.order));
        if shipment.state != State::Packed {
            to_pack.push((shipment.id, shipment.order));
        }
    }
    let mut assigned = Vec::new();
    for (order, pieces) in loose {
        let id = service::new_id();
        leaving.push((id, order));
        to_pack.push((id, order));
        assigned.extend(pieces.into_iter().map(whole).map(|(piece, all)| (piece, all, id)));
    }
    if !assigned.is_empty() {
        begin(conn, work, &assigned, at).await?;
    }
    if !to_pack.is_empty() {
        let ids: Vec<_> = to_pack.iter().map(|(id, _)| *id).collect();
        store::set_packed(conn, &ids, 1, None).await?;
    }
    for (id, order) in to_pack {
        work.tell(order, convert::packed(order, id, 1, None, at));
    }
    Ok(leaving)
}

/// What left.
#[derive(Default)]
struct Left {
    costs: BTreeMap<Uuid, Decimal>,
    complete: BTreeSet<Uuid>,
}

/// Ships packed shipments (each with its order): ends their reservations, posts the goods to the buyer, fixes the cost.
async fn leave(
    conn: &mut PgConnection,
    work: &mut Work,
    shipments: &[(Uuid, Uuid)],
    departure: &Departure<'_>,
    stamp: &Stamp<'_>,
) -> Result<Left, Error> {
    if shipments.is_empty() {
        return Ok(Left::default());
    }
    let order_of: BTreeMap<Uuid, Uuid> = shipments.iter().copied().collect();
    let ids: Vec<_> = order_of.keys().copied().collect();
    let orders: Vec<_> = order_of.values().copied().collect::<BTreeSet<_>>().into_iter().collect();
    let mut lines = store::lines(conn, &ids).await?;
    end_reservations(conn, work, &lines, &orders, &order_of, stamp).await?;

    let mut moves = Vec::with_capacity(lines.len());
    let mut changes: BTreeMap<(Uuid, i32), LineDelta> = BTreeMap::new();
    for line in &lines {
        let order = order_of[&line.shipment];
        // Nothing is reserved in places that are not sold from.
        let from = Place { id: line.place, kind: PlaceKind::Stock };
        let cause = Cause { kind: "shipment", id: line.shipment, order: Some(order) };
        let one = Move::new(from, CUSTOMER, (&line.sku, line.lot), line.quantity, cause);
        moves.push(one.line(line.line_no));
        let change = changes.entry((order, line.line_no)).or_default();
        change.reserved -= line.quantity;
        change.shipped += line.quantity;
    }
    let posted = post(conn, work, &moves, departure.at, stamp).await?;
    for (line, posted) in lines.iter_mut().zip(posted) {
        (line.cost, line.moved) = (posted.value, Some(posted.id));
    }
    demand::commands::change_lines(conn, work, &changes).await?;
    store::set_shipped(conn, &lines, departure.at, (departure.carrier, departure.tracking_number)).await?;
    tell(conn, work, shipments, &lines, &orders, departure, stamp).await
}

/// Ends the reservations of shipments as shipped; they must add up to the lines.
async fn end_reservations(
    conn: &mut PgConnection,
    work: &mut Work,
    lines: &[ShipmentLine],
    orders: &[Uuid],
    order_of: &BTreeMap<Uuid, Uuid>,
    stamp: &Stamp<'_>,
) -> Result<(), Error> {
    let held = reservations::held_by_orders(conn, orders).await?;
    let going = held.into_iter().filter(|piece| piece.shipment.is_some_and(|id| order_of.contains_key(&id)));
    let parts: Vec<_> = going.map(whole).collect();
    let held: Decimal = parts.iter().map(|(_, part)| *part).sum();
    let sent: Decimal = lines.iter().map(|line| line.quantity).sum();
    if held != sent {
        return Err(Error::Inconsistent("a shipment differs from its reservations"));
    }
    if reservations::end(conn, &parts, "shipped", "shipped", stamp.now).await? != parts.len() as u64 {
        return Err(Error::Inconsistent("a reservation had already ended"));
    }
    hold(conn, work, parts.iter().map(|(piece, part)| (piece.sku.clone(), piece.lot, piece.place, -*part))).await
}

/// Says what left, and which orders are complete.
async fn tell(
    conn: &mut PgConnection,
    work: &mut Work,
    shipments: &[(Uuid, Uuid)],
    lines: &[ShipmentLine],
    orders: &[Uuid],
    departure: &Departure<'_>,
    stamp: &Stamp<'_>,
) -> Result<Left, Error> {
    let heads = demand::store::heads(conn, orders).await?;
    let mut left = Left { complete: orders.iter().copied().collect(), ..Left::default() };
    for line in demand::store::lines(conn, orders).await? {
        if line.open() > Decimal::ZERO {
            left.complete.remove(&line.order_id);
        }
    }
    for (index, (id, order)) in shipments.iter().enumerate() {
        let of_shipment: Vec<_> = lines.iter().filter(|line| line.shipment == *id).collect();
        *left.costs.entry(*order).or_default() += of_shipment.iter().map(|line| line.cost).sum::<Decimal>();
        let last = shipments[index + 1..].iter().all(|(_, other)| other != order);
        let fact = convert::Shipped {
            order: *order,
            shipment: *id,
            lines: &of_shipment,
            is_final: last && left.complete.contains(order),
            carrier: departure.carrier,
            tracking_number: departure.tracking_number,
            at: departure.at,
            warehouse: heads.get(order).map(|head| head.warehouse.as_str()).unwrap_or_default(),
        };
        work.tell(*order, fact.event(stamp.rules.currency));
    }
    Ok(left)
}
