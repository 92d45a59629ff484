//! SQL of the reads of spaces.

use sqlx::PgConnection;
use uuid::Uuid;

use super::domain::{Level, Reader, Space};

/// A space by its key.
pub(super) async fn get(conn: &mut PgConnection, key: &str, reader: &Reader) -> sqlx::Result<Option<Space>> {
    sqlx::query_as(
        "-- get_space
        select id, key, name, version, created_at, space_level(id, $2, $3) as level from space where key = $1",
    )
    .bind(key)
    .bind(&reader.roles)
    .bind(reader.admin)
    .fetch_optional(conn)
    .await
}

/// The spaces somebody may read.
pub(super) async fn list(
    conn: &mut PgConnection,
    reader: &Reader,
    after: Option<&str>,
    limit: i64,
) -> sqlx::Result<Vec<Space>> {
    sqlx::query_as(
        "-- list_spaces
        select id, key, name, version, created_at, space_level(id, $1, $2) as level from space
        where space_level(id, $1, $2) > 0 and ($3::text is null or key > $3) order by key limit $4",
    )
    .bind(&reader.roles)
    .bind(reader.admin)
    .bind(after)
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// Who may do what, by role.
pub(super) async fn access(conn: &mut PgConnection, space: Uuid) -> sqlx::Result<Vec<(String, Level)>> {
    let rows: Vec<(String, i32)> = sqlx::query_as(
        "-- list_space_access
        select role, level::int from space_access where space_id = $1 order by role collate \"C\" limit 100",
    )
    .bind(space)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|(role, level)| (role, Level::from_number(level))).collect())
}
