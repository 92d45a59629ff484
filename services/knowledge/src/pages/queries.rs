//! SQL of the reads of pages.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::domain::Page;
use crate::spaces::domain::Reader;

/// A page as somebody sees it, whatever the level.
pub(super) async fn get(conn: &mut PgConnection, id: Uuid, reader: &Reader) -> sqlx::Result<Option<Page>> {
    sqlx::query_as(
        "-- get_page
        select p.id, p.space_id, s.key as space_key, p.parent_id, p.path, p.title, p.body, p.version, p.event_version,
            p.author_id, p.comment, p.saved_at, p.created_at, p.trashed_at, p.trashed_with,
            page_level(p.space_id, p.id, p.path, $2, $3) as level
        from page p join space s on s.id = p.space_id where p.id = $1",
    )
    .bind(id)
    .bind(&reader.roles)
    .bind(reader.admin)
    .fetch_optional(conn)
    .await
}

/// A version with its text.
#[derive(sqlx::FromRow)]
pub(super) struct VersionText {
    pub(super) title: String,
    pub(super) body: String,
    pub(super) author_id: String,
    pub(super) comment: String,
    pub(super) saved_at: OffsetDateTime,
}

/// One version.
pub(super) async fn version(conn: &mut PgConnection, id: Uuid, version: i32) -> sqlx::Result<Option<VersionText>> {
    sqlx::query_as(
        "-- get_page_version
        select title, body, author_id, comment, saved_at from page_version where page_id = $1 and version = $2",
    )
    .bind(id)
    .bind(version)
    .fetch_optional(conn)
    .await
}

/// A version without its text.
#[derive(sqlx::FromRow)]
pub(super) struct VersionView {
    pub(super) version: i32,
    pub(super) title: String,
    pub(super) author_id: String,
    pub(super) comment: String,
    pub(super) restored_from: Option<i32>,
    pub(super) body_bytes: i32,
    pub(super) saved_at: OffsetDateTime,
}

