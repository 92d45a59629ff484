//! What people do to orders, on the database.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    convert::{self, AskedPart},
    domain::{self, Cause, LineChange, Order},
    store,
};
use crate::error::Error;

/// Locks one order.
///
/// # Errors
/// Unknown order; database errors.
pub async fn lock(conn: &mut PgConnection, id: Uuid) -> Result<Order, Error> {
    store::lock(conn, &[id]).await?.pop().ok_or_else(|| Error::not_found("order", id))
}

/// Who does it, when and why.
#[must_use]
pub fn cause(code: &'static str, actor: &str, reason: &str, at: OffsetDateTime) -> Cause {
    let (actor, reason) = (actor.to_owned(), reason.to_owned());
    Cause { at, source: "orders", actor, code, reason, params: BTreeMap::new() }
}

/// Confirms an order.
///
/// # Errors
/// Unknown order, forbidden transition; database errors.
pub async fn confirm(
    conn: &mut PgConnection,
    id: Uuid,
    actor: &str,
    reason: &str,
    now: OffsetDateTime,
) -> Result<(), Error> {
    let mut order = lock(conn, id).await?;
    domain::confirm(&mut order, &cause("order_confirmed", actor, reason, now))?;
    Ok(store::save(conn, &mut [order]).await?)
}

/// Cancels the rest of an order.
///
/// # Errors
/// Unknown order, a rule of the order's life; database errors.
pub async fn cancel(
    conn: &mut PgConnection,
    id: Uuid,
    actor: &str,
    reason: &str,
    cancelled_at: OffsetDateTime,
    now: OffsetDateTime,
) -> Result<(Order, Vec<LineChange>), Error> {
    let mut order = lock(conn, id).await?;
    let lines = domain::cancel_rest(&mut order, cancelled_at, &cause("order_cancelled", actor, reason, now))?;
    let mut orders = [order];
    store::save(conn, &mut orders).await?;
    let [order] = orders;
    Ok((order, lines))
}

/// Cancels parts of lines.
///
/// # Errors
/// Unknown order, a rule of the order's life; database errors.
pub async fn cancel_lines(
    conn: &mut PgConnection,
    id: Uuid,
    asked: &[AskedPart],
    (actor, reason): (&str, &str),
    cancelled_at: OffsetDateTime,
    now: OffsetDateTime,
) -> Result<(Order, Vec<LineChange>), Error> {
    let mut order = lock(conn, id).await?;
    let parts = convert::fit(&order, asked)?;
    let lines = domain::cancel_lines(&mut order, &parts, cancelled_at, &cause("lines_cancelled", actor, reason, now))?;
    let mut orders = [order];
    store::save(conn, &mut orders).await?;
    let [order] = orders;
    Ok((order, lines))
}

/// Completes an order by hand.
///
/// # Errors
/// Unknown order, a rule of the order's life; database errors.
pub async fn complete(
    conn: &mut PgConnection,
    id: Uuid,
    actor: &str,
    reason: &str,
    now: OffsetDateTime,
) -> Result<(), Error> {
    let mut order = lock(conn, id).await?;
    domain::complete(&mut order, &cause("order_completed", actor, reason, now))?;
    Ok(store::save(conn, &mut [order]).await?)
}
