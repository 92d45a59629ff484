//! SQL of the keys' reads.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::domain::ApiKey;

/// One key.
pub(super) async fn get(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<ApiKey>> {
    sqlx::query_as::<_, ApiKey>(
        "-- api_key_get
        select id, name, prefix, channel, created_at, expires_at, revoked_at, last_used_at,
            array(select role from api_key_role where api_key_id = api_key.id order by role) as roles
        from api_key where id = $1",
    )
    .bind(id)
    .fetch_optional(conn)
    .await
}

/// Keys before a moment, newest first.
pub(super) async fn list(
    conn: &mut PgConnection,
    channel: &str,
    live_only: bool,
    before: Option<(OffsetDateTime, Uuid)>,
    limit: i64,
) -> sqlx::Result<Vec<ApiKey>> {
    let (at, id) = before.unzip();
    sqlx::query_as::<_, ApiKey>(
        "-- api_key_list
        select id, name, prefix, channel, created_at, expires_at, revoked_at, last_used_at,
            array(select role from api_key_role where api_key_id = api_key.id order by role) as roles
        from api_key
        where ($1 = '' or channel = $1) and (revoked_at is null or not $2)
          and ($3::timestamptz is null or (created_at, id) < ($3, $4::uuid))
        order by created_at desc, id desc
        limit $5",
    )
    .bind(channel)
    .bind(live_only)
    .bind(at)
    .bind(id)
    .bind(limit)
    .fetch_all(conn)
    .await
}
