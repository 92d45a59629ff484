//! The reading page RPCs.

use proto::knowledge::v1 as wire;
use service::{Check, page::Page as Paging, status};
use sqlx::PgConnection;
use time::OffsetDateTime;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{
    super::{
        convert,
        domain::{Page, diff},
        queries,
    },
    Pages,
};
use crate::{
    error::Error,
    rendering::domain as rendering,
    spaces::{
        convert::key,
        domain::{Level, Reader},
    },
};

/// Most nodes of one tree.
const MOST_NODES: i64 = 2_000;

/// Who asks, and what.
fn asked<T>(request: Request<T>) -> Result<(Reader, T), Status> {
    Ok((Reader::from(&service::caller(&request)?), request.into_inner()))
}

/// A page somebody may read; what lies in the trash only who may write it.
async fn readable(conn: &mut PgConnection, id: Uuid, reader: &Reader) -> Result<Page, Error> {
    let page = queries::get(conn, id, reader).await?;
    let seen = |page: &Page| page.level >= if page.trashed_at.is_some() { Level::Write } else { Level::Read };
    page.filter(seen).ok_or_else(|| Error::not_found("page", id))
}

/// Title and text of a version of a page somebody may read.
async fn text_of(conn: &mut PgConnection, page: &Page, version: i32) -> Result<queries::VersionText, Error> {
    let text = queries::version(conn, page.id, version).await?;
    text.ok_or_else(|| Error::not_found("version", version))
}

/// Refuses who may not read a space, as if there were none.
async fn known_space(conn: &mut PgConnection, space: &str, reader: &Reader) -> Result<(), Error> {
    let level = queries::space_level(conn, space, reader).await?;
    level.filter(|level| *level > 0).map(|_| ()).ok_or_else(|| Error::not_found("space", space))
}

fn number(check: &mut Check, field: &str, version: i32) -> Option<i32> {
    check.require(version >= 0, field, "must be the number of a version, or 0");
    (version > 0).then_some(version)
}

/// Refuses a token of a moment the database does not know: it was never one of ours.
pub(crate) fn known_moment(at: Option<OffsetDateTime>) -> Result<(), Status> {
    let mut check = Check::new();
    let known = at.is_none_or(|at| (1..=9999).contains(&at.year()));
    check.require(known, "page.page_token", "is not a token of this list");
    check.done().map_err(status::invalid)
}

impl Pages {
    /// The page of a request that was read without fault, if its sender may read it, and a connection to read on with.
    async fn page(&self, check: Check, id: Uuid, reader: &Reader) -> Result<(service::Conn, Page), Status> {
        check.done().map_err(status::invalid)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let page = readable(&mut conn, id, reader).await?;
        Ok((conn, page))
    }

    /// A connection to read a space with, or what lies below one of its pages, if the reader may.
    async fn space(&self, space: &str, below: Option<Uuid>, reader: &Reader) -> Result<service::Conn, Status> {
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        known_space(&mut conn, space, reader).await?;
        if let Some(page) = below {
            readable(&mut conn, page, reader).await?;
        }
        Ok(conn)
    }

    pub(super) async fn read_page(
        &self,
        request: Request<wire::GetPageRequest>,
    ) -> Result<Response<wire::GetPageResponse>, Status> {
        let (reader, request) = asked(request)?;
        let mut check = Check::new();
        let id = check.uuid("page_id", &request.page_id);
        let version = number(&mut check, "version", request.version);
        let (mut conn, page) = self.page(check, id, &reader).await?;
        let page = match version {
            Some(number) if number != page.version => {
                let old = text_of(&mut conn, &page, number).await?;
                convert::encode_old(page, number, old)
            }
            _ => convert::encode(page),
        };
        Ok(Response::new(wire::GetPageResponse { page: Some(page) }))
    }

    pub(super) async fn read_html(
        &self,
        request: Request<wire::RenderPageRequest>,
    ) -> Result<Response<wire::RenderPageResponse>, Status> {
        let (reader, request) = asked(request)?;
        let mut check = Check::new();
        let id = check.uuid("page_id", &request.page_id);
        let version = number(&mut check, "version", request.version);
        let (mut conn, page) = self.page(check, id, &reader).await?;
        let version = version.unwrap_or(page.version);
        let (title, body) = if version == page.version {
            (page.title, page.body)
        } else {
            let old = text_of(&mut conn, &page, version).await?;
            (old.title, old.body)
        };
        drop(conn);
        let html = tokio::task::spawn_blocking(move || rendering::html(&body)).await;
        let html = html.map_err(|error| status::internal(&error))?;
        Ok(Response::new(wire::RenderPageResponse { title, html, version }))
    }

    pub(super) async fn read_versions(
        &self,
        request: Request<wire::ListVersionsRequest>,
    ) -> Result<Response<wire::ListVersionsResponse>, Status> {
        let (reader, request) = asked(request)?;
        let mut check = Check::new();
        let id = check.uuid("page_id", &request.page_id);
        let paging = Paging::<i32>::parse(&request.page).map_err(status::invalid)?;
        let (mut conn, page) = self.page(check, id, &reader).await?;
        let rows = queries::versions(&mut conn, page.id, paging.after, paging.limit() + 1).await;
        let (rows, page) = paging.finish(rows.map_err(status::from_sqlx)?, |row| row.version);
        let versions = rows.into_iter().map(convert::encode_version).collect();
        Ok(Response::new(wire::ListVersionsResponse { versions, page: Some(page) }))
    }

