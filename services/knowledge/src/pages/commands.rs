//! Changes of pages: text here, tree in `commands/tree.rs`.

mod tree;

use messaging::{NewEvent, outbox};
use proto::knowledge::v1::{KnowledgeEvent, PageSaved, knowledge_event};
use sqlx::PgConnection;
use time::OffsetDateTime;
pub(super) use tree::{MoveTo, delete, move_page, restore, restrict};
use uuid::Uuid;

use super::{
    domain::{DEEPEST, MOST_CHILDREN, Page},
    store,
};
use crate::{
    error::Error,
    rendering::domain as rendering,
    search::domain::words,
    spaces::{
        domain::{Level, Reader},
        store as spaces,
    },
};

fn event(page: Uuid, version: i64, now: OffsetDateTime, fact: knowledge_event::Event) -> NewEvent {
    NewEvent::of("page", page, version, now, &KnowledgeEvent { event: Some(fact) })
}

fn saved(page: &Page, now: OffsetDateTime) -> NewEvent {
    let fact = PageSaved {
        page_id: page.id.to_string(),
        space_key: page.space_key.clone(),
        version: page.version,
        author_id: page.author_id.clone(),
        saved_at: Some(proto::to_timestamp(page.saved_at)),
    };
    event(page.id, page.event_version, now, knowledge_event::Event::PageSaved(fact))
}

/// Reads and locks a page that the reader may write.
async fn writable(conn: &mut PgConnection, id: Uuid, reader: &Reader) -> Result<Page, Error> {
    let page = store::lock(conn, id, reader).await?;
    // What lies in the trash is hidden from those who may only read it.
    let page =
        page.filter(|page| page.level >= Level::Write || (page.level == Level::Read && page.trashed_at.is_none()));
    let page = page.ok_or_else(|| Error::not_found("page", id))?;
    if page.level < Level::Write { Err(Error::READ_ONLY) } else { Ok(page) }
}

/// The page above a new place, which must be in the space and out of the trash.
async fn parent_in(conn: &mut PgConnection, id: Uuid, space: Uuid, reader: &Reader) -> Result<Page, Error> {
    let parent = store::lock(conn, id, reader).await?;
    let parent = parent.filter(|page| page.level > Level::None && page.space_id == space);
    let parent = parent.ok_or_else(|| Error::not_found("page", id))?;
    if parent.level < Level::Write {
        return Err(Error::READ_ONLY);
    }
    if parent.trashed_at.is_some() {
        return Err(Error::refused("PARENT_IN_TRASH", "the page above is in the trash"));
    }
    Ok(parent)
}

/// What an author writes.
pub(super) struct Text {
    pub(super) title: String,
    pub(super) body: String,
    pub(super) plain: String,
    pub(super) comment: String,
}

impl Text {
    /// Takes the words out of the Markdown; costly, so done before the transaction begins.
    pub(super) fn new(title: String, body: String, comment: String) -> Self {
        Self { plain: rendering::plain(&body), title, body, comment }
    }
}

async fn keep_text(conn: &mut PgConnection, page: &Page, text: &str, from: Option<i32>) -> Result<(), Error> {
    store::insert_version(conn, page, from).await?;
    store::learn_words(conn, &words(&[&page.title, text])).await?;
    Ok(())
}

/// Creates a page at the end of its siblings.
pub(super) async fn create(
    conn: &mut PgConnection,
    space_key: &str,
    parent: Option<Uuid>,
    text: Text,
    reader: &Reader,
    now: OffsetDateTime,
) -> Result<Page, Error> {
    let space = spaces::lock(conn, space_key, reader).await?.filter(|space| space.level > Level::None);
    let space = space.ok_or_else(|| Error::not_found("space", space_key))?;
    if space.level < Level::Write {
        return Err(Error::READ_ONLY);
    }
    let mut level = space.level;
    let mut path = Vec::new();
    if let Some(parent) = parent {
        let above = parent_in(conn, parent, space.id, reader).await?;
        level = above.level;
        path = above.path;
        path.push(parent);
    }
    if path.len() >= DEEPEST {
        return Err(TOO_DEEP);
    }
    let siblings = store::children(conn, space.id, parent).await?;
    if siblings.len() >= MOST_CHILDREN {
        return Err(TOO_MANY_CHILDREN);
    }
    let position = siblings.last().map_or(1, |(_, position)| position.saturating_add(1));
    let page = Page {
        id: service::new_id(),
        space_id: space.id,
        space_key: space.key,
        parent_id: parent,
        path,
        title: text.title,
        body: text.body,
        version: 1,
        event_version: 1,
        author_id: reader.id.clone(),
        comment: text.comment,
        saved_at: now,
        created_at: now,
        trashed_at: None,
        trashed_with: None,
        level,
    };
    store::insert(conn, &page, &text.plain, position).await?;
    keep_text(conn, &page, &text.plain, None).await?;
    outbox::append(conn, &[saved(&page, now)]).await?;
    Ok(page)
}

const TOO_DEEP: Error = Error::Refused { reason: "TREE_TOO_DEEP", message: "a page may be at most 50 levels deep" };
const TOO_MANY_CHILDREN: Error =
    Error::Refused { reason: "TOO_MANY_CHILDREN", message: "1,000 pages are directly below that page" };

/// A page that may get a new version on top of the one the author has seen.
async fn based(conn: &mut PgConnection, id: Uuid, base: i32, reader: &Reader) -> Result<Page, Error> {
    let page = writable(conn, id, reader).await?;
    if page.trashed_at.is_some() {
        return Err(Error::refused("PAGE_IN_TRASH", "the page is in the trash; restore it first"));
    }
    if page.version != base {
        return Err(Error::VersionConflict { given: base.into(), present: page.version.into() });
    }
    Ok(page)
}

async fn save_over(
    conn: &mut PgConnection,
    mut page: Page,
    text: Text,
    from: Option<i32>,
    reader: &Reader,
    now: OffsetDateTime,
) -> Result<Page, Error> {
    if page.title == text.title && page.body == text.body {
        return Ok(page);
    }
    page.title = text.title;
    page.body = text.body;
    page.version += 1;
    page.event_version += 1;
    page.author_id.clone_from(&reader.id);
    page.comment = text.comment;
    page.saved_at = now;
    store::update_text(conn, &page, &text.plain).await?;
    keep_text(conn, &page, &text.plain, from).await?;
    outbox::append(conn, &[saved(&page, now)]).await?;
    Ok(page)
}

/// Saves a new version on top of the one the author has seen.
pub(super) async fn save(
    conn: &mut PgConnection,
    id: Uuid,
    base: i32,
    text: Text,
    reader: &Reader,
    now: OffsetDateTime,
) -> Result<Page, Error> {
    let page = based(conn, id, base, reader).await?;
    save_over(conn, page, text, None, reader, now).await
}

/// Makes an old version the newest.
pub(super) async fn restore_version(
    conn: &mut PgConnection,
    id: Uuid,
    version: i32,
    base: i32,
    comment: String,
    reader: &Reader,
    now: OffsetDateTime,
) -> Result<Page, Error> {
    let page = based(conn, id, base, reader).await?;
    let old = store::version_text(conn, id, version).await?;
    let (title, body) = old.ok_or_else(|| Error::not_found("version", version))?;
    save_over(conn, page, Text::new(title, body, comment), Some(version), reader, now).await
}
