//! Carrying out decisions: each locks the items, changes who holds what, serves those who wait and is kept.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    domain::{Grounds, Pin, Transfer, give_back, take_free},
    store::{self, Decision},
};
use crate::{
    config::Stamp,
    demand::{
        self,
        domain::{Line, LineDelta},
    },
    error::Error,
    ledger::commands::{Work, finish, hold},
    reservation::{
        commands::{hand_over, release, serve},
        domain::{Grant, Held, Refusal, take_held},
        store as reservations,
    },
    stock::store as stock,
    warehouses::store as warehouses,
};

/// Checks that demands are known and in a state in which that can be done.
async fn standing(conn: &mut PgConnection, orders: &[Uuid], known: &[Uuid], closed_too: bool) -> Result<(), Error> {
    let heads = demand::store::heads(conn, known).await?;
    for order in orders {
        let head = heads.get(order).ok_or_else(|| Error::NotFound("reservation", order.to_string()))?;
        match head.state.as_str() {
            "open" => {}
            "closed" if closed_too => {}
            ended => return Err(Error::DemandEnded(ended.to_owned())),
        }
    }
    Ok(())
}

async fn line_of(conn: &mut PgConnection, (order, line_no): (Uuid, i32)) -> Result<Line, Error> {
    let lines = demand::store::lines(conn, &[order]).await?;
    let found = lines.into_iter().find(|line| line.line_no == line_no);
    found.ok_or_else(|| Error::NotFound("line", format!("{line_no} of {order}")))
}

/// What a line holds outside of shipments, first to expire first.
async fn loose(conn: &mut PgConnection, (order, line_no): (Uuid, i32)) -> Result<Vec<Held>, Error> {
    let held = reservations::held_by_orders(conn, &[order]).await?;
    Ok(held.into_iter().filter(|piece| piece.line_no == line_no && piece.shipment.is_none()).collect())
}

fn sum(pieces: &[Held]) -> Decimal {
    pieces.iter().map(|piece| piece.quantity).sum()
}

/// Gives a line goods of a lot; what it holds too much by that goes back to those who wait.
///
/// # Errors
/// [`Error::NotFound`], [`Error::DemandEnded`], [`Refusal::MoreThanWanted`], [`Error::NotEnoughStock`],
/// [`Error::UnknownPlace`].
pub(crate) async fn pin(conn: &mut PgConnection, pin: &Pin, grounds: &Grounds, stamp: &Stamp<'_>) -> Result<(), Error> {
    let (mut work, known) = demand::commands::lock_items(conn, &[pin.order]).await?;
    standing(conn, &[pin.order], &known, false).await?;
    let key = (pin.order, pin.line_no);
    let line = line_of(conn, key).await?;
    let number = (line.sku.clone(), pin.lot.clone());
    let lot = stock::lots(conn, &[(&line.sku, &pin.lot)]).await?.remove(&number);
    let lot = lot.ok_or_else(|| Error::NotFound("lot", format!("{} of {}", pin.lot, line.sku)))?.id;
    let place = match pin.place.as_str() {
        "" => None,
        code => Some(warehouses::place(conn, code).await?.ok_or_else(|| Error::UnknownPlace(code.to_owned()))?.0.id),
    };

    let held = loose(conn, key).await?;
    let wanted = sum(&held) + line.backordered;
    let quantity = pin.quantity.unwrap_or(wanted);
    precise(quantity, &line.unit)?;
    if quantity > wanted {
        let wanted = wanted.normalize().to_string();
        return Err(Refusal::MoreThanWanted { line_no: pin.line_no, wanted }.into());
    }
    let there = |piece: &Held| piece.lot == lot && place.is_none_or(|place| piece.place == place);
    let (there, others): (Vec<_>, Vec<_>) = held.into_iter().partition(there);
    let more = (quantity - sum(&there)).max(Decimal::ZERO);
    let warehouse = store::warehouse_of_line(conn, key).await?.unwrap_or_default();
    let free = store::free_of_lot(conn, lot, warehouse, place, stamp.today()).await?;
    let (parts, missing) = take_free(&free, more);
    if !missing.is_zero() {
        let there = (more - missing).normalize().to_string();
        return Err(Error::NotEnoughStock { sku: line.sku, lot: pin.lot.clone(), there });
    }
    let back = give_back(others, more, line.backordered);
    release(conn, &mut work, &back, "released", "pinned", stamp).await?;
    let grants: Vec<_> = parts
        .into_iter()
        .map(|(place, quantity)| Grant {
            order: pin.order,
            line_no: pin.line_no,
            sku: line.sku.clone(),
            lot,
            place,
            quantity,
        })
        .collect();
    let fresh = grants.iter().map(|grant| (grant.sku.clone(), grant.lot, grant.place, grant.quantity));
    hold(conn, &mut work, fresh).await?;
    grant(conn, &mut work, &grants, stamp).await?;
    let decision = Decision {
        kind: "pin",
        order: pin.order,
        line_no: Some(pin.line_no),
        sku: line.sku,
        lot: pin.lot.clone(),
        place: pin.place.clone(),
        quantity: Some(quantity),
        ..Decision::default()
    };
    done(conn, work, &decision, grounds, stamp).await
}

