//! The workflow RPCs.

use proto::tasks::v1::{
    self as wire,
    workflow_service_server::{WorkflowService, WorkflowServiceServer},
};
use service::{Check, Deps, status};
use tonic::{Request, Response, Status};

use super::{commands, convert, store};
use crate::error::Error;

/// The server to be mounted.
pub(crate) fn server(deps: &Deps) -> WorkflowServiceServer<Workflows> {
    WorkflowServiceServer::new(Workflows { deps: deps.clone() })
}

/// The workflow RPCs.
pub struct Workflows {
    deps: Deps,
}

#[tonic::async_trait]
impl WorkflowService for Workflows {
    async fn get_workflow(
        &self,
        request: Request<wire::GetWorkflowRequest>,
    ) -> Result<Response<wire::GetWorkflowResponse>, Status> {
        let mut check = Check::new();
        let code = convert::code(&mut check, "code", &request.into_inner().code);
        check.done().map_err(status::invalid)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let found = store::list(&mut conn, Some(&code)).await.map_err(status::from_sqlx)?.pop();
        let workflow = found.ok_or_else(|| Error::not_found("workflow", &code))?;
        Ok(Response::new(wire::GetWorkflowResponse { workflow: Some(convert::encode(workflow)) }))
    }

    async fn list_workflows(
        &self,
        _: Request<wire::ListWorkflowsRequest>,
    ) -> Result<Response<wire::ListWorkflowsResponse>, Status> {
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let workflows = store::list(&mut conn, None).await.map_err(status::from_sqlx)?;
        let workflows = workflows.into_iter().map(convert::encode).collect();
        Ok(Response::new(wire::ListWorkflowsResponse { workflows }))
    }

    async fn put_workflow(
        &self,
        request: Request<wire::PutWorkflowRequest>,
    ) -> Result<Response<wire::PutWorkflowResponse>, Status> {
        let mut check = Check::new();
        let workflow = convert::workflow(&mut check, &request.into_inner());
        check.done().map_err(status::invalid)?;
        let mut tx = self.deps.db.begin().await.map_err(status::from_sqlx)?;
        let workflow = commands::put(&mut tx, workflow).await?;
        tx.commit().await.map_err(status::from_sqlx)?;
        Ok(Response::new(wire::PutWorkflowResponse { workflow: Some(convert::encode(workflow)) }))
    }

    async fn list_task_types(
        &self,
        _: Request<wire::ListTaskTypesRequest>,
    ) -> Result<Response<wire::ListTaskTypesResponse>, Status> {
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let types = store::list_types(&mut conn).await.map_err(status::from_sqlx)?;
        let task_types = types.into_iter().map(convert::encode_type).collect();
        Ok(Response::new(wire::ListTaskTypesResponse { task_types }))
    }

    async fn put_task_type(
        &self,
        request: Request<wire::PutTaskTypeRequest>,
    ) -> Result<Response<wire::PutTaskTypeResponse>, Status> {
        let mut check = Check::new();
        let task_type = convert::task_type(&mut check, &request.into_inner());
        check.done().map_err(status::invalid)?;
        let mut tx = self.deps.db.begin().await.map_err(status::from_sqlx)?;
        let task_type = commands::put_type(&mut tx, task_type).await?;
        tx.commit().await.map_err(status::from_sqlx)?;
        Ok(Response::new(wire::PutTaskTypeResponse { task_type: Some(convert::encode_type(task_type)) }))
    }
}
