//! The reminder and notification RPCs.

use proto::tasks::v1::{
    self as wire,
    reminder_service_server::{ReminderService, ReminderServiceServer},
};
use service::{Check, Deps, idempotency, status};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{
    commands::{self, NewReminder},
    domain::{LONGEST, When},
    queries::{self, NotificationView, ReminderView},
    store,
};
use crate::{
    error::Error,
    tasks::{convert, queries as tasks},
};

/// The server to be mounted.
pub(crate) fn server(deps: &Deps) -> ReminderServiceServer<Reminders> {
    ReminderServiceServer::new(Reminders { deps: deps.clone() })
}

/// The reminder and notification RPCs.
pub struct Reminders {
    deps: Deps,
}

fn encode(row: ReminderView) -> wire::Reminder {
    wire::Reminder {
        reminder_id: row.id.to_string(),
        task_id: row.task_id.to_string(),
        employee_id: row.employee_id,
        offset_seconds: row.offset_seconds,
        at: row.at.map(proto::to_timestamp),
        fired_at: row.fired_at.map(proto::to_timestamp),
    }
}

fn encode_notification(row: NotificationView) -> wire::Notification {
    wire::Notification {
        notification_id: row.id.to_string(),
        task_id: row.task_id.to_string(),
        task_key: row.task_key,
        task_title: row.task_title,
        kind: row.kind,
        actor_id: row.actor_id,
        created_at: Some(proto::to_timestamp(row.created_at)),
        read_at: row.read_at.map(proto::to_timestamp),
    }
}

fn when(check: &mut Check, request: &wire::SetReminderRequest) -> When {
    check.require(request.offset_seconds.is_some() != request.at.is_some(), "at", "offset_seconds or at, not both");
    match request.offset_seconds {
        Some(seconds) => {
            check.require((-LONGEST..=LONGEST).contains(&seconds), "offset_seconds", "at most a year either way");
            When::FromDue(seconds)
        }
        None if request.at.is_some() => When::At(check.timestamp("at", &request.at)),
        None => When::FromDue(0),
    }
}

#[tonic::async_trait]
impl ReminderService for Reminders {
    async fn set_reminder(
        &self,
        request: Request<wire::SetReminderRequest>,
    ) -> Result<Response<wire::SetReminderResponse>, Status> {
        const METHOD: &str = "SetReminder";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::new();
        let request_id = check.request_id(&request.request_id);
        let new = NewReminder {
            task_id: check.uuid("task_id", &request.task_id),
            employee: convert::employee(&mut check, "employee_id", &request.employee_id, &caller).unwrap_or_default(),
            when: when(&mut check, &request),
        };
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            let (id, at) = commands::set(tx, &new).await?;
            let reminder = wire::Reminder {
                reminder_id: id.to_string(),
                task_id: new.task_id.to_string(),
                employee_id: new.employee,
                offset_seconds: request.offset_seconds,
                at: Some(proto::to_timestamp(at)),
                fired_at: None,
            };
            Ok(wire::SetReminderResponse { reminder: Some(reminder) })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn list_reminders(
        &self,
        request: Request<wire::ListRemindersRequest>,
    ) -> Result<Response<wire::ListRemindersResponse>, Status> {
        let mut check = Check::new();
        let id = check.uuid("task_id", &request.into_inner().task_id);
        check.done().map_err(status::invalid)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        if !tasks::exists(&mut conn, id).await.map_err(status::from_sqlx)? {
            return Err(Error::not_found("task", id).into());
        }
        let rows = queries::list(&mut conn, id).await.map_err(status::from_sqlx)?;
        Ok(Response::new(wire::ListRemindersResponse { reminders: rows.into_iter().map(encode).collect() }))
    }

    async fn delete_reminder(
        &self,
        request: Request<wire::DeleteReminderRequest>,
    ) -> Result<Response<wire::DeleteReminderResponse>, Status> {
        let mut check = Check::new();
        let id = check.uuid("reminder_id", &request.into_inner().reminder_id);
        check.done().map_err(status::invalid)?;
        let mut tx = self.deps.db.begin().await.map_err(status::from_sqlx)?;
        store::delete(&mut tx, id).await.map_err(status::from_sqlx)?;
        tx.commit().await.map_err(status::from_sqlx)?;
        Ok(Response::new(wire::DeleteReminderResponse {}))
    }

    async fn list_notifications(
        &self,
        request: Request<wire::ListNotificationsRequest>,
    ) -> Result<Response<wire::ListNotificationsResponse>, Status> {
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let page = convert::page_by_time(&request.page)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let limit = page.limit() + 1;
        let rows = queries::list_notifications(&mut conn, &caller.id, request.unread_only, page.after, limit).await;
        let (rows, page) = page.finish(rows.map_err(status::from_sqlx)?, |row| (row.created_at, row.id));
        let unread = queries::unread(&mut conn, &caller.id).await.map_err(status::from_sqlx)?;
        Ok(Response::new(wire::ListNotificationsResponse {
            notifications: rows.into_iter().map(encode_notification).collect(),
            page: Some(page),
            unread: i32::try_from(unread).unwrap_or(i32::MAX),
        }))
    }

    async fn mark_read(
        &self,
        request: Request<wire::MarkReadRequest>,
    ) -> Result<Response<wire::MarkReadResponse>, Status> {
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::new();
        check.len("notification_ids", request.notification_ids.len(), 0..=500);
        let given = request.notification_ids.iter().take(500);
        let ids: Vec<Uuid> = given.map(|id| check.uuid("notification_ids", id)).collect();
        check.done().map_err(status::invalid)?;
        let mut tx = self.deps.db.begin().await.map_err(status::from_sqlx)?;
        let ids = (!ids.is_empty()).then_some(ids.as_slice());
        let marked = store::mark_read(&mut tx, &caller.id, ids, self.deps.clock.now()).await;
        let marked = marked.map_err(status::from_sqlx)?;
        tx.commit().await.map_err(status::from_sqlx)?;
        Ok(Response::new(wire::MarkReadResponse { marked: i32::try_from(marked).unwrap_or(i32::MAX) }))
    }
}
