//! Counts attempts to sign in.

use std::collections::BTreeMap;

use serde_json::json;
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::domain::{Scope, attempt};
use super::store;
use crate::audit::{self, Fact};
use crate::error::Error;
use crate::secret;

/// An attempt that was counted.
#[derive(Debug, Clone)]
pub(super) struct Attempt {
    keys: BTreeMap<&'static str, [u8; 32]>,
}

/// Counts an attempt, or says to wait.
pub(super) async fn begin(
    conn: &mut PgConnection,
    login: &str,
    source: &str,
    now: OffsetDateTime,
) -> Result<Attempt, Error> {
    let key = |scope: Scope| {
        let text = match scope {
            Scope::Login => login.to_owned(),
            Scope::LoginAndSource => format!("{login}\n{source}"),
            Scope::Source => source.to_owned(),
        };
        (scope.name(), secret::digest(text.as_bytes()))
    };
    let keys: BTreeMap<_, _> = [Scope::Login, Scope::LoginAndSource, Scope::Source].map(key).into();
    let counts = store::lock_attempts(conn, &keys, now).await?;
    let counts = attempt(&counts, now).map_err(Error::Throttled)?;
    store::write_attempts(conn, &keys, &counts).await?;
    let blocked = counts.iter().find(|count| count.blocked_until > now);
    if let Some(count) = blocked {
        let details = json!({"scope": count.scope.name(), "failures": count.failures});
        let fact = Fact {
            actor: "identity",
            action: "sign_in.slowed",
            object_type: "source",
            object_id: source.to_owned(),
            details,
        };
        audit::append(conn, fact, now).await?;
    }
    Ok(Attempt { keys })
}

/// Takes an attempt back: it succeeded.
pub(super) async fn succeeded(conn: &mut PgConnection, attempt: &Attempt, now: OffsetDateTime) -> Result<(), Error> {
    store::forgive_attempts(conn, &attempt.keys, now).await?;
    Ok(())
}
