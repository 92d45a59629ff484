//! Changes of the tree. Each locks the spaces concerned first, so paths stand still.

use std::collections::BTreeSet;

use messaging::outbox;
use proto::knowledge::v1::{PageDeleted, PageSaved, knowledge_event};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    super::{
        domain::{Branch, MOST_CHILDREN, MOST_TOGETHER, Misplaced, Page, reordered, transplanted},
        store,
    },
    TOO_DEEP, TOO_MANY_CHILDREN, event, parent_in, writable,
};
use crate::{
    error::Error,
    spaces::{
        domain::{Level, Reader},
        store as spaces,
    },
};

const TOO_MANY_PAGES: Error =
    Error::Refused { reason: "TOO_MANY_PAGES", message: "more than 10,000 pages are below it; take parts of it first" };

/// Locks the space of a page, and another; and the page. The page may have moved to another
/// space before the lock was had; then the caller has to try again.
async fn settled(conn: &mut PgConnection, id: Uuid, other: Option<Uuid>, reader: &Reader) -> Result<Page, Error> {
    let space = store::place(conn, id).await?.ok_or_else(|| Error::not_found("page", id))?;
    let spaces: Vec<Uuid> = std::iter::once(space).chain(other).collect::<BTreeSet<_>>().into_iter().collect();
    spaces::lock_ids(conn, &spaces).await?;
    let page = writable(conn, id, reader).await?;
    if page.space_id == space {
        return Ok(page);
    }
    Err(Error::Raced)
}

/// Everything below a page, locked.
async fn branch(conn: &mut PgConnection, id: Uuid) -> Result<Vec<Branch>, Error> {
    let limit = i64::try_from(MOST_TOGETHER).unwrap_or(i64::MAX);
    let below = store::below(conn, id, limit + 1).await?;
    if below.len() > MOST_TOGETHER {
        return Err(TOO_MANY_PAGES);
    }
    let ids: Vec<Uuid> = below.iter().map(|branch| branch.id).collect();
    store::lock_tree(conn, &ids).await?;
    Ok(below)
}

/// Where a page is to go.
pub(in super::super) struct MoveTo {
    pub(in super::super) space_key: Option<String>,
    pub(in super::super) parent: Option<Uuid>,
    pub(in super::super) before: Option<Uuid>,
}

/// Moves a page with everything below it.
pub(in super::super) async fn move_page(
    conn: &mut PgConnection,
    id: Uuid,
    to: MoveTo,
    reader: &Reader,
) -> Result<Page, Error> {
    let mut target = None;
    if let Some(key) = &to.space_key {
        let found = store::level_in_space(conn, key, reader).await?.filter(|(_, level)| *level > Level::None);
        let (space, level) = found.ok_or_else(|| Error::not_found("space", key))?;
        if level < Level::Write {
            return Err(Error::READ_ONLY);
        }
        target = Some(space);
    }
    let page = settled(conn, id, target, reader).await?;
    if page.trashed_at.is_some() {
        return Err(Error::refused("PAGE_IN_TRASH", "the page is in the trash; restore it first"));
    }
    let space = target.unwrap_or(page.space_id);
    let mut path = Vec::new();
    if let Some(parent) = to.parent {
        let above = parent_in(conn, parent, space, reader).await?;
        path = above.path;
        path.push(parent);
    }
    let below = branch(conn, id).await?;
    let moved = transplanted(id, &page.path, &path, &below).map_err(|misplaced| match misplaced {
        Misplaced::Cycle => Error::refused("PAGE_CYCLE", "a page can't come below itself"),
        Misplaced::TooDeep => TOO_DEEP,
    })?;
    let siblings = store::children(conn, space, to.parent).await?;
    let siblings: Vec<Uuid> = siblings.into_iter().map(|(sibling, _)| sibling).collect();
    if siblings.len() >= MOST_CHILDREN && !siblings.contains(&id) {
        return Err(TOO_MANY_CHILDREN);
    }
    if let Some(before) = to.before.filter(|before| *before != id && !siblings.contains(before)) {
        return Err(Error::not_found("sibling page", before));
    }
    store::move_pages(conn, space, &moved).await?;
    store::renumber(conn, &reordered(&siblings, id, to.before)).await?;
    let page = store::lock(conn, id, reader).await?;
    page.ok_or_else(|| Error::not_found("page", id))
}

/// Puts a page and everything below it into the trash; how many pages.
pub(in super::super) async fn delete(
    conn: &mut PgConnection,
    id: Uuid,
    reader: &Reader,
    now: OffsetDateTime,
) -> Result<usize, Error> {
    let page = settled(conn, id, None, reader).await?;
    if page.trashed_at.is_some() {
        return Ok(0);
    }
    let below = branch(conn, id).await?;
    let ids: Vec<Uuid> = std::iter::once(id).chain(below.into_iter().map(|branch| branch.id)).collect();
    let trashed = store::trash(conn, &ids, id, &reader.id, now).await?;
    let events: Vec<_> = trashed
        .iter()
        .map(|(page, version)| {
            let fact = PageDeleted { page_id: page.to_string(), deleted_at: Some(proto::to_timestamp(now)) };
            event(*page, *version, now, knowledge_event::Event::PageDeleted(fact))
        })
        .collect();
    outbox::append(conn, &events).await?;
    Ok(trashed.len())
}

/// Takes a page out of the trash with what was put there together with it; the page and how many.
pub(in super::super) async fn restore(
    conn: &mut PgConnection,
    id: Uuid,
    reader: &Reader,
    now: OffsetDateTime,
) -> Result<(Page, usize), Error> {
    let page = settled(conn, id, None, reader).await?;
    let Some(with) = page.trashed_with else { return Ok((page, 0)) };
    if let Some(parent) = page.parent_id {
        // At the top of the space it would be without the restrictions of the pages above it.
        let above = store::lock(conn, parent, reader).await?;
        if above.is_none_or(|above| above.trashed_at.is_some()) {
            return Err(Error::refused("PARENT_IN_TRASH", "restore the page above it first"));
        }
    }
    let below = branch(conn, id).await?;
    let ids: Vec<Uuid> = std::iter::once(id).chain(below.into_iter().map(|branch| branch.id)).collect();
    let restored = store::restore(conn, with, &ids).await?;
    let events: Vec<_> = restored
        .iter()
        .map(|row| {
            let fact = PageSaved {
                page_id: row.id.to_string(),
                space_key: page.space_key.clone(),
                version: row.version,
                author_id: row.author_id.clone(),
                saved_at: Some(proto::to_timestamp(row.saved_at)),
            };
            event(row.id, row.event_version, now, knowledge_event::Event::PageSaved(fact))
        })
        .collect();
    outbox::append(conn, &events).await?;
    let page = store::lock(conn, id, reader).await?;
    Ok((page.ok_or_else(|| Error::not_found("page", id))?, restored.len()))
}

/// Restricts a page and everything below it to some roles.
pub(in super::super) async fn restrict(
    conn: &mut PgConnection,
    id: Uuid,
    read: &[String],
    write: &[String],
    reader: &Reader,
) -> Result<(), Error> {
    let page = settled(conn, id, None, reader).await?;
    if page.level < Level::Admin {
        return Err(Error::NOT_ADMIN);
    }
    store::put_restrictions(conn, id, read, write).await?;
    Ok(())
}
