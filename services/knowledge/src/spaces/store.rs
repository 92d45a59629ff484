//! SQL of the commands on spaces.

use sqlx::{FromRow, PgConnection, Row as _, postgres::PgRow};
use uuid::Uuid;

use super::domain::{Level, Reader, Space};

impl<'r> FromRow<'r, PgRow> for Space {
    fn from_row(row: &'r PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            key: row.try_get("key")?,
            name: row.try_get("name")?,
            version: row.try_get("version")?,
            created_at: row.try_get("created_at")?,
            level: Level::from_number(row.try_get("level")?),
        })
    }
}

/// Stores a new space; false when its key is taken.
pub(super) async fn insert(conn: &mut PgConnection, space: &Space, creator: &str) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "-- insert_space
        insert into space (id, key, name, created_by, created_at) values ($1, $2, $3, $4, $5) on conflict (key) do nothing",
    )
    .bind(space.id)
    .bind(&space.key)
    .bind(&space.name)
    .bind(creator)
    .bind(space.created_at)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Locks a space against changes of its tree and access, and reads it as somebody.
pub(crate) async fn lock(conn: &mut PgConnection, key: &str, reader: &Reader) -> sqlx::Result<Option<Space>> {
    sqlx::query_as(
        "-- lock_space
        select id, key, name, version, created_at, space_level(id, $2, $3) as level from space where key = $1 for update",
    )
    .bind(key)
    .bind(&reader.roles)
    .bind(reader.admin)
    .fetch_optional(conn)
    .await
}

/// Locks up to two spaces by id, in the order of their ids.
pub(crate) async fn lock_ids(conn: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar(
        "-- lock_spaces
        select id from space where id = any($1) order by id for update",
    )
    .bind(ids)
    .fetch_all(conn)
    .await
}

/// Writes the name and the version.
pub(super) async fn update(conn: &mut PgConnection, space: &Space) -> sqlx::Result<()> {
    sqlx::query(
        "-- update_space
        update space set name = $2, version = $3 where id = $1",
    )
    .bind(space.id)
    .bind(&space.name)
    .bind(space.version)
    .execute(conn)
    .await?;
    Ok(())
}

/// Replaces who may do what.
pub(super) async fn replace_access(
    conn: &mut PgConnection,
    space: Uuid,
    access: &[(String, Level)],
) -> sqlx::Result<()> {
    sqlx::query(
        "-- clear_space_access
        delete from space_access where space_id = $1",
    )
    .bind(space)
    .execute(&mut *conn)
    .await?;
    sqlx::query(
        "-- insert_space_access
        insert into space_access (space_id, role, level) select $1, a.* from unnest($2::text[], $3::int2[]) as a",
    )
    .bind(space)
    .bind(access.iter().map(|(role, _)| role.as_str()).collect::<Vec<_>>())
    .bind(access.iter().map(|(_, level)| level.number()).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}
