//! Makes, ends and exchanges keys.

use serde_json::json;
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::domain::ApiKey;
use super::store;
use crate::audit::{self, Fact};
use crate::employees;
use crate::error::Error;
use crate::roles::{self, Catalogue, Grantor};
use crate::secret;
use crate::signing_keys::commands::{AccessToken, Subject, issue};

/// Makes a key.
pub(super) async fn create(
    conn: &mut PgConnection,
    by: &Grantor,
    key: ApiKey,
    secret: &str,
    now: OffsetDateTime,
) -> Result<ApiKey, Error> {
    let key = ApiKey { roles: employees::commands::known_roles(conn, by, &key.roles).await?, ..key };
    store::insert(conn, &key, &secret::digest(secret.as_bytes())).await?;
    record(conn, by.id(), "api_key.created", &key, now).await?;
    Ok(key)
}

/// Ends a key; ending it again changes nothing.
pub(super) async fn revoke(
    conn: &mut PgConnection,
    actor: &str,
    id: Uuid,
    now: OffsetDateTime,
) -> Result<ApiKey, Error> {
    let found = store::lock(conn, id).await?;
    let mut key = found.ok_or_else(|| Error::NotFound { kind: "API key", id: id.to_string() })?;
    if key.revoked_at.is_none() {
        store::revoke(conn, id, now).await?;
        key.revoked_at = Some(now);
        record(conn, actor, "api_key.revoked", &key, now).await?;
    }
    Ok(key)
}

/// Exchanges a key for a token.
pub(crate) async fn exchange(
    conn: &mut PgConnection,
    secret: &str,
    lifetime: Duration,
    now: OffsetDateTime,
) -> Result<(AccessToken, ApiKey), Error> {
    const REFUSED: Error = Error::Unauthenticated("the API key is unknown, expired or revoked");
    let Some(key) = store::by_secret(conn, &secret::digest(secret.as_bytes())).await? else { return Err(REFUSED) };
    if !key.works(now) {
        return Err(REFUSED);
    }
    let granted = roles::store::permissions_of(conn, &key.roles).await?;
    let permissions = granted.into_iter().flat_map(|(_, all)| all).collect::<Vec<_>>();
    let lifetime = key.expires_at.map_or(lifetime, |end| lifetime.min(end - now));
    let subject = Subject {
        id: key.id.to_string(),
        kind: "api_key",
        roles: key.roles.clone(),
        permissions: Catalogue::compact(&permissions),
        channel: (!key.channel.is_empty()).then(|| key.channel.clone()),
    };
    let token = issue(conn, subject, lifetime, now).await?;
    store::used(conn, key.id, now).await?;
    Ok((token, key))
}

async fn record(
    conn: &mut PgConnection,
    actor: &str,
    action: &'static str,
    key: &ApiKey,
    now: OffsetDateTime,
) -> Result<(), Error> {
    let details = json!({"name": key.name, "prefix": key.prefix, "channel": key.channel, "roles": key.roles});
    let fact = Fact { actor, action, object_type: "api_key", object_id: key.id.to_string(), details };
    audit::append(conn, fact, now).await
}