/// Versions, newest first.
pub(super) async fn versions(
    conn: &mut PgConnection,
    id: Uuid,
    before: Option<i32>,
    limit: i64,
) -> sqlx::Result<Vec<VersionView>> {
    sqlx::query_as(
        "-- list_versions
        select version, title, author_id, comment, restored_from, octet_length(body) as body_bytes, saved_at
        from page_version where page_id = $1 and ($2::int is null or version < $2) order by version desc limit $3",
    )
    .bind(id)
    .bind(before)
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// A node of the tree.
#[derive(sqlx::FromRow)]
pub(super) struct NodeView {
    pub(super) id: Uuid,
    pub(super) parent_id: Option<Uuid>,
    pub(super) title: String,
    pub(super) version: i32,
    pub(super) depth: i32,
    pub(super) position: i32,
    pub(super) has_children: bool,
    pub(super) saved_at: OffsetDateTime,
}

/// The pages below a page or at the top of a space that somebody may read, in order.
pub(super) async fn children(
    conn: &mut PgConnection,
    space_key: &str,
    parent: Option<Uuid>,
    reader: &Reader,
    after: Option<(i32, Uuid)>,
    limit: i64,
) -> sqlx::Result<Vec<NodeView>> {
    sqlx::query_as(
        "-- list_children
        select p.id, p.parent_id, p.title, p.version, cardinality(p.path) as depth, p.position, p.saved_at,
            exists (
                select 1 from page c where c.parent_id = p.id and c.trashed_at is null
                and page_level(c.space_id, c.id, c.path, $3, $4) > 0
            ) as has_children
        from page p join space s on s.id = p.space_id
        where s.key = $1 and p.parent_id is not distinct from $2 and p.trashed_at is null
          and page_level(p.space_id, p.id, p.path, $3, $4) > 0
          and ($5::int is null or (p.position, p.id) > ($5, $6))
        order by p.position, p.id limit $7",
    )
    .bind(space_key)
    .bind(parent)
    .bind(&reader.roles)
    .bind(reader.admin)
    .bind(after.map(|(position, _)| position))
    .bind(after.map(|(_, id)| id))
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// The tree of a space, or below a page, that somebody may read: so many levels, so many nodes.
pub(super) async fn tree(
    conn: &mut PgConnection,
    space_key: &str,
    root: Option<Uuid>,
    reader: &Reader,
    levels: i32,
    limit: i64,
) -> sqlx::Result<Vec<NodeView>> {
    sqlx::query_as(
        "-- get_tree
        with recursive tree as (
            select p.id, p.parent_id, p.title, p.version, cardinality(p.path) as depth, p.position, p.saved_at,
                1 as level, array[p.position] as sort
            from page p join space s on s.id = p.space_id
            where s.key = $1 and p.parent_id is not distinct from $2 and p.trashed_at is null
              and page_level(p.space_id, p.id, p.path, $3, $4) > 0
            union all
            select c.id, c.parent_id, c.title, c.version, cardinality(c.path), c.position, c.saved_at,
                t.level + 1, t.sort || c.position
            from tree t join page c on c.parent_id = t.id
            where t.level < $5 and c.trashed_at is null and page_level(c.space_id, c.id, c.path, $3, $4) > 0
        )
        select t.id, t.parent_id, t.title, t.version, t.depth, t.position, t.saved_at,
            exists (
                select 1 from page c where c.parent_id = t.id and c.trashed_at is null
                and page_level(c.space_id, c.id, c.path, $3, $4) > 0
            ) as has_children
        from (select * from tree order by level, sort, id limit $6) t order by t.level, t.sort, t.id",
    )
    .bind(space_key)
    .bind(root)
    .bind(&reader.roles)
    .bind(reader.admin)
    .bind(levels)
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// What somebody may do in a space; `None` when there is none.
pub(super) async fn space_level(conn: &mut PgConnection, key: &str, reader: &Reader) -> sqlx::Result<Option<i32>> {
    sqlx::query_scalar(
        "-- get_space_level
        select space_level(id, $2, $3) from space where key = $1",
    )
    .bind(key)
    .bind(&reader.roles)
    .bind(reader.admin)
    .fetch_optional(conn)
    .await
}

/// A page in the trash.
#[derive(sqlx::FromRow)]
pub(super) struct TrashView {
    pub(super) id: Uuid,
    pub(super) title: String,
    pub(super) trashed_by: String,
    pub(super) trashed_at: OffsetDateTime,
}

/// What was deleted itself and may be restored by somebody, newest first.
pub(super) async fn trash(
    conn: &mut PgConnection,
    space_key: &str,
    reader: &Reader,
    after: Option<(OffsetDateTime, Uuid)>,
    limit: i64,
) -> sqlx::Result<Vec<TrashView>> {
    sqlx::query_as(
        "-- list_trash
        select p.id, p.title, p.trashed_by, p.trashed_at from page p join space s on s.id = p.space_id
        where s.key = $1 and p.trashed_at is not null and p.trashed_with = p.id
          and page_level(p.space_id, p.id, p.path, $2, $3) > 1
          and ($4::timestamptz is null or (p.trashed_at, p.id) < ($4, $5))
        order by p.trashed_at desc, p.id desc limit $6",
    )
    .bind(space_key)
    .bind(&reader.roles)
    .bind(reader.admin)
    .bind(after.map(|(at, _)| at))
    .bind(after.map(|(_, id)| id))
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// The roles a page itself is restricted to: level and role, sorted.
pub(super) async fn restrictions(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Vec<(i16, String)>> {
    sqlx::query_as(
        "-- list_restrictions
        select level, role from page_restriction where page_id = $1 order by level, role collate \"C\" limit 200",
    )
    .bind(id)
    .fetch_all(conn)
    .await
}