/// Gives what one order holds to another that waits for it, lot by lot. The giver waits again.
///
/// # Errors
/// [`Error::NotFound`], [`Error::DemandEnded`], [`Error::NotEnoughReserved`], [`Refusal`].
pub(crate) async fn transfer(
    conn: &mut PgConnection,
    transfer: &Transfer,
    grounds: &Grounds,
    stamp: &Stamp<'_>,
) -> Result<(), Error> {
    let Transfer { from, to, quantity } = *transfer;
    if grounds.approved_by == stamp.by {
        return Err(Refusal::SamePerson.into());
    }
    let (mut work, known) = demand::commands::lock_items(conn, &[from.0, to.0]).await?;
    standing(conn, &[from.0, to.0], &known, false).await?;
    let (giver, taker) = (line_of(conn, from).await?, line_of(conn, to).await?);
    if (&giver.sku, &giver.unit) != (&taker.sku, &taker.unit) {
        return Err(Refusal::OtherItem.into());
    }
    if store::warehouse_of_line(conn, from).await? != store::warehouse_of_line(conn, to).await? {
        return Err(Refusal::OtherWarehouse.into());
    }
    precise(quantity, &giver.unit)?;
    if taker.backordered < quantity {
        let wanted = taker.backordered.normalize().to_string();
        return Err(Refusal::MoreThanWanted { line_no: to.1, wanted }.into());
    }
    let held = loose(conn, from).await?;
    let (parts, missing) = take_held(&held, quantity);
    if !missing.is_zero() {
        return Err(Error::NotEnoughReserved { line_no: from.1, held: sum(&held).normalize().to_string() });
    }
    hand_over(conn, &mut work, &parts, "moved", stamp).await?;
    let given = |(piece, part): (Held, Decimal)| Grant {
        order: to.0,
        line_no: to.1,
        sku: piece.sku,
        lot: piece.lot,
        place: piece.place,
        quantity: part,
    };
    let grants: Vec<_> = parts.into_iter().map(given).collect();
    grant(conn, &mut work, &grants, stamp).await?;
    work.reallocated(from.0, "manual");
    let decision = Decision {
        kind: "move",
        order: from.0,
        line_no: Some(from.1),
        other: Some(to),
        sku: giver.sku,
        quantity: Some(quantity),
        ..Decision::default()
    };
    done(conn, work, &decision, grounds, stamp).await
}

/// Changes where an order stands among those who wait.
///
/// # Errors
/// [`Error::NotFound`], [`Error::DemandEnded`].
pub(crate) async fn set_priority(
    conn: &mut PgConnection,
    order: Uuid,
    priority: i32,
    grounds: &Grounds,
    stamp: &Stamp<'_>,
) -> Result<(), Error> {
    let (mut work, known) = demand::commands::lock_items(conn, &[order]).await?;
    standing(conn, &[order], &known, true).await?;
    let before = store::set_priority_of_lines(conn, order, priority).await?;
    let decision = Decision { kind: "priority", order, priority: Some((before, priority)), ..Decision::default() };
    // It is told what it has, and so locked in its turn among the demands; its head is written only then.
    work.reallocated(order, "manual");
    done(conn, work, &decision, grounds, stamp).await?;
    Ok(store::set_priority(conn, order, priority).await?)
}

/// A quantity has no more digits than its unit: no half pieces.
fn precise(quantity: Decimal, unit: &str) -> Result<(), Error> {
    let digits = types::Unit::parse(unit).map_or(0, types::Unit::digits);
    if quantity.normalize().scale() > digits {
        return Err(Error::field("quantity", "has more decimals than the unit allows"));
    }
    Ok(())
}

/// Writes what a line got; the goods are held already.
async fn grant(conn: &mut PgConnection, work: &mut Work, grants: &[Grant], stamp: &Stamp<'_>) -> Result<(), Error> {
    if grants.is_empty() {
        return Ok(());
    }
    reservations::insert(conn, grants, stamp.now).await?;
    let mut changes: BTreeMap<(Uuid, i32), LineDelta> = BTreeMap::new();
    for one in grants {
        changes.entry((one.order, one.line_no)).or_default().reserved += one.quantity;
        work.reallocated(one.order, "manual");
    }
    demand::commands::change_lines(conn, work, &changes).await
}

/// Serves those who wait, keeps the decision and ends the work.
async fn done(
    conn: &mut PgConnection,
    mut work: Work,
    decision: &Decision,
    grounds: &Grounds,
    stamp: &Stamp<'_>,
) -> Result<(), Error> {
    serve(conn, &mut work, Vec::new(), stamp, "released_by_other").await?;
    store::insert(conn, decision, grounds, stamp.by, stamp.now).await?;
    finish(conn, work, stamp).await
}
