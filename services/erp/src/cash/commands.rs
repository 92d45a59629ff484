//! State changes of cash.

use messaging::NewEvent;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    convert,
    domain::{Change, HandIn, Refusal, sum},
    store,
};
use crate::{
    config::Stamp,
    error::Error,
    runs::{domain::Refusal as RunRefusal, store as runs},
};

/// Notes what orders owe on delivery.
pub(crate) async fn note(conn: &mut PgConnection, changes: Vec<Change>) -> Result<(), Error> {
    let (owes, less) = sum(changes);
    store::insert_due(conn, &owes).await?;
    Ok(store::lower_due(conn, &less).await?)
}

async fn lock_run(conn: &mut PgConnection, run: Uuid) -> Result<runs::Head, Error> {
    runs::lock(conn, run).await?.ok_or_else(|| Error::NotFound("delivery run", run.to_string()))
}

/// Counts the cash of a closed run.
///
/// # Errors
/// [`Error::NotFound`]; a refusal.
pub(super) async fn hand_in(
    conn: &mut PgConnection,
    run: Uuid,
    counted: Decimal,
    reason: &str,
    stamp: &Stamp<'_>,
) -> Result<(), Error> {
    let head = lock_run(conn, run).await?;
    if head.state != "closed" {
        return Err(RunRefusal::State(head.state).into());
    }
    if store::hand_in(conn, run).await?.is_some() {
        return Err(Refusal::AlreadyHandedIn.into());
    }
    let collected = store::collected(conn, run).await?;
    if collected != counted && reason.is_empty() {
        return Err(Refusal::Differs { collected, counted }.into());
    }
    let hand_in = HandIn { collected, counted, counted_by: stamp.by.to_owned(), decision: String::new() };
    store::insert(conn, run, &hand_in, reason, stamp.now).await?;
    let fact = convert::cash_handed_in(run, &head.courier, &hand_in, stamp);
    messaging::outbox::append(conn, &[NewEvent::of("delivery_run", run, 1, stamp.now, &fact)]).await?;
    Ok(())
}

/// Decides a difference.
///
/// # Errors
/// [`Error::NotFound`]; a refusal.
pub(super) async fn decide(
    conn: &mut PgConnection,
    run: Uuid,
    decision: &'static str,
    stamp: &Stamp<'_>,
) -> Result<(), Error> {
    lock_run(conn, run).await?;
    let hand_in = store::hand_in(conn, run).await?;
    hand_in.ok_or(Refusal::NoDifference)?.may_decide(stamp.by)?;
    Ok(store::decide(conn, run, decision, stamp.by, stamp.now).await?)
}
