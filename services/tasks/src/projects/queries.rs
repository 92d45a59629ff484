//! SQL of the reads of projects.

use sqlx::PgConnection;

use super::domain::Project;

/// One project.
pub(super) async fn get(conn: &mut PgConnection, key: &str) -> sqlx::Result<Option<Project>> {
    sqlx::query_as(
        "-- get_project
        select id, key, name, description, last_number, archived, version, created_by, created_at
        from project where key = $1",
    )
    .bind(key)
    .fetch_optional(conn)
    .await
}

/// Projects after a key.
pub(super) async fn list(
    conn: &mut PgConnection,
    after: Option<String>,
    include_archived: bool,
    limit: i64,
) -> sqlx::Result<Vec<Project>> {
    sqlx::query_as(
        "-- list_projects
        select id, key, name, description, last_number, archived, version, created_by, created_at
        from project
        where ($1::text is null or key > $1) and ($2 or not archived)
        order by key limit $3",
    )
    .bind(after)
    .bind(include_archived)
    .bind(limit)
    .fetch_all(conn)
    .await
}