    pub(super) async fn read_diff(
        &self,
        request: Request<wire::DiffVersionsRequest>,
    ) -> Result<Response<wire::DiffVersionsResponse>, Status> {
        let (reader, request) = asked(request)?;
        let mut check = Check::new();
        let id = check.uuid("page_id", &request.page_id);
        let from = convert::base_version(&mut check, "from_version", request.from_version);
        let to = convert::base_version(&mut check, "to_version", request.to_version);
        let (mut conn, page) = self.page(check, id, &reader).await?;
        let old = text_of(&mut conn, &page, from).await?;
        let new = text_of(&mut conn, &page, to).await?;
        drop(conn);
        let pieces = tokio::task::spawn_blocking(move || (diff(&old.title, &new.title), diff(&old.body, &new.body)));
        let (title, body) = pieces.await.map_err(|error| status::internal(&error))?;
        Ok(Response::new(wire::DiffVersionsResponse {
            title: convert::encode_pieces(title),
            body: convert::encode_pieces(body),
        }))
    }

    pub(super) async fn read_children(
        &self,
        request: Request<wire::ListChildrenRequest>,
    ) -> Result<Response<wire::ListChildrenResponse>, Status> {
        let (reader, request) = asked(request)?;
        let mut check = Check::new();
        let space = key(&mut check, "space_key", &request.space_key);
        let parent = check.optional_uuid("parent_id", &request.parent_id);
        check.done().map_err(status::invalid)?;
        let paging = Paging::<(i32, Uuid)>::parse(&request.page).map_err(status::invalid)?;
        let mut conn = self.space(&space, parent, &reader).await?;
        let limit = paging.limit() + 1;
        let rows = queries::children(&mut conn, &space, parent, &reader, paging.after, limit).await;
        let (rows, page) = paging.finish(rows.map_err(status::from_sqlx)?, |row| (row.position, row.id));
        let children = rows.into_iter().map(convert::encode_node).collect();
        Ok(Response::new(wire::ListChildrenResponse { children, page: Some(page) }))
    }

    pub(super) async fn read_tree(
        &self,
        request: Request<wire::GetTreeRequest>,
    ) -> Result<Response<wire::GetTreeResponse>, Status> {
        let (reader, request) = asked(request)?;
        let mut check = Check::new();
        let space = key(&mut check, "space_key", &request.space_key);
        let root = check.optional_uuid("root_id", &request.root_id);
        check.require((0..=50).contains(&request.depth), "depth", "1 to 50 levels, or 0 for 3");
        check.done().map_err(status::invalid)?;
        let depth = if request.depth == 0 { 3 } else { request.depth };
        let mut conn = self.space(&space, root, &reader).await?;
        let rows = queries::tree(&mut conn, &space, root, &reader, depth, MOST_NODES + 1).await;
        let mut rows = rows.map_err(status::from_sqlx)?;
        let most = usize::try_from(MOST_NODES).unwrap_or(usize::MAX);
        let truncated = rows.len() > most;
        rows.truncate(most);
        let nodes = rows.into_iter().map(convert::encode_node).collect();
        Ok(Response::new(wire::GetTreeResponse { nodes, truncated }))
    }

    pub(super) async fn read_trash(
        &self,
        request: Request<wire::ListTrashRequest>,
    ) -> Result<Response<wire::ListTrashResponse>, Status> {
        let (reader, request) = asked(request)?;
        let mut check = Check::new();
        let space = key(&mut check, "space_key", &request.space_key);
        check.done().map_err(status::invalid)?;
        let paging = Paging::<(OffsetDateTime, Uuid)>::parse(&request.page).map_err(status::invalid)?;
        known_moment(paging.after.map(|(at, _)| at))?;
        let mut conn = self.space(&space, None, &reader).await?;
        let rows = queries::trash(&mut conn, &space, &reader, paging.after, paging.limit() + 1).await;
        let (rows, page) = paging.finish(rows.map_err(status::from_sqlx)?, |row| (row.trashed_at, row.id));
        let pages = rows.into_iter().map(convert::encode_trashed).collect();
        Ok(Response::new(wire::ListTrashResponse { pages, page: Some(page) }))
    }

    pub(super) async fn read_access(
        &self,
        request: Request<wire::GetPageAccessRequest>,
    ) -> Result<Response<wire::GetPageAccessResponse>, Status> {
        let (reader, request) = asked(request)?;
        let mut check = Check::new();
        let id = check.uuid("page_id", &request.page_id);
        let (mut conn, page) = self.page(check, id, &reader).await?;
        let rows = queries::restrictions(&mut conn, page.id).await.map_err(status::from_sqlx)?;
        let of =
            |wanted: i16| rows.iter().filter(|(level, _)| *level == wanted).map(|(_, role)| role.clone()).collect();
        Ok(Response::new(wire::GetPageAccessResponse { read_roles: of(1), write_roles: of(2) }))
    }
}
