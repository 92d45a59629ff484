//! SQL of the reads of tasks.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::domain::Task;

/// Which tasks; `None` matches everything.
#[derive(Debug, Default)]
pub(super) struct Filter {
    pub(super) projects: Option<Vec<String>>,
    pub(super) states: Option<Vec<String>>,
    pub(super) assignee: Option<String>,
    pub(super) unassigned: bool,
    /// The caller and the caller's roles, for what the caller should look at.
    pub(super) for_me: Option<(String, Vec<String>)>,
    pub(super) due_from: Option<OffsetDateTime>,
    pub(super) due_before: Option<OffsetDateTime>,
    pub(super) subject_kind: Option<String>,
    pub(super) subject_id: Option<String>,
    pub(super) text: Option<String>,
    pub(super) open_only: bool,
    pub(super) rule: Option<String>,
    pub(super) task_type: Option<String>,
    pub(super) label: Option<String>,
}

/// Newest first; the key is the id, which begins with the time of opening.
const NEWEST: &str = "-- list_tasks_newest
select t.id, p.key as project, t.key, t.task_type, t.state, t.title, t.title_en, t.description, t.description_en,
    t.priority, t.assignee_id, t.role, t.creator_id, t.due_at, t.labels, t.subject_kind, t.subject_id, t.rule,
    t.cause_key, t.version, t.event_version, t.opened_at, t.updated_at, t.closed_at, t.closed_by
from task t join project p on p.id = t.project_id
where ($1::text[] is null or p.key = any($1))
  and ($2::text[] is null or t.state = any($2))
  and ($3::text is null or t.assignee_id = $3)
  and (not $4 or t.assignee_id is null)
  and ($5::text is null or t.assignee_id = $5 or (t.assignee_id is null and t.role = any($6::text[])))
  and ($7::timestamptz is null or t.due_at >= $7)
  and ($8::timestamptz is null or t.due_at < $8)
  and ($9::text is null or t.subject_kind = $9)
  and ($10::text is null or t.subject_id = $10)
  and ($11::text is null or t.key = upper($11) or t.search @@ websearch_to_tsquery('russian'::regconfig, $11))
  and (not $12 or t.closed_at is null)
  and ($13::text is null or t.rule = $13)
  and ($14::text is null or t.task_type = $14)
  and ($15::text is null or $15 = any(t.labels))
  and ($16::timestamptz is null or t.id < $17)
order by t.id desc limit $18";

/// Earliest due first; the key is the due time, far in the future for none, and the id.
const BY_DUE: &str = "-- list_tasks_by_due
select t.id, p.key as project, t.key, t.task_type, t.state, t.title, t.title_en, t.description, t.description_en,
    t.priority, t.assignee_id, t.role, t.creator_id, t.due_at, t.labels, t.subject_kind, t.subject_id, t.rule,
    t.cause_key, t.version, t.event_version, t.opened_at, t.updated_at, t.closed_at, t.closed_by
from task t join project p on p.id = t.project_id
where ($1::text[] is null or p.key = any($1))
  and ($2::text[] is null or t.state = any($2))
  and ($3::text is null or t.assignee_id = $3)
  and (not $4 or t.assignee_id is null)
  and ($5::text is null or t.assignee_id = $5 or (t.assignee_id is null and t.role = any($6::text[])))
  and ($7::timestamptz is null or t.due_at >= $7)
  and ($8::timestamptz is null or t.due_at < $8)
  and ($9::text is null or t.subject_kind = $9)
  and ($10::text is null or t.subject_id = $10)
  and ($11::text is null or t.key = upper($11) or t.search @@ websearch_to_tsquery('russian'::regconfig, $11))
  and (not $12 or t.closed_at is null)
  and ($13::text is null or t.rule = $13)
  and ($14::text is null or t.task_type = $14)
  and ($15::text is null or $15 = any(t.labels))
  and ($16::timestamptz is null or (coalesce(t.due_at, timestamptz '9999-01-01 00:00:00+00'), t.id) > ($16, $17))
order by coalesce(t.due_at, timestamptz '9999-01-01 00:00:00+00'), t.id limit $18";

/// Tasks in one of the two orders.
pub(super) async fn list(
    conn: &mut PgConnection,
    filter: &Filter,
    by_due: bool,
    after: Option<(OffsetDateTime, Uuid)>,
    limit: i64,
) -> sqlx::Result<Vec<Task>> {
    sqlx::query_as(if by_due { BY_DUE } else { NEWEST })
        .bind(&filter.projects)
        .bind(&filter.states)
        .bind(&filter.assignee)
        .bind(filter.unassigned)
        .bind(filter.for_me.as_ref().map(|(me, _)| me))
        .bind(filter.for_me.as_ref().map(|(_, roles)| roles))
        .bind(filter.due_from)
        .bind(filter.due_before)
        .bind(&filter.subject_kind)
        .bind(&filter.subject_id)
        .bind(&filter.text)
        .bind(filter.open_only)
        .bind(&filter.rule)
        .bind(&filter.task_type)
        .bind(&filter.label)
        .bind(after.map(|(at, _)| at))
        .bind(after.map(|(_, id)| id))
        .bind(limit)
        .fetch_all(conn)
        .await
}

