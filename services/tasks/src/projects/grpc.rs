//! The project RPCs.

use proto::tasks::v1::{
    self as wire,
    project_service_server::{ProjectService, ProjectServiceServer},
};
use service::{Check, Deps, idempotency, page::Page, status};
use tonic::{Request, Response, Status};

use super::{
    commands::{self, NewProject, ProjectChange},
    domain::{self, Project},
    queries,
};
use crate::error::Error;

/// The server to be mounted.
pub(crate) fn server(deps: &Deps) -> ProjectServiceServer<Projects> {
    ProjectServiceServer::new(Projects { deps: deps.clone() })
}

/// The project RPCs.
pub struct Projects {
    deps: Deps,
}

fn encode(project: Project) -> wire::Project {
    wire::Project {
        project_id: project.id.to_string(),
        key: project.key,
        name: project.name,
        description: project.description,
        last_number: project.last_number,
        archived: project.archived,
        version: project.version,
        created_at: Some(proto::to_timestamp(project.created_at)),
    }
}

fn key(check: &mut Check, key: &str) -> String {
    check.require(domain::is_key(key), "key", "2 to 10 capital Latin letters and digits, a letter first");
    key.to_owned()
}

#[tonic::async_trait]
impl ProjectService for Projects {
    async fn create_project(
        &self,
        request: Request<wire::CreateProjectRequest>,
    ) -> Result<Response<wire::CreateProjectResponse>, Status> {
        const METHOD: &str = "CreateProject";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::new();
        let request_id = check.request_id(&request.request_id);
        let new = NewProject {
            key: key(&mut check, &request.key),
            name: check.text("name", &request.name, 1..=200),
            description: check.optional_text("description", &request.description, 2_000),
        };
        check.done().map_err(status::invalid)?;

        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            let project = commands::create(tx, new, &caller.id, self.deps.clock.now()).await?;
            Ok(wire::CreateProjectResponse { project: Some(encode(project)) })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn get_project(
        &self,
        request: Request<wire::GetProjectRequest>,
    ) -> Result<Response<wire::GetProjectResponse>, Status> {
        let request = request.into_inner();
        let mut check = Check::new();
        let key = key(&mut check, &request.key);
        check.done().map_err(status::invalid)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let project = queries::get(&mut conn, &key).await.map_err(status::from_sqlx)?;
        let project = project.ok_or_else(|| Error::not_found("project", &key))?;
        Ok(Response::new(wire::GetProjectResponse { project: Some(encode(project)) }))
    }

    async fn update_project(
        &self,
        request: Request<wire::UpdateProjectRequest>,
    ) -> Result<Response<wire::UpdateProjectResponse>, Status> {
        let request = request.into_inner();
        let mut check = Check::new();
        let change = ProjectChange {
            key: key(&mut check, &request.key),
            name: check.text("name", &request.name, 1..=200),
            description: check.optional_text("description", &request.description, 2_000),
            archived: request.archived,
            version: request.version,
        };
        check.require(request.version > 0, "version", "must be the version seen");
        check.done().map_err(status::invalid)?;
        let mut tx = self.deps.db.begin().await.map_err(status::from_sqlx)?;
        let project = commands::update(&mut tx, change).await?;
        tx.commit().await.map_err(status::from_sqlx)?;
        Ok(Response::new(wire::UpdateProjectResponse { project: Some(encode(project)) }))
    }

    async fn list_projects(
        &self,
        request: Request<wire::ListProjectsRequest>,
    ) -> Result<Response<wire::ListProjectsResponse>, Status> {
        let request = request.into_inner();
        let page = Page::<String>::parse(&request.page).map_err(status::invalid)?;
        let mut check = Check::new();
        check.require(
            page.after.as_deref().is_none_or(domain::is_key),
            "page.page_token",
            "is not a token of this list",
        );
        check.done().map_err(status::invalid)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let rows = queries::list(&mut conn, page.after.clone(), request.include_archived, page.limit() + 1)
            .await
            .map_err(status::from_sqlx)?;
        let (rows, page) = page.finish(rows, |project| project.key.clone());
        let projects = rows.into_iter().map(encode).collect();
        Ok(Response::new(wire::ListProjectsResponse { projects, page: Some(page) }))
    }
}
