//! Holds without an order, closing and reopening, and what time ends.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{displace, place, release, serve};
use crate::{
    config::Stamp,
    demand::{
        self,
        domain::{Line, NewDemand, NewLine},
    },
    error::Error,
    ledger::commands::{finish, lock},
    reservation::{
        domain::{Refusal, whole},
        store, store_holds,
    },
    units::{self, domain::Entered},
    warehouses::store as warehouses,
};

/// Ends and lots dealt with in one transaction.
const SWEEP: i64 = 200;

/// Holds stock without an order: all of it or nothing when `all_lines`, otherwise what there is, and the rest waits.
///
/// # Errors
/// [`Error::OutOfStock`] when nothing (or, with `all_lines`, not everything) is available; then nothing is kept.
pub async fn reserve(
    conn: &mut PgConnection,
    mut hold: NewDemand,
    all_lines: bool,
    stamp: &Stamp<'_>,
) -> Result<(), Error> {
    if !hold.warehouse.is_empty() {
        warehouses::by_code(conn, &hold.warehouse).await?.ok_or(Error::UnknownWarehouse(hold.warehouse.clone()))?;
    }
    let order = hold.order_id;
    let mut work = lock(conn, hold.lines.iter().map(|line| line.sku.clone()).collect(), false).await?;
    let named = |line: &NewLine| Entered {
        sku: line.sku.clone(),
        lot: String::new(),
        unit: line.unit.clone(),
        quantity: line.quantity,
    };
    let entered: Vec<_> = hold.lines.iter().map(named).collect();
    let amounts = units::commands::to_base(conn, &work, &entered).await?;
    units::commands::keep(conn, order, &entered, &amounts).await?;
    for (line, (unit, quantity)) in hold.lines.iter_mut().zip(amounts) {
        (line.unit, line.quantity) = (unit, quantity);
    }
    place(conn, &mut work, vec![hold], stamp).await?;
    let lines = demand::store::lines(conn, &[order]).await?;
    let short: Vec<_> = lines.iter().filter(|line| line.backordered > Decimal::ZERO).map(short_of).collect();
    let nothing = lines.iter().all(|line| line.reserved.is_zero());
    if nothing || (all_lines && !short.is_empty()) {
        return Err(Error::OutOfStock(short.join(", ")));
    }
    finish(conn, work, stamp).await
}

fn short_of(line: &Line) -> String {
    format!("{} {} of {}", line.backordered.normalize(), line.unit, line.sku)
}

/// Stops an order or hold from holding and waiting; what is in shipments stays. Closing again changes nothing.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::DemandEnded`] when it was cancelled, has expired or became an order's.
pub async fn close(conn: &mut PgConnection, order: Uuid, stamp: &Stamp<'_>) -> Result<(), Error> {
    let (mut work, known) = demand::commands::lock_items(conn, &[order]).await?;
    if !is_in(conn, order, &known, "open").await? {
        return Ok(());
    }
    let held = store::held_by_orders(conn, &[order]).await?;
    let parts: Vec<_> = held.into_iter().filter(|piece| piece.shipment.is_none()).map(whole).collect();
    release(conn, &mut work, &parts, "released", "closed", stamp).await?;
    for line in demand::store::lines(conn, &[order]).await? {
        work.change(&line.sku, |item| item.backordered -= line.backordered)?;
    }
    demand::store::set_state(conn, &[order], "closed").await?;
    work.reallocated(order, "manual");
    serve(conn, &mut work, Vec::new(), stamp, "released_by_other").await?;
    finish(conn, work, stamp).await
}

/// Lets a closed order or hold reserve again. Reopening what is open changes nothing.
///
/// # Errors
/// As for [`close`].
pub async fn reopen(conn: &mut PgConnection, order: Uuid, stamp: &Stamp<'_>) -> Result<(), Error> {
    let (mut work, known) = demand::commands::lock_items(conn, &[order]).await?;
    if !is_in(conn, order, &known, "closed").await? {
        return Ok(());
    }
    demand::store::set_state(conn, &[order], "open").await?;
    for line in demand::store::lines(conn, &[order]).await? {
        work.change(&line.sku, |item| item.backordered += line.backordered)?;
    }
    work.reallocated(order, "manual");
    serve(conn, &mut work, Vec::new(), stamp, "released_by_other").await?;
    finish(conn, work, stamp).await
}

