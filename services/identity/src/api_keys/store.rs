//! SQL of the keys' writes.

use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection, Row as _};
use time::OffsetDateTime;
use uuid::Uuid;

use super::domain::ApiKey;

/// Adds a key and its roles.
pub(super) async fn insert(conn: &mut PgConnection, key: &ApiKey, secret_hash: &[u8; 32]) -> sqlx::Result<()> {
    sqlx::query(
        "-- api_key_insert
        insert into api_key (id, name, prefix, secret_hash, channel, created_at, expires_at)
        values ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(key.id)
    .bind(&key.name)
    .bind(&key.prefix)
    .bind(secret_hash.as_slice())
    .bind(&key.channel)
    .bind(key.created_at)
    .bind(key.expires_at)
    .execute(&mut *conn)
    .await?;
    sqlx::query(
        "-- api_key_add_roles
        insert into api_key_role (api_key_id, role) select $1, unnest($2::text[])",
    )
    .bind(key.id)
    .bind(&key.roles)
    .execute(conn)
    .await?;
    Ok(())
}

/// A key by the hash of its secret.
pub(super) async fn by_secret(conn: &mut PgConnection, secret_hash: &[u8; 32]) -> sqlx::Result<Option<ApiKey>> {
    sqlx::query_as::<_, ApiKey>(
        "-- api_key_by_secret
        select id, name, prefix, channel, created_at, expires_at, revoked_at, last_used_at,
            array(select role from api_key_role where api_key_id = api_key.id order by role) as roles
        from api_key where secret_hash = $1",
    )
    .bind(secret_hash.as_slice())
    .fetch_optional(conn)
    .await
}

/// A key, locked.
pub(super) async fn lock(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<ApiKey>> {
    sqlx::query_as::<_, ApiKey>(
        "-- api_key_lock
        select id, name, prefix, channel, created_at, expires_at, revoked_at, last_used_at,
            array(select role from api_key_role where api_key_id = api_key.id order by role) as roles
        from api_key where id = $1 for update",
    )
    .bind(id)
    .fetch_optional(conn)
    .await
}

/// Ends a key.
pub(super) async fn revoke(conn: &mut PgConnection, id: Uuid, now: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query(
        "-- api_key_revoke
        update api_key set revoked_at = $2 where id = $1 and revoked_at is null",
    )
    .bind(id)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}

/// Remembers the use of a key, once a minute.
pub(super) async fn used(conn: &mut PgConnection, id: Uuid, now: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query(
        "-- api_key_used
        update api_key set last_used_at = $2
        where id = $1 and (last_used_at is null or last_used_at < $2::timestamptz - interval '1 minute')",
    )
    .bind(id)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}

impl FromRow<'_, PgRow> for ApiKey {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            name: row.try_get("name")?,
            prefix: row.try_get("prefix")?,
            channel: row.try_get("channel")?,
            created_at: row.try_get("created_at")?,
            expires_at: row.try_get("expires_at")?,
            revoked_at: row.try_get("revoked_at")?,
            last_used_at: row.try_get("last_used_at")?,
            roles: row.try_get("roles")?,
        })
    }
}
