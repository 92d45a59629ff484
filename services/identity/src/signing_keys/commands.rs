//! Makes, rotates and uses signing keys.

use serde_json::json;
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};

use super::domain::{Claims, ISSUER, StoredKey, obsolete, public_key, rotation_due, sign, signer};
use super::store;
use crate::audit::{self, Fact};
use crate::error::Error;
use crate::secret;

/// For whom a token is made.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    /// Employee or API key.
    pub(crate) id: String,
    /// `employee` or `api_key`.
    pub(crate) kind: &'static str,
    /// Role codes.
    pub(crate) roles: Vec<String>,
    /// Permissions.
    pub(crate) permissions: Vec<String>,
    /// Sales channel.
    pub(crate) channel: Option<String>,
}

/// A token and when it ends.
#[derive(Debug)]
pub(crate) struct AccessToken {
    /// Compact JWT.
    pub(crate) token: String,
    /// When it ends.
    pub(crate) expires_at: OffsetDateTime,
}

/// Signs a token; makes the first key when there is none.
pub(crate) async fn issue(
    conn: &mut PgConnection,
    subject: Subject,
    lifetime: Duration,
    now: OffsetDateTime,
) -> Result<AccessToken, Error> {
    let mut keys = store::live(conn).await?;
    if signer(&keys, now).is_none() {
        store::lock(conn).await?;
        keys = store::live(conn).await?;
        if signer(&keys, now).is_none() {
            keys.push(make(conn, now, now).await?);
        }
    }
    let key = signer(&keys, now).ok_or_else(|| anyhow::anyhow!("no signing key is active"))?;
    let expires_at = now + lifetime;
    let claims = Claims {
        iss: ISSUER,
        sub: subject.id,
        kind: subject.kind,
        roles: subject.roles,
        perms: subject.permissions,
        channel: subject.channel,
        iat: now.unix_timestamp(),
        exp: expires_at.unix_timestamp(),
        jti: secret::base64url(&secret::random_bytes()[..16]),
    };
    Ok(AccessToken { token: sign(key, &claims)?, expires_at })
}

/// Keys to publish, oldest first; makes the first one when there is none.
pub(crate) async fn published(conn: &mut PgConnection, now: OffsetDateTime) -> Result<Vec<StoredKey>, Error> {
    let keys = store::live(conn).await?;
    if !keys.is_empty() {
        return Ok(keys);
    }
    store::lock(conn).await?;
    let keys = store::live(conn).await?;
    if keys.is_empty() { Ok(vec![make(conn, now, now).await?]) } else { Ok(keys) }
}

/// Makes a new key, active after `grace`; or, after a leak, at once and instead of all others.
pub(crate) async fn rotate(
    conn: &mut PgConnection,
    actor: &str,
    grace: Option<Duration>,
    now: OffsetDateTime,
) -> Result<StoredKey, Error> {
    store::lock(conn).await?;
    if grace.is_none() {
        let all = store::live(conn).await?.into_iter().map(|key| key.kid).collect::<Vec<_>>();
        store::retire(conn, &all, now).await?;
    }
    let key = make(conn, now, now + grace.unwrap_or(Duration::ZERO)).await?;
    let fact = Fact {
        actor,
        action: "signing_key.rotated",
        object_type: "signing_key",
        object_id: key.kid.clone(),
        details: json!({"revoked_previous": grace.is_none()}),
    };
    audit::append(conn, fact, now).await?;
    Ok(key)
}

/// What the timer does: makes a key when one is due, retires those nobody needs.
pub(crate) async fn maintain(
    conn: &mut PgConnection,
    age: Duration,
    grace: Duration,
    now: OffsetDateTime,
) -> Result<(), Error> {
    store::lock(conn).await?;
    let keys = store::live(conn).await?;
    store::retire(conn, &obsolete(&keys, now), now).await?;
    if rotation_due(&keys, age, now) {
        let grace = if signer(&keys, now).is_some() { grace } else { Duration::ZERO };
        rotate(conn, "identity", Some(grace), now).await?;
    }
    Ok(())
}

async fn make(conn: &mut PgConnection, now: OffsetDateTime, active_from: OffsetDateTime) -> Result<StoredKey, Error> {
    let seed = secret::random_bytes();
    let public = public_key(&seed);
    let key = StoredKey {
        kid: secret::base64url(&secret::digest(&public)[..12]),
        private_key: seed.to_vec(),
        public_key: public.to_vec(),
        created_at: now,
        active_from,
    };
    store::insert(conn, &key).await?;
    Ok(key)
}