/// Puts off the end of a hold, as often as the rules allow.
///
/// # Errors
/// [`Error::NotFound`] for anything but a hold; [`Error::DemandEnded`]; [`Refusal::NoEnd`], [`Refusal::ExtendedOften`];
/// an end that is not later than before is a wrong field.
pub async fn extend(
    conn: &mut PgConnection,
    hold: Uuid,
    until: OffsetDateTime,
    stamp: &Stamp<'_>,
) -> Result<(), Error> {
    let (work, _) = demand::commands::lock_items(conn, &[hold]).await?;
    let end = store_holds::hold_end(conn, hold).await?.ok_or_else(|| Error::NotFound("hold", hold.to_string()))?;
    if end.state != "open" {
        return Err(Error::DemandEnded(end.state));
    }
    let Some(before) = end.expires_at else { return Err(Refusal::NoEnd.into()) };
    if before <= stamp.now {
        return Err(Error::DemandEnded("expired".to_owned()));
    }
    if until <= before {
        return Err(Error::field("expires_at", "must be later than before"));
    }
    if end.extensions >= stamp.rules.hold_extensions {
        return Err(Refusal::ExtendedOften(end.extensions).into());
    }
    store_holds::extend_hold(conn, hold, until).await?;
    finish(conn, work, stamp).await
}

async fn is_in(conn: &mut PgConnection, order: Uuid, known: &[Uuid], state: &str) -> Result<bool, Error> {
    let heads = demand::store::heads(conn, known).await?;
    let head = heads.get(&order).ok_or_else(|| Error::NotFound("reservation", order.to_string()))?;
    match head.state.as_str() {
        ended @ ("cancelled" | "expired" | "converted") => Err(Error::DemandEnded(ended.to_owned())),
        other => Ok(other == state),
    }
}

/// Ends holds whose time has run out. Returns how many.
///
/// # Errors
/// Database errors.
pub async fn expire_holds(conn: &mut PgConnection, stamp: &Stamp<'_>) -> Result<usize, Error> {
    let due = store_holds::holds_to_expire(conn, stamp.now, SWEEP).await?;
    if due.is_empty() {
        return Ok(0);
    }
    let (mut work, due) = demand::commands::lock_items(conn, &due).await?;
    // Somebody may have closed, extended or taken one over while we waited for the locks.
    let due = store_holds::still_to_expire(conn, &due, stamp.now).await?;
    let held = store::held_by_orders(conn, &due).await?;
    let parts: Vec<_> = held.into_iter().map(whole).collect();
    release(conn, &mut work, &parts, "expired", "hold_expired", stamp).await?;
    for line in demand::store::lines(conn, &due).await? {
        work.change(&line.sku, |item| item.backordered -= line.backordered)?;
    }
    demand::store::set_state(conn, &due, "expired").await?;
    serve(conn, &mut work, Vec::new(), stamp, "released_by_other").await?;
    finish(conn, work, stamp).await?;
    Ok(due.len())
}

/// Takes lots past their last day from orders that are not being picked yet and serves these from others. Returns how many.
///
/// # Errors
/// Database errors.
pub async fn expire_lots(conn: &mut PgConnection, stamp: &Stamp<'_>) -> Result<usize, Error> {
    let due = store::lots_to_expire(conn, stamp.today(), SWEEP).await?;
    if due.is_empty() {
        return Ok(0);
    }
    let skus: BTreeSet<_> = due.iter().map(|(_, sku)| sku.clone()).collect();
    let mut work = lock(conn, skus, false).await?;
    for (lot, _) in &due {
        let held = store::held_of_lot(conn, *lot, None).await?;
        let picked = held.iter().filter(|piece| piece.shipment.is_some()).map(|piece| piece.quantity).sum();
        displace(conn, &mut work, (*lot, None), picked, "expired", stamp).await?;
    }
    let lots: Vec<_> = due.into_iter().map(|(lot, _)| lot).collect();
    store::note_expired(conn, &lots).await?;
    serve(conn, &mut work, Vec::new(), stamp, "stock_changed").await?;
    finish(conn, work, stamp).await?;
    Ok(lots.len())
}
