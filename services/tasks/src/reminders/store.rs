//! SQL of reminders and notifications.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::domain::When;

/// Tells employees something about a task.
pub(crate) async fn notify(
    conn: &mut PgConnection,
    task_id: Uuid,
    employees: &[String],
    kind: &str,
    actor: &str,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    if employees.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "-- insert_notifications
        insert into notification (id, employee_id, task_id, kind, actor_id, created_at)
        select n.id, n.employee, $3, $4, $5, $6 from unnest($1::uuid[], $2::text[]) as n (id, employee)",
    )
    .bind(employees.iter().map(|_| service::new_id()).collect::<Vec<_>>())
    .bind(employees)
    .bind(task_id)
    .bind(kind)
    .bind(actor)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}

/// Tells the assignees and watchers of tasks that automation closed them.
pub(crate) async fn notify_closed(
    conn: &mut PgConnection,
    tasks: &[Uuid],
    actor: &str,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query(
        "-- notify_closed
        insert into notification (id, employee_id, task_id, kind, actor_id, created_at)
        select gen_random_uuid(), told.employee_id, told.task_id, 'closed', $2, $3 from (
            select assignee_id as employee_id, id as task_id from task where id = any($1) and assignee_id is not null
            union
            select employee_id, task_id from task_watcher where task_id = any($1)
        ) told",
    )
    .bind(tasks)
    .bind(actor)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}

/// Moves the relative reminders that have not fired with the task's due time.
pub(crate) async fn due_changed(
    conn: &mut PgConnection,
    task_id: Uuid,
    due_at: Option<OffsetDateTime>,
) -> sqlx::Result<()> {
    sqlx::query(
        "-- move_reminders
        update reminder set at = case when $2::timestamptz is not null
            then least($2::timestamptz + make_interval(secs => offset_seconds), timestamptz '9999-12-31 00:00:00+00') end
        where task_id = $1 and fired_at is null and offset_seconds is not null",
    )
    .bind(task_id)
    .bind(due_at)
    .execute(conn)
    .await?;
    Ok(())
}

/// How many reminders a task has.
pub(super) async fn count(conn: &mut PgConnection, task_id: Uuid) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "-- count_reminders
        select count(*) from reminder where task_id = $1",
    )
    .bind(task_id)
    .fetch_one(conn)
    .await
}

/// Stores a reminder.
pub(super) async fn insert(
    conn: &mut PgConnection,
    id: Uuid,
    task_id: Uuid,
    employee: &str,
    when: When,
    at: OffsetDateTime,
) -> sqlx::Result<()> {
    let offset = match when {
        When::FromDue(seconds) => Some(seconds),
        When::At(_) => None,
    };
    sqlx::query(
        "-- insert_reminder
        insert into reminder (id, task_id, employee_id, offset_seconds, at) values ($1, $2, $3, $4, $5)",
    )
    .bind(id)
    .bind(task_id)
    .bind(employee)
    .bind(offset)
    .bind(at)
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes a reminder away.
pub(super) async fn delete(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<()> {
    sqlx::query(
        "-- delete_reminder
        delete from reminder where id = $1",
    )
    .bind(id)
    .execute(conn)
    .await?;
    Ok(())
}

/// Fires due reminders that nobody else is firing: marks them, and tells whom they are for when the task is still open.
/// Returns how many were due.
pub(super) async fn fire(conn: &mut PgConnection, now: OffsetDateTime, limit: i64) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "-- fire_reminders
        with due as (
            select id from reminder where fired_at is null and at <= $1 order by at limit $2 for update skip locked
        ), fired as (
            update reminder r set fired_at = $1 from due where r.id = due.id returning r.id, r.task_id, r.employee_id
        ), told as (
            select distinct f.id, f.task_id, coalesce(nullif(f.employee_id, ''), t.assignee_id, w.employee_id) as employee_id
            from fired f
            join task t on t.id = f.task_id and t.closed_at is null
            left join task_watcher w on w.task_id = t.id and f.employee_id = '' and t.assignee_id is null
        ), written as (
            insert into notification (id, employee_id, task_id, kind, actor_id, reminder_id, created_at)
            select gen_random_uuid(), employee_id, task_id, 'reminder', 'automation', id, $1
            from told where employee_id is not null
            on conflict on constraint notification_one_a_reminder do nothing
        )
        select count(*) from fired",
    )
    .bind(now)
    .bind(limit)
    .fetch_one(conn)
    .await
}

/// Marks notifications of an employee as read; all of them when no list is given.
pub(super) async fn mark_read(
    conn: &mut PgConnection,
    employee: &str,
    ids: Option<&[Uuid]>,
    now: OffsetDateTime,
) -> sqlx::Result<u64> {
    let done = sqlx::query(
        "-- mark_notifications_read
        update notification set read_at = $3
        where employee_id = $1 and read_at is null and ($2::uuid[] is null or id = any($2))",
    )
    .bind(employee)
    .bind(ids)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
