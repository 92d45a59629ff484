//! Adds entries to the chain.

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::domain::{Entry, Fact, GENESIS};
use super::store;
use crate::error::Error;

/// Adds an entry. Transactions that append wait for one another until they end, so append last.
pub(crate) async fn append(conn: &mut PgConnection, fact: Fact<'_>, now: OffsetDateTime) -> Result<(), Error> {
    store::lock_chain(conn).await?;
    let (sequence, previous_hash) = store::tail(conn).await?.unwrap_or((0, GENESIS.to_vec()));
    let micros = now.nanosecond() / 1_000 * 1_000;
    let at = now.replace_nanosecond(micros).map_err(|error| Error::Internal(error.into()))?;
    let mut entry = Entry {
        sequence: sequence + 1,
        at,
        actor: fact.actor.to_owned(),
        action: fact.action.to_owned(),
        object_type: fact.object_type.to_owned(),
        object_id: fact.object_id,
        details: fact.details.to_string(),
        previous_hash,
        hash: Vec::new(),
    };
    entry.hash = entry.computed_hash().to_vec();
    store::insert(conn, &entry).await?;
    Ok(())
}