/// One task by id or key.
pub(super) async fn get(conn: &mut PgConnection, id: Option<Uuid>, key: &str) -> sqlx::Result<Option<Task>> {
    sqlx::query_as(
        "-- get_task
        select t.id, p.key as project, t.key, t.task_type, t.state, t.title, t.title_en, t.description, t.description_en,
            t.priority, t.assignee_id, t.role, t.creator_id, t.due_at, t.labels, t.subject_kind, t.subject_id, t.rule,
            t.cause_key, t.version, t.event_version, t.opened_at, t.updated_at, t.closed_at, t.closed_by
        from task t join project p on p.id = t.project_id where t.id = $1 or t.key = $2",
    )
    .bind(id)
    .bind(key)
    .fetch_optional(conn)
    .await
}

/// A comment.
#[derive(sqlx::FromRow)]
pub(crate) struct CommentView {
    pub(super) id: Uuid,
    pub(super) task_id: Uuid,
    pub(super) author_id: String,
    pub(super) body: String,
    pub(super) mentioned_ids: Vec<String>,
    pub(super) written_at: OffsetDateTime,
}

impl CommentView {
    /// Where the list goes on after it.
    pub(super) fn key(&self) -> (OffsetDateTime, Uuid) {
        (self.written_at, self.id)
    }
}

/// Comments, oldest first.
pub(super) async fn list_comments(
    conn: &mut PgConnection,
    task_id: Uuid,
    after: Option<(OffsetDateTime, Uuid)>,
    limit: i64,
) -> sqlx::Result<Vec<CommentView>> {
    sqlx::query_as(
        "-- list_comments
        select id, task_id, author_id, body, mentioned_ids, written_at from task_comment
        where task_id = $1 and ($2::timestamptz is null or (written_at, id) > ($2, $3))
        order by written_at, id limit $4",
    )
    .bind(task_id)
    .bind(after.map(|(at, _)| at))
    .bind(after.map(|(_, id)| id))
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// A line of a task's history.
#[derive(sqlx::FromRow)]
pub(super) struct ChangeView {
    pub(super) id: i64,
    pub(super) field: String,
    pub(super) old_value: String,
    pub(super) new_value: String,
    pub(super) actor_id: String,
    pub(super) version: i64,
    pub(super) changed_at: OffsetDateTime,
}

/// History, oldest first. Its first line, that the task was created, is read from the task.
pub(super) async fn list_history(
    conn: &mut PgConnection,
    task_id: Uuid,
    after: Option<i64>,
    limit: i64,
) -> sqlx::Result<Vec<ChangeView>> {
    sqlx::query_as(
        "-- list_task_history
        select id, field, old_value, new_value, actor_id, version, changed_at from (
            select 0::int8 as id, 'created' as field, '' as old_value,
                coalesce((select h.old_value from task_history h where h.task_id = t.id and h.field = 'state'
                    order by h.id limit 1), t.state) as new_value,
                t.creator_id as actor_id, 1::int8 as version, t.opened_at as changed_at
            from task t where t.id = $1
            union all
            select id, field, old_value, new_value, actor_id, version, changed_at from task_history
            where task_id = $1 and ($2::int8 is null or id > $2)) as line
        where $2::int8 is null or id > $2 order by id limit $3",
    )
    .bind(task_id)
    .bind(after)
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// Whether there is such a task.
pub(crate) async fn exists(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<bool> {
    sqlx::query_scalar(
        "-- task_exists
        select exists (select 1 from task where id = $1)",
    )
    .bind(id)
    .fetch_one(conn)
    .await
}

/// A column of a board.
#[derive(sqlx::FromRow)]
pub(super) struct CountView {
    pub(super) project: String,
    pub(super) state: String,
    pub(super) closed: bool,
    pub(super) count: i64,
    pub(super) overdue: i64,
}

/// How many tasks are in which state.
pub(super) async fn counts(
    conn: &mut PgConnection,
    project: Option<&str>,
    assignee: Option<&str>,
    rule: Option<&str>,
    now: OffsetDateTime,
) -> sqlx::Result<Vec<CountView>> {
    sqlx::query_as(
        "-- count_tasks
        select p.key as project, t.state, t.closed_at is not null as closed, count(*) as count,
            count(*) filter (where t.closed_at is null and t.due_at < $4) as overdue
        from task t join project p on p.id = t.project_id
        where ($1::text is null or p.key = $1) and ($2::text is null or t.assignee_id = $2)
          and ($3::text is null or t.rule = $3)
        group by 1, 2, 3 order by 1, 2, 3 limit 2000",
    )
    .bind(project)
    .bind(assignee)
    .bind(rule)
    .bind(now)
    .fetch_all(conn)
    .await
}
