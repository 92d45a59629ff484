//! SQL of the audit trail's writes.

use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection, Row as _};

use super::domain::Entry;

/// Lets one transaction at a time append.
pub(super) async fn lock_chain(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query(
        "-- audit_lock_chain
        select pg_advisory_xact_lock(hashtext('identity.audit_entry'))",
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Sequence and hash of the last entry.
pub(super) async fn tail(conn: &mut PgConnection) -> sqlx::Result<Option<(i64, Vec<u8>)>> {
    sqlx::query_as::<_, (i64, Vec<u8>)>(
        "-- audit_tail
        select sequence, hash from audit_entry order by sequence desc limit 1",
    )
    .fetch_optional(conn)
    .await
}

/// Adds an entry.
pub(super) async fn insert(conn: &mut PgConnection, entry: &Entry) -> sqlx::Result<()> {
    sqlx::query(
        "-- audit_insert
        insert into audit_entry
            (sequence, at, actor, action, object_type, object_id, details, previous_hash, hash)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(entry.sequence)
    .bind(entry.at)
    .bind(&entry.actor)
    .bind(&entry.action)
    .bind(&entry.object_type)
    .bind(&entry.object_id)
    .bind(&entry.details)
    .bind(&entry.previous_hash)
    .bind(&entry.hash)
    .execute(conn)
    .await?;
    Ok(())
}

impl FromRow<'_, PgRow> for Entry {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            sequence: row.try_get("sequence")?,
            at: row.try_get("at")?,
            actor: row.try_get("actor")?,
            action: row.try_get("action")?,
            object_type: row.try_get("object_type")?,
            object_id: row.try_get("object_id")?,
            details: row.try_get("details")?,
            previous_hash: row.try_get("previous_hash")?,
            hash: row.try_get("hash")?,
        })
    }
}
