//! SQL of the signing keys.

use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection, Row as _};
use time::OffsetDateTime;

use super::domain::StoredKey;

/// Lets one transaction at a time make or retire keys.
pub(super) async fn lock(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query(
        "-- signing_key_lock
        select pg_advisory_xact_lock(hashtext('identity.signing_key'))",
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// All keys that are not retired, oldest first.
pub(super) async fn live(conn: &mut PgConnection) -> sqlx::Result<Vec<StoredKey>> {
    sqlx::query_as::<_, StoredKey>(
        "-- signing_key_live
        select kid, private_key, public_key, created_at, active_from
        from signing_key where retired_at is null order by active_from, kid",
    )
    .fetch_all(conn)
    .await
}

/// Adds a key.
pub(super) async fn insert(conn: &mut PgConnection, key: &StoredKey) -> sqlx::Result<()> {
    sqlx::query(
        "-- signing_key_insert
        insert into signing_key (kid, private_key, public_key, created_at, active_from)
        values ($1, $2, $3, $4, $5)",
    )
    .bind(&key.kid)
    .bind(&key.private_key)
    .bind(&key.public_key)
    .bind(key.created_at)
    .bind(key.active_from)
    .execute(conn)
    .await?;
    Ok(())
}

/// Retires keys and overwrites their private half.
pub(super) async fn retire(conn: &mut PgConnection, kids: &[String], now: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query(
        "-- signing_key_retire
        update signing_key set retired_at = $2, private_key = decode(repeat('00', 32), 'hex')
        where kid = any($1) and retired_at is null",
    )
    .bind(kids)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}

impl FromRow<'_, PgRow> for StoredKey {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            kid: row.try_get("kid")?,
            private_key: row.try_get("private_key")?,
            public_key: row.try_get("public_key")?,
            created_at: row.try_get("created_at")?,
            active_from: row.try_get("active_from")?,
        })
    }
}
