//! The space RPCs.

use proto::knowledge::v1::{
    self as wire,
    space_service_server::{SpaceService, SpaceServiceServer},
};
use service::{Check, Deps, idempotency, page::Page, status};
use tonic::{Request, Response, Status};

use super::{
    commands::{self, NewAccess, NewSpace},
    convert,
    domain::{Level, Reader, is_key},
    queries,
};
use crate::error::Error;

/// The server to be mounted.
pub(crate) fn server(deps: &Deps) -> SpaceServiceServer<Spaces> {
    SpaceServiceServer::new(Spaces { deps: deps.clone() })
}

/// The space RPCs.
pub struct Spaces {
    deps: Deps,
}

#[tonic::async_trait]
impl SpaceService for Spaces {
    async fn create_space(
        &self,
        request: Request<wire::CreateSpaceRequest>,
    ) -> Result<Response<wire::CreateSpaceResponse>, Status> {
        const METHOD: &str = "CreateSpace";
        let reader = Reader::from(&service::caller(&request)?);
        let request = request.into_inner();
        let mut check = Check::new();
        let request_id = check.request_id(&request.request_id);
        let new = NewSpace {
            key: convert::key(&mut check, "key", &request.key),
            name: check.text("name", &request.name, 1..=200),
            access: convert::access(&mut check, &request.access),
        };
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&reader.id, METHOD, &request_id), &request, async |tx| {
            let space = commands::create(tx, new, &reader, self.deps.clock.now()).await?;
            Ok(wire::CreateSpaceResponse { space: Some(convert::encode(space)) })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn list_spaces(
        &self,
        request: Request<wire::ListSpacesRequest>,
    ) -> Result<Response<wire::ListSpacesResponse>, Status> {
        let reader = Reader::from(&service::caller(&request)?);
        let page = Page::<String>::parse(&request.into_inner().page).map_err(status::invalid)?;
        let mut check = Check::new();
        check.require(page.after.as_deref().is_none_or(is_key), "page.page_token", "is not a token of this list");
        check.done().map_err(status::invalid)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let rows = queries::list(&mut conn, &reader, page.after.as_deref(), page.limit() + 1).await;
        let (rows, page) = page.finish(rows.map_err(status::from_sqlx)?, |space| space.key.clone());
        let spaces = rows.into_iter().map(convert::encode).collect();
        Ok(Response::new(wire::ListSpacesResponse { spaces, page: Some(page) }))
    }

    async fn get_space_access(
        &self,
        request: Request<wire::GetSpaceAccessRequest>,
    ) -> Result<Response<wire::GetSpaceAccessResponse>, Status> {
        let reader = Reader::from(&service::caller(&request)?);
        let mut check = Check::new();
        let key = convert::key(&mut check, "key", &request.into_inner().key);
        check.done().map_err(status::invalid)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let space = queries::get(&mut conn, &key, &reader).await.map_err(status::from_sqlx)?;
        let space = space.filter(|space| space.level > Level::None);
        let space = space.ok_or_else(|| Error::not_found("space", &key))?;
        if space.level < Level::Admin {
            return Err(Error::NOT_ADMIN.into());
        }
        let access = queries::access(&mut conn, space.id).await.map_err(status::from_sqlx)?;
        let access = convert::encode_access(access);
        Ok(Response::new(wire::GetSpaceAccessResponse { space: Some(convert::encode(space)), access }))
    }

    async fn put_space_access(
        &self,
        request: Request<wire::PutSpaceAccessRequest>,
    ) -> Result<Response<wire::PutSpaceAccessResponse>, Status> {
        let reader = Reader::from(&service::caller(&request)?);
        let request = request.into_inner();
        let mut check = Check::new();
        let new = NewAccess {
            key: convert::key(&mut check, "key", &request.key),
            name: check.text("name", &request.name, 1..=200),
            access: convert::access(&mut check, &request.access),
            version: request.version,
        };
        check.require(request.version > 0, "version", "must be the version seen");
        check.done().map_err(status::invalid)?;
        let access = convert::encode_access(new.access.clone());
        let mut tx = self.deps.db.begin().await.map_err(status::from_sqlx)?;
        let space = commands::put_access(&mut tx, new, &reader).await?;
        tx.commit().await.map_err(status::from_sqlx)?;
        Ok(Response::new(wire::PutSpaceAccessResponse { space: Some(convert::encode(space)), access }))
    }
}
