//! SQL of the audit trail's reads.

use sqlx::PgConnection;

use super::domain::Entry;

/// Which entries; empty texts match all.
#[derive(Debug, Default)]
pub(super) struct Filter {
    /// Who.
    pub(super) actor: String,
    /// Which record.
    pub(super) object_id: String,
    /// What.
    pub(super) action: String,
}

/// Entries before a sequence, newest first.
pub(super) async fn list(
    conn: &mut PgConnection,
    filter: &Filter,
    before: Option<i64>,
    limit: i64,
) -> sqlx::Result<Vec<Entry>> {
    sqlx::query_as::<_, Entry>(
        "-- audit_list
        select sequence, at, actor, action, object_type, object_id, details, previous_hash, hash
        from audit_entry
        where ($1 = '' or actor = $1) and ($2 = '' or object_id = $2) and ($3 = '' or action = $3)
          and ($4::bigint is null or sequence < $4)
        order by sequence desc
        limit $5",
    )
    .bind(&filter.actor)
    .bind(&filter.object_id)
    .bind(&filter.action)
    .bind(before)
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// Entries from a sequence on, oldest first.
pub(super) async fn stretch(conn: &mut PgConnection, from: i64, limit: i64) -> sqlx::Result<Vec<Entry>> {
    sqlx::query_as::<_, Entry>(
        "-- audit_stretch
        select sequence, at, actor, action, object_type, object_id, details, previous_hash, hash
        from audit_entry where sequence >= $1 order by sequence limit $2",
    )
    .bind(from)
    .bind(limit)
    .fetch_all(conn)
    .await
}
