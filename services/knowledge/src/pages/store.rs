//! SQL of the commands on the text of pages; the tree is in `store/tree.rs`.

mod tree;

use sqlx::{FromRow, PgConnection, Row as _, postgres::PgRow};
use uuid::Uuid;

pub(super) use tree::{
    below, children, level_in_space, lock_tree, move_pages, place, put_restrictions, renumber, restore, trash,
};

use super::domain::Page;
use crate::spaces::domain::{Level, Reader};

impl<'r> FromRow<'r, PgRow> for Page {
    fn from_row(row: &'r PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            space_id: row.try_get("space_id")?,
            space_key: row.try_get("space_key")?,
            parent_id: row.try_get("parent_id")?,
            path: row.try_get("path")?,
            title: row.try_get("title")?,
            body: row.try_get("body")?,
            version: row.try_get("version")?,
            event_version: row.try_get("event_version")?,
            author_id: row.try_get("author_id")?,
            comment: row.try_get("comment")?,
            saved_at: row.try_get("saved_at")?,
            created_at: row.try_get("created_at")?,
            trashed_at: row.try_get("trashed_at")?,
            trashed_with: row.try_get("trashed_with")?,
            level: Level::from_number(row.try_get("level")?),
        })
    }
}

/// Locks a page and reads it as somebody.
pub(super) async fn lock(conn: &mut PgConnection, id: Uuid, reader: &Reader) -> sqlx::Result<Option<Page>> {
    sqlx::query_as(
        "-- lock_page
        select p.id, p.space_id, s.key as space_key, p.parent_id, p.path, p.title, p.body, p.version, p.event_version,
            p.author_id, p.comment, p.saved_at, p.created_at, p.trashed_at, p.trashed_with,
            page_level(p.space_id, p.id, p.path, $2, $3) as level
        from page p join space s on s.id = p.space_id where p.id = $1 for update of p",
    )
    .bind(id)
    .bind(&reader.roles)
    .bind(reader.admin)
    .fetch_optional(conn)
    .await
}

/// Stores a new page with its first version.
pub(super) async fn insert(conn: &mut PgConnection, page: &Page, plain: &str, position: i32) -> sqlx::Result<()> {
    sqlx::query(
        "-- insert_page
        insert into page (id, space_id, parent_id, path, position, title, body, plain, author_id, comment, saved_at, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)",
    )
    .bind(page.id)
    .bind(page.space_id)
    .bind(page.parent_id)
    .bind(&page.path)
    .bind(position)
    .bind(&page.title)
    .bind(&page.body)
    .bind(plain)
    .bind(&page.author_id)
    .bind(&page.comment)
    .bind(page.saved_at)
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes the newest text of a page.
pub(super) async fn update_text(conn: &mut PgConnection, page: &Page, plain: &str) -> sqlx::Result<()> {
    sqlx::query(
        "-- update_page_text
        update page set title = $2, body = $3, plain = $4, version = $5, event_version = $6, author_id = $7, comment = $8,
            saved_at = $9
        where id = $1",
    )
    .bind(page.id)
    .bind(&page.title)
    .bind(&page.body)
    .bind(plain)
    .bind(page.version)
    .bind(page.event_version)
    .bind(&page.author_id)
    .bind(&page.comment)
    .bind(page.saved_at)
    .execute(conn)
    .await?;
    Ok(())
}

/// Keeps the newest text as a version.
pub(super) async fn insert_version(
    conn: &mut PgConnection,
    page: &Page,
    restored_from: Option<i32>,
) -> sqlx::Result<()> {
    sqlx::query(
        "-- insert_page_version
        insert into page_version (page_id, version, title, body, author_id, comment, restored_from, saved_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(page.id)
    .bind(page.version)
    .bind(&page.title)
    .bind(&page.body)
    .bind(&page.author_id)
    .bind(&page.comment)
    .bind(restored_from)
    .bind(page.saved_at)
    .execute(conn)
    .await?;
    Ok(())
}

/// Title and text of a version.
pub(super) async fn version_text(
    conn: &mut PgConnection,
    id: Uuid,
    version: i32,
) -> sqlx::Result<Option<(String, String)>> {
    sqlx::query_as(
        "-- page_version_text
        select title, body from page_version where page_id = $1 and version = $2",
    )
    .bind(id)
    .bind(version)
    .fetch_optional(conn)
    .await
}

/// Remembers words, so that similar ones can be found.
pub(super) async fn learn_words(conn: &mut PgConnection, words: &[String]) -> sqlx::Result<()> {
    sqlx::query(
        "-- learn_words
        insert into vocabulary (word)
        select w from unnest($1::text[]) as w where not exists (select 1 from vocabulary v where v.word = w)
        order by w collate \"C\" on conflict do nothing",
    )
    .bind(words)
    .execute(conn)
    .await?;
    Ok(())
}
