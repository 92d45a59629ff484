//! SQL of the tree: its pages in order, moved, trashed, restored, restricted.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::super::domain::Branch;
use crate::spaces::domain::{Level, Reader};

/// What somebody may do at the top of a space: its id and the level.
pub(in super::super) async fn level_in_space(
    conn: &mut PgConnection,
    key: &str,
    reader: &Reader,
) -> sqlx::Result<Option<(Uuid, Level)>> {
    let row: Option<(Uuid, i32)> = sqlx::query_as(
        "-- level_in_space
        select id, space_level(id, $2, $3) from space where key = $1",
    )
    .bind(key)
    .bind(&reader.roles)
    .bind(reader.admin)
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|(id, level)| (id, Level::from_number(level))))
}

/// The space a page is in now.
pub(in super::super) async fn place(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar(
        "-- space_of_page
        select space_id from page where id = $1",
    )
    .bind(id)
    .fetch_optional(conn)
    .await
}

/// The pages directly below a page or at the top of a space, in order, those in the trash left out.
pub(in super::super) async fn children(
    conn: &mut PgConnection,
    space: Uuid,
    parent: Option<Uuid>,
) -> sqlx::Result<Vec<(Uuid, i32)>> {
    sqlx::query_as(
        "-- child_positions
        select id, position from page
        where space_id = $1 and parent_id is not distinct from $2 and trashed_at is null
        order by position, id limit 1001",
    )
    .bind(space)
    .bind(parent)
    .fetch_all(conn)
    .await
}

/// Everything below a page, whether in the trash or not, up to a number.
pub(in super::super) async fn below(conn: &mut PgConnection, id: Uuid, limit: i64) -> sqlx::Result<Vec<Branch>> {
    let rows: Vec<(Uuid, Vec<Uuid>)> = sqlx::query_as(
        "-- pages_below
        select id, path from page where path @> array[$1::uuid] limit $2",
    )
    .bind(id)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|(id, path)| Branch { id, path }).collect())
}

/// Locks pages in the order of their ids.
pub(in super::super) async fn lock_tree(conn: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<()> {
    sqlx::query(
        "-- lock_pages
        select id from page where id = any($1) order by id for update",
    )
    .bind(ids)
    .execute(conn)
    .await?;
    Ok(())
}

/// Gives pages their new space, parents and paths.
pub(in super::super) async fn move_pages(
    conn: &mut PgConnection,
    space: Uuid,
    branches: &[Branch],
) -> sqlx::Result<()> {
    // A path of ids has a fixed width, so it travels as one text and is cut apart again.
    let paths: Vec<String> =
        branches.iter().map(|branch| branch.path.iter().map(Uuid::to_string).collect::<Vec<_>>().join(",")).collect();
    sqlx::query(
        "-- move_pages
        update page p set space_id = $1, path = n.path, parent_id = n.path[cardinality(n.path)]
        from (
            select id, coalesce(string_to_array(nullif(path, ''), ',')::uuid[], '{}') as path
            from unnest($2::uuid[], $3::text[]) as m (id, path)
        ) n
        where p.id = n.id",
    )
    .bind(space)
    .bind(branches.iter().map(|branch| branch.id).collect::<Vec<_>>())
    .bind(paths)
    .execute(conn)
    .await?;
    Ok(())
}

/// Numbers siblings in the order given.
pub(in super::super) async fn renumber(conn: &mut PgConnection, order: &[Uuid]) -> sqlx::Result<()> {
    sqlx::query(
        "-- renumber_pages
        update page p set position = n.position from unnest($1::uuid[]) with ordinality as n (id, position)
        where p.id = n.id and p.position <> n.position",
    )
    .bind(order)
    .execute(conn)
    .await?;
    Ok(())
}

/// Puts a page and everything below it that is not yet there into the trash. Id and event version of each.
pub(in super::super) async fn trash(
    conn: &mut PgConnection,
    ids: &[Uuid],
    with: Uuid,
    actor: &str,
    now: OffsetDateTime,
) -> sqlx::Result<Vec<(Uuid, i64)>> {
    sqlx::query_as(
        "-- trash_pages
        update page set trashed_at = $4, trashed_by = $3, trashed_with = $2, event_version = event_version + 1
        where id = any($1) and trashed_at is null returning id, event_version",
    )
    .bind(ids)
    .bind(with)
    .bind(actor)
    .bind(now)
    .fetch_all(conn)
    .await
}

/// A page that came back.
#[derive(sqlx::FromRow)]
pub(in super::super) struct Restored {
    pub(in super::super) id: Uuid,
    pub(in super::super) version: i32,
    pub(in super::super) author_id: String,
    pub(in super::super) saved_at: OffsetDateTime,
    pub(in super::super) event_version: i64,
}

/// Takes everything out of the trash that was put there with a page.
pub(in super::super) async fn restore(
    conn: &mut PgConnection,
    with: Uuid,
    ids: &[Uuid],
) -> sqlx::Result<Vec<Restored>> {
    sqlx::query_as(
        "-- restore_pages
        update page set trashed_at = null, trashed_by = null, trashed_with = null, event_version = event_version + 1
        where id = any($2) and trashed_with = $1 returning id, version, author_id, saved_at, event_version",
    )
    .bind(with)
    .bind(ids)
    .fetch_all(conn)
    .await
}

/// Replaces the restrictions of a page.
pub(in super::super) async fn put_restrictions(
    conn: &mut PgConnection,
    id: Uuid,
    read: &[String],
    write: &[String],
) -> sqlx::Result<()> {
    sqlx::query(
        "-- clear_restrictions
        delete from page_restriction where page_id = $1",
    )
    .bind(id)
    .execute(&mut *conn)
    .await?;
    sqlx::query(
        "-- insert_restrictions
        insert into page_restriction (page_id, level, role)
        select $1::uuid, 1, r from unnest($2::text[]) as r union all select $1::uuid, 2, w from unnest($3::text[]) as w",
    )
    .bind(id)
    .bind(read)
    .bind(write)
    .execute(&mut *conn)
    .await?;
    sqlx::query(
        "-- mark_restricted
        update page set read_restricted = $2, write_restricted = $3 where id = $1",
    )
    .bind(id)
    .bind(!read.is_empty())
    .bind(!write.is_empty())
    .execute(conn)
    .await?;
    Ok(())
}
