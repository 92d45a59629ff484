//! SQL of the reads of reminders and notifications.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// A reminder.
#[derive(sqlx::FromRow)]
pub(super) struct ReminderView {
    pub(super) id: Uuid,
    pub(super) task_id: Uuid,
    pub(super) employee_id: String,
    pub(super) offset_seconds: Option<i64>,
    pub(super) at: Option<OffsetDateTime>,
    pub(super) fired_at: Option<OffsetDateTime>,
}

/// Reminders of a task, by time.
pub(super) async fn list(conn: &mut PgConnection, task_id: Uuid) -> sqlx::Result<Vec<ReminderView>> {
    sqlx::query_as(
        "-- list_reminders
        select id, task_id, employee_id, offset_seconds, at, fired_at from reminder where task_id = $1 order by at, id limit 50",
    )
    .bind(task_id)
    .fetch_all(conn)
    .await
}

/// A notification with its task.
#[derive(sqlx::FromRow)]
pub(super) struct NotificationView {
    pub(super) id: Uuid,
    pub(super) task_id: Uuid,
    pub(super) task_key: String,
    pub(super) task_title: String,
    pub(super) kind: String,
    pub(super) actor_id: String,
    pub(super) created_at: OffsetDateTime,
    pub(super) read_at: Option<OffsetDateTime>,
}

/// What an employee was told, newest first.
pub(super) async fn list_notifications(
    conn: &mut PgConnection,
    employee: &str,
    unread_only: bool,
    after: Option<(OffsetDateTime, Uuid)>,
    limit: i64,
) -> sqlx::Result<Vec<NotificationView>> {
    sqlx::query_as(
        "-- list_notifications
        select n.id, n.task_id, t.key as task_key, t.title as task_title, n.kind, n.actor_id, n.created_at, n.read_at
        from notification n join task t on t.id = n.task_id
        where n.employee_id = $1 and (not $2 or n.read_at is null)
          and ($3::timestamptz is null or (n.created_at, n.id) < ($3, $4))
        order by n.created_at desc, n.id desc limit $5",
    )
    .bind(employee)
    .bind(unread_only)
    .bind(after.map(|(at, _)| at))
    .bind(after.map(|(_, id)| id))
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// How many notifications an employee has not read, counted up to 1,000.
pub(super) async fn unread(conn: &mut PgConnection, employee: &str) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "-- count_unread
        select count(*) from (select 1 from notification where employee_id = $1 and read_at is null limit 1000) n",
    )
    .bind(employee)
    .fetch_one(conn)
    .await
}
