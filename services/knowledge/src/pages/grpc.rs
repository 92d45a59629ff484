//! The page RPCs; the reads are in `grpc/reads.rs`.

pub(crate) mod reads;

use proto::knowledge::v1::{
    self as wire,
    page_service_server::{PageService, PageServiceServer},
};
use service::{Check, Deps, idempotency, status};
use tonic::{Request, Response, Status};

use super::{
    commands::{self, MoveTo},
    convert,
};
use crate::{
    Config,
    spaces::{convert::key, domain::Reader},
};

/// The server to be mounted.
pub(crate) fn server(deps: &Deps, config: &Config) -> PageServiceServer<Pages> {
    PageServiceServer::new(Pages { deps: deps.clone(), most_bytes: config.page_bytes })
}

/// The page RPCs.
pub struct Pages {
    deps: Deps,
    most_bytes: u32,
}

#[tonic::async_trait]
impl PageService for Pages {
    async fn create_page(
        &self,
        request: Request<wire::CreatePageRequest>,
    ) -> Result<Response<wire::CreatePageResponse>, Status> {
        const METHOD: &str = "CreatePage";
        let reader = Reader::from(&service::caller(&request)?);
        let request = request.into_inner();
        let mut check = Check::new();
        let request_id = check.request_id(&request.request_id);
        let space = key(&mut check, "space_key", &request.space_key);
        let parent = check.optional_uuid("parent_id", &request.parent_id);
        let text = convert::text(&mut check, &request.title, &request.body, &request.comment, self.most_bytes);
        check.done().map_err(status::invalid)?;
        let text = convert::parsed(text).await?;
        let done = idempotency::once(&self.deps.db, (&reader.id, METHOD, &request_id), &request, async |tx| {
            let page = commands::create(tx, &space, parent, text, &reader, self.deps.clock.now()).await?;
            Ok(wire::CreatePageResponse { page: Some(convert::encode(page)) })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn get_page(
        &self,
        request: Request<wire::GetPageRequest>,
    ) -> Result<Response<wire::GetPageResponse>, Status> {
        self.read_page(request).await
    }

    async fn save_page(
        &self,
        request: Request<wire::SavePageRequest>,
    ) -> Result<Response<wire::SavePageResponse>, Status> {
        const METHOD: &str = "SavePage";
        let reader = Reader::from(&service::caller(&request)?);
        let request = request.into_inner();
        let mut check = Check::new();
        let request_id = check.request_id(&request.request_id);
        let id = check.uuid("page_id", &request.page_id);
        let base = convert::base_version(&mut check, "base_version", request.base_version);
        let text = convert::text(&mut check, &request.title, &request.body, &request.comment, self.most_bytes);
        check.done().map_err(status::invalid)?;
        let text = convert::parsed(text).await?;
        let done = idempotency::once(&self.deps.db, (&reader.id, METHOD, &request_id), &request, async |tx| {
            let page = commands::save(tx, id, base, text, &reader, self.deps.clock.now()).await?;
            Ok(wire::SavePageResponse { page: Some(convert::encode(page)) })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn move_page(
        &self,
        request: Request<wire::MovePageRequest>,
    ) -> Result<Response<wire::MovePageResponse>, Status> {
        let reader = Reader::from(&service::caller(&request)?);
        let request = request.into_inner();
        let mut check = Check::new();
        let id = check.uuid("page_id", &request.page_id);
        let to = MoveTo {
            space_key: (!request.space_key.is_empty()).then(|| key(&mut check, "space_key", &request.space_key)),
            parent: check.optional_uuid("parent_id", &request.parent_id),
            before: check.optional_uuid("before_page_id", &request.before_page_id),
        };
        check.done().map_err(status::invalid)?;
        let mut tx = self.deps.db.begin().await.map_err(status::from_sqlx)?;
        let page = commands::move_page(&mut tx, id, to, &reader).await?;
        tx.commit().await.map_err(status::from_sqlx)?;
        Ok(Response::new(wire::MovePageResponse { page: Some(convert::encode(page)) }))
    }

    async fn delete_page(
        &self,
        request: Request<wire::DeletePageRequest>,
    ) -> Result<Response<wire::DeletePageResponse>, Status> {
        let reader = Reader::from(&service::caller(&request)?);
        let mut check = Check::new();
        let id = check.uuid("page_id", &request.into_inner().page_id);
        check.done().map_err(status::invalid)?;
        let mut tx = self.deps.db.begin().await.map_err(status::from_sqlx)?;
        let deleted = commands::delete(&mut tx, id, &reader, self.deps.clock.now()).await?;
        tx.commit().await.map_err(status::from_sqlx)?;
        Ok(Response::new(wire::DeletePageResponse { deleted: i32::try_from(deleted).unwrap_or(i32::MAX) }))
    }

    async fn restore_page(
        &self,
        request: Request<wire::RestorePageRequest>,
    ) -> Result<Response<wire::RestorePageResponse>, Status> {
        let reader = Reader::from(&service::caller(&request)?);
        let mut check = Check::new();
        let id = check.uuid("page_id", &request.into_inner().page_id);
        check.done().map_err(status::invalid)?;
        let mut tx = self.deps.db.begin().await.map_err(status::from_sqlx)?;
        let (page, restored) = commands::restore(&mut tx, id, &reader, self.deps.clock.now()).await?;
        tx.commit().await.map_err(status::from_sqlx)?;
        let restored = i32::try_from(restored).unwrap_or(i32::MAX);
        Ok(Response::new(wire::RestorePageResponse { page: Some(convert::encode(page)), restored }))
    }

    async fn list_trash(
        &self,
        request: Request<wire::ListTrashRequest>,
    ) -> Result<Response<wire::ListTrashResponse>, Status> {
        self.read_trash(request).await
    }

    async fn list_versions(
        &self,
        request: Request<wire::ListVersionsRequest>,
    ) -> Result<Response<wire::ListVersionsResponse>, Status> {
        self.read_versions(request).await
    }

    async fn diff_versions(
        &self,
        request: Request<wire::DiffVersionsRequest>,
    ) -> Result<Response<wire::DiffVersionsResponse>, Status> {
        self.read_diff(request).await
    }

    async fn restore_version(
        &self,
        request: Request<wire::RestoreVersionRequest>,
    ) -> Result<Response<wire::RestoreVersionResponse>, Status> {
        const METHOD: &str = "RestoreVersion";
        let reader = Reader::from(&service::caller(&request)?);
        let request = request.into_inner();
        let mut check = Check::new();
        let request_id = check.request_id(&request.request_id);
        let id = check.uuid("page_id", &request.page_id);
        let version = convert::base_version(&mut check, "version", request.version);
        let base = convert::base_version(&mut check, "base_version", request.base_version);
        let comment = check.optional_text("comment", &request.comment, 500);
        check.done().map_err(status::invalid)?;
        let now = self.deps.clock.now();
        let done = idempotency::once(&self.deps.db, (&reader.id, METHOD, &request_id), &request, async |tx| {
            let page = commands::restore_version(tx, id, version, base, comment, &reader, now).await?;
            Ok(wire::RestoreVersionResponse { page: Some(convert::encode(page)) })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn list_children(
        &self,
        request: Request<wire::ListChildrenRequest>,
    ) -> Result<Response<wire::ListChildrenResponse>, Status> {
        self.read_children(request).await
    }

    async fn get_tree(
        &self,
        request: Request<wire::GetTreeRequest>,
    ) -> Result<Response<wire::GetTreeResponse>, Status> {
        self.read_tree(request).await
    }

    async fn render_page(
        &self,
        request: Request<wire::RenderPageRequest>,
    ) -> Result<Response<wire::RenderPageResponse>, Status> {
        self.read_html(request).await
    }

    async fn get_page_access(
        &self,
        request: Request<wire::GetPageAccessRequest>,
    ) -> Result<Response<wire::GetPageAccessResponse>, Status> {
        self.read_access(request).await
    }

    async fn put_page_access(
        &self,
        request: Request<wire::PutPageAccessRequest>,
    ) -> Result<Response<wire::PutPageAccessResponse>, Status> {
        let reader = Reader::from(&service::caller(&request)?);
        let request = request.into_inner();
        let mut check = Check::new();
        let id = check.uuid("page_id", &request.page_id);
        let read_roles = convert::roles(&mut check, "read_roles", &request.read_roles);
        let write_roles = convert::roles(&mut check, "write_roles", &request.write_roles);
        check.done().map_err(status::invalid)?;
        let mut tx = self.deps.db.begin().await.map_err(status::from_sqlx)?;
        commands::restrict(&mut tx, id, &read_roles, &write_roles, &reader).await?;
        tx.commit().await.map_err(status::from_sqlx)?;
        Ok(Response::new(wire::PutPageAccessResponse { read_roles, write_roles }))
    }
}
