//! The task RPCs; the reads are in `grpc/reads.rs`.

mod reads;

use proto::tasks::v1::{
    self as wire,
    task_service_server::{TaskService, TaskServiceServer},
};
use service::{Check, Deps, idempotency, status};
use tonic::{Request, Response, Status};

use super::{
    commands::{self, Move},
    convert, store,
};
use crate::error::Error;

/// The server to be mounted.
pub(crate) fn server(deps: &Deps) -> TaskServiceServer<Tasks> {
    TaskServiceServer::new(Tasks { deps: deps.clone() })
}

/// The task RPCs.
pub struct Tasks {
    pub(super) deps: Deps,
}

fn seen(check: &mut Check, version: i64) -> Option<i64> {
    check.require(version >= 0, "version", "must be the version seen, or 0");
    (version > 0).then_some(version)
}

#[tonic::async_trait]
impl TaskService for Tasks {
    async fn create_task(
        &self,
        request: Request<wire::CreateTaskRequest>,
    ) -> Result<Response<wire::CreateTaskResponse>, Status> {
        const METHOD: &str = "CreateTask";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let (task, watchers) = convert::new_task(&request, &caller, self.deps.clock.now())?;
        let request_id = request.request_id.clone();
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            let task = commands::create(tx, task, watchers).await?;
            let watchers = store::watchers(tx, task.id).await.map_err(status::from_sqlx)?;
            Ok(wire::CreateTaskResponse { task: Some(convert::encode(task, watchers)) })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn get_task(
        &self,
        request: Request<wire::GetTaskRequest>,
    ) -> Result<Response<wire::GetTaskResponse>, Status> {
        self.read_task(request).await
    }

    async fn update_task(
        &self,
        request: Request<wire::UpdateTaskRequest>,
    ) -> Result<Response<wire::UpdateTaskResponse>, Status> {
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let (id, edit) = convert::edit(&request)?;
        let mut tx = self.deps.db.begin().await.map_err(status::from_sqlx)?;
        let task = commands::update(&mut tx, id, request.version, edit, &caller.id, self.deps.clock.now()).await?;
        let watchers = store::watchers(&mut tx, id).await.map_err(status::from_sqlx)?;
        tx.commit().await.map_err(status::from_sqlx)?;
        Ok(Response::new(wire::UpdateTaskResponse { task: Some(convert::encode(task, watchers)) }))
    }

    async fn move_task(
        &self,
        request: Request<wire::MoveTaskRequest>,
    ) -> Result<Response<wire::MoveTaskResponse>, Status> {
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::new();
        let step = Move {
            id: check.uuid("task_id", &request.task_id),
            to_state: check.text("to_state", &request.to_state, 1..=40),
            version: seen(&mut check, request.version),
            comment: convert::markdown(&mut check, "comment", &request.comment, 0, 10_000),
            actor: &caller.id,
            mover: &caller,
        };
        check.done().map_err(status::invalid)?;
        let id = step.id;
        let mut tx = self.deps.db.begin().await.map_err(status::from_sqlx)?;
        let task = commands::move_task(&mut tx, step, self.deps.clock.now()).await?;
        let watchers = store::watchers(&mut tx, id).await.map_err(status::from_sqlx)?;
        tx.commit().await.map_err(status::from_sqlx)?;
        Ok(Response::new(wire::MoveTaskResponse { task: Some(convert::encode(task, watchers)) }))
    }

    async fn assign_task(
        &self,
        request: Request<wire::AssignTaskRequest>,
    ) -> Result<Response<wire::AssignTaskResponse>, Status> {
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::new();
        let id = check.uuid("task_id", &request.task_id);
        let assignee = convert::employee(&mut check, "assignee_id", &request.assignee_id, &caller);
        let version = seen(&mut check, request.version);
        check.done().map_err(status::invalid)?;
        let mut tx = self.deps.db.begin().await.map_err(status::from_sqlx)?;
        let task = commands::assign(&mut tx, id, assignee, version, &caller.id, self.deps.clock.now()).await?;
        let watchers = store::watchers(&mut tx, id).await.map_err(status::from_sqlx)?;
        tx.commit().await.map_err(status::from_sqlx)?;
        Ok(Response::new(wire::AssignTaskResponse { task: Some(convert::encode(task, watchers)) }))
    }

    async fn comment_task(
        &self,
        request: Request<wire::CommentTaskRequest>,
    ) -> Result<Response<wire::CommentTaskResponse>, Status> {
        const METHOD: &str = "CommentTask";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::new();
        let request_id = check.request_id(&request.request_id);
        let id = check.uuid("task_id", &request.task_id);
        let text = convert::markdown(&mut check, "text", &request.text, 1, 10_000);
        check.require(super::domain::mentions(&text).len() <= 50, "text", "at most 50 mentions");
        check.done().map_err(status::invalid)?;
        let now = self.deps.clock.now();
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            let written = commands::comment(tx, id, &text, &caller.id, now).await?;
            let comment = wire::Comment {
                comment_id: written.id.to_string(),
                task_id: id.to_string(),
                author_id: caller.id.clone(),
                text,
                mentioned_ids: written.mentioned,
                written_at: Some(proto::to_timestamp(now)),
            };
            Ok(wire::CommentTaskResponse { comment: Some(comment) })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn list_comments(
        &self,
        request: Request<wire::ListCommentsRequest>,
    ) -> Result<Response<wire::ListCommentsResponse>, Status> {
        self.read_comments(request).await
    }

    async fn watch_task(
        &self,
        request: Request<wire::WatchTaskRequest>,
    ) -> Result<Response<wire::WatchTaskResponse>, Status> {
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::new();
        let id = check.uuid("task_id", &request.task_id);
        let employee = convert::employee(&mut check, "employee_id", &request.employee_id, &caller);
        check.done().map_err(status::invalid)?;
        let employee = employee.unwrap_or_else(|| caller.id.clone());
        if employee != caller.id && !caller.may("tasks.task.update") {
            return Err(Error::Denied("only who may change the task decides who else watches it").into());
        }
        let now = self.deps.clock.now();
        let mut tx = self.deps.db.begin().await.map_err(status::from_sqlx)?;
        let watcher_ids = commands::watch(&mut tx, id, &employee, request.stop, &caller.id, now).await?;
        tx.commit().await.map_err(status::from_sqlx)?;
        Ok(Response::new(wire::WatchTaskResponse { watcher_ids }))
    }

    async fn list_tasks(
        &self,
        request: Request<wire::ListTasksRequest>,
    ) -> Result<Response<wire::ListTasksResponse>, Status> {
        self.read_tasks(request).await
    }

    async fn list_task_history(
        &self,
        request: Request<wire::ListTaskHistoryRequest>,
    ) -> Result<Response<wire::ListTaskHistoryResponse>, Status> {
        self.read_history(request).await
    }

    async fn count_tasks(
        &self,
        request: Request<wire::CountTasksRequest>,
    ) -> Result<Response<wire::CountTasksResponse>, Status> {
        self.read_counts(request).await
    }
}
