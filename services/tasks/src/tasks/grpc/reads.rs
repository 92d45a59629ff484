//! The reading task RPCs.

use proto::tasks::v1 as wire;
use service::{Check, page::Page, status};
use time::{OffsetDateTime, macros::datetime};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{
    super::{convert, domain::Task, queries, store},
    Tasks,
};
use crate::{error::Error, workflows::store as workflows};

/// Stands for no due time in the order by due time.
const NEVER: OffsetDateTime = datetime!(9999-01-01 00:00 UTC);

impl Tasks {
    pub(super) async fn read_task(
        &self,
        request: Request<wire::GetTaskRequest>,
    ) -> Result<Response<wire::GetTaskResponse>, Status> {
        let caller = service::caller(&request)?;
        let mut check = Check::new();
        let given = check.text("task_id", &request.into_inner().task_id, 1..=40);
        check.done().map_err(status::invalid)?;
        let id = Uuid::parse_str(&given).ok();
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let task = queries::get(&mut conn, id, &given.to_uppercase()).await.map_err(status::from_sqlx)?;
        let task = task.ok_or_else(|| Error::not_found("task", &given))?;
        let watchers = store::watchers(&mut conn, task.id).await.map_err(status::from_sqlx)?;
        let flow = workflows::get_for_type(&mut conn, &task.task_type).await.map_err(status::from_sqlx)?;
        let allowed = flow.iter().flat_map(|flow| flow.allowed(&task.state, &caller));
        let allowed_moves = allowed
            .map(|state| wire::AllowedMove {
                to_state: state.code.clone(),
                name_ru: state.name_ru.clone(),
                name_en: state.name_en.clone(),
            })
            .collect();
        Ok(Response::new(wire::GetTaskResponse { task: Some(convert::encode(task, watchers)), allowed_moves }))
    }

    pub(super) async fn read_tasks(
        &self,
        request: Request<wire::ListTasksRequest>,
    ) -> Result<Response<wire::ListTasksResponse>, Status> {
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let filter = convert::filter(&request, &caller)?;
        let by_due = request.order() == wire::TaskOrder::Due;
        let page = convert::page_by_time(&request.page)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let rows =
            queries::list(&mut conn, &filter, by_due, page.after, page.limit() + 1).await.map_err(status::from_sqlx)?;
        let key = |task: &Task| (if by_due { task.due_at.unwrap_or(NEVER) } else { task.opened_at }, task.id);
        let (rows, page) = page.finish(rows, key);
        let tasks = rows.into_iter().map(|task| convert::encode(task, Vec::new())).collect();
        Ok(Response::new(wire::ListTasksResponse { tasks, page: Some(page) }))
    }

    pub(super) async fn read_comments(
        &self,
        request: Request<wire::ListCommentsRequest>,
    ) -> Result<Response<wire::ListCommentsResponse>, Status> {
        let request = request.into_inner();
        let mut check = Check::new();
        let id = check.uuid("task_id", &request.task_id);
        check.done().map_err(status::invalid)?;
        let page = convert::page_by_time(&request.page)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        if !queries::exists(&mut conn, id).await.map_err(status::from_sqlx)? {
            return Err(Error::not_found("task", id).into());
        }
        let rows = queries::list_comments(&mut conn, id, page.after, page.limit() + 1).await;
        let (rows, page) = page.finish(rows.map_err(status::from_sqlx)?, |row| row.key());
        let comments = rows.into_iter().map(convert::encode_comment).collect();
        Ok(Response::new(wire::ListCommentsResponse { comments, page: Some(page) }))
    }

    pub(super) async fn read_history(
        &self,
        request: Request<wire::ListTaskHistoryRequest>,
    ) -> Result<Response<wire::ListTaskHistoryResponse>, Status> {
        let request = request.into_inner();
        let mut check = Check::new();
        let id = check.uuid("task_id", &request.task_id);
        check.done().map_err(status::invalid)?;
        let page = Page::<i64>::parse(&request.page).map_err(status::invalid)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        if !queries::exists(&mut conn, id).await.map_err(status::from_sqlx)? {
            return Err(Error::not_found("task", id).into());
        }
        let rows = queries::list_history(&mut conn, id, page.after, page.limit() + 1).await;
        let (rows, page) = page.finish(rows.map_err(status::from_sqlx)?, |row| row.id);
        let changes = rows.into_iter().map(convert::encode_change).collect();
        Ok(Response::new(wire::ListTaskHistoryResponse { changes, page: Some(page) }))
    }

    pub(super) async fn read_counts(
        &self,
        request: Request<wire::CountTasksRequest>,
    ) -> Result<Response<wire::CountTasksResponse>, Status> {
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::new();
        let project = check.optional_text("project", &request.project, 10);
        let assignee = convert::employee(&mut check, "assignee", &request.assignee, &caller);
        let rule = check.optional_text("rule", &request.rule, 60);
        check.done().map_err(status::invalid)?;
        let filled = |text: &'_ str| (!text.is_empty()).then(|| text.to_owned());
        let (project, rule) = (filled(&project), filled(&rule));
        let now = self.deps.clock.now();
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let counts = queries::counts(&mut conn, project.as_deref(), assignee.as_deref(), rule.as_deref(), now).await;
        let counts = counts.map_err(status::from_sqlx)?.into_iter().map(convert::encode_count).collect();
        Ok(Response::new(wire::CountTasksResponse { counts }))
    }
}
