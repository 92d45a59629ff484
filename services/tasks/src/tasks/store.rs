//! SQL of the commands on tasks.

use sqlx::{FromRow, PgConnection, Row as _, postgres::PgRow};
use time::OffsetDateTime;
use uuid::Uuid;

use super::domain::{FieldChange, Task};

impl<'r> FromRow<'r, PgRow> for Task {
    fn from_row(row: &'r PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            project: row.try_get("project")?,
            key: row.try_get("key")?,
            task_type: row.try_get("task_type")?,
            state: row.try_get("state")?,
            title: row.try_get("title")?,
            title_en: row.try_get("title_en")?,
            description: row.try_get("description")?,
            description_en: row.try_get("description_en")?,
            priority: row.try_get("priority")?,
            assignee_id: row.try_get("assignee_id")?,
            role: row.try_get("role")?,
            creator_id: row.try_get("creator_id")?,
            due_at: row.try_get("due_at")?,
            labels: row.try_get("labels")?,
            subject_kind: row.try_get("subject_kind")?,
            subject_id: row.try_get("subject_id")?,
            rule: row.try_get("rule")?,
            cause_key: row.try_get("cause_key")?,
            version: row.try_get("version")?,
            event_version: row.try_get("event_version")?,
            opened_at: row.try_get("opened_at")?,
            updated_at: row.try_get("updated_at")?,
            closed_at: row.try_get("closed_at")?,
            closed_by: row.try_get("closed_by")?,
        })
    }
}

/// The cause of a task, which never changes; the outer `None` when there is no such task.
pub(super) async fn cause_of(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Option<String>>> {
    sqlx::query_scalar(
        "-- cause_of_task
        select cause_key from task where id = $1",
    )
    .bind(id)
    .fetch_optional(conn)
    .await
}

/// The type of a task, which never changes; empty when there is no such task.
pub(super) async fn type_of(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<String> {
    sqlx::query_scalar(
        "-- type_of_task
        select coalesce((select task_type from task where id = $1), '')",
    )
    .bind(id)
    .fetch_one(conn)
    .await
}

/// Reads and locks a task.
pub(crate) async fn lock(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Task>> {
    sqlx::query_as(
        "-- lock_task
        select t.id, p.key as project, t.key, t.task_type, t.state, t.title, t.title_en, t.description, t.description_en,
            t.priority, t.assignee_id, t.role, t.creator_id, t.due_at, t.labels, t.subject_kind, t.subject_id, t.rule,
            t.cause_key, t.version, t.event_version, t.opened_at, t.updated_at, t.closed_at, t.closed_by
        from task t join project p on p.id = t.project_id where t.id = $1 for update of t",
    )
    .bind(id)
    .fetch_optional(conn)
    .await
}

/// Whether an open task has this cause.
pub(super) async fn cause_is_open(conn: &mut PgConnection, cause_key: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar(
        "-- cause_has_open_task
        select exists (select 1 from task where cause_key = $1 and closed_at is null)",
    )
    .bind(cause_key)
    .fetch_one(conn)
    .await
}

/// A task to be stored with its number.
pub(crate) struct Numbered {
    /// The task.
    pub(crate) task: Task,
    /// Its project.
    pub(crate) project_id: Uuid,
    /// Its number there.
    pub(crate) number: i64,
}

/// Stores new tasks. They have no history yet: that they were created, the tasks themselves say.
pub(crate) async fn insert(conn: &mut PgConnection, rows: &[Numbered]) -> sqlx::Result<()> {
    let column = |read: fn(&Task) -> &str| rows.iter().map(|row| read(&row.task)).collect::<Vec<&str>>();
    let labels: Vec<String> = rows.iter().map(|row| row.task.labels.join("\u{1f}")).collect();
    sqlx::query(
        "-- insert_tasks
        with n as materialized (
            select * from unnest($1::uuid[], $2::uuid[], $3::int8[], $4::text[], $5::text[], $6::text[], $7::text[],
                $8::text[], $9::text[], $10::text[], $11::int2[], $12::text[], $13::text[], $14::text[], $15::timestamptz[],
                $16::text[], $17::text[], $18::text[], $19::text[], $20::text[], $21::timestamptz[])
                as n (id, project_id, number, key, task_type, state, title, title_en, description, description_en, priority,
                    assignee_id, role, creator_id, due_at, labels, subject_kind, subject_id, rule, cause_key, opened_at)
        ), described as materialized (
            select description, description_en,
                setweight(to_tsvector('russian'::regconfig, description || ' ' || description_en), 'B') as words
            from n group by description, description_en
        )
        insert into task (id, project_id, number, key, task_type, state, title, title_en, description, description_en,
            priority, assignee_id, role, creator_id, due_at, labels, subject_kind, subject_id, rule, cause_key, opened_at,
            updated_at, search)
        select n.id, n.project_id, n.number, n.key, n.task_type, n.state, n.title, n.title_en, n.description,
            n.description_en, n.priority, n.assignee_id, n.role, n.creator_id, n.due_at,
            coalesce(string_to_array(nullif(n.labels, ''), e'\\x1f'), '{}'), n.subject_kind, n.subject_id, n.rule, n.cause_key,
            n.opened_at, n.opened_at,
            setweight(to_tsvector('russian'::regconfig, n.title || ' ' || n.title_en), 'A') || d.words
        from n join described d on d.description = n.description and d.description_en = n.description_en",
    )
    .bind(rows.iter().map(|row| row.task.id).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.project_id).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.number).collect::<Vec<_>>())
    .bind(column(|task| &task.key))
    .bind(column(|task| &task.task_type))
    .bind(column(|task| &task.state))
    .bind(column(|task| &task.title))
    .bind(column(|task| &task.title_en))
    .bind(column(|task| &task.description))
    .bind(column(|task| &task.description_en))
    .bind(rows.iter().map(|row| row.task.priority).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.task.assignee_id.as_deref()).collect::<Vec<_>>())
    .bind(column(|task| &task.role))
    .bind(column(|task| &task.creator_id))
    .bind(rows.iter().map(|row| row.task.due_at).collect::<Vec<_>>())
    .bind(labels)
    .bind(column(|task| &task.subject_kind))
    .bind(column(|task| &task.subject_id))
    .bind(column(|task| &task.rule))
    .bind(rows.iter().map(|row| row.task.cause_key.as_deref()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.task.opened_at).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes everything that may change of a task.
pub(super) async fn update(conn: &mut PgConnection, task: &Task) -> sqlx::Result<()> {
    sqlx::query(
        "-- update_task
        update task set state = $2, title = $3, description = $4, priority = $5, assignee_id = $6, role = $7, due_at = $8,
            labels = $9, version = $10, event_version = $11, updated_at = $12, closed_at = $13, closed_by = $14,
            search = setweight(to_tsvector('russian'::regconfig, $3 || ' ' || title_en), 'A')
                || setweight(to_tsvector('russian'::regconfig, $4 || ' ' || description_en), 'B')
        where id = $1",
    )
    .bind(task.id)
    .bind(&task.state)
    .bind(&task.title)
    .bind(&task.description)
    .bind(task.priority)
    .bind(&task.assignee_id)
    .bind(&task.role)
    .bind(task.due_at)
    .bind(&task.labels)
    .bind(task.version)
    .bind(task.event_version)
    .bind(task.updated_at)
    .bind(task.closed_at)
    .bind(&task.closed_by)
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes changes down.
pub(super) async fn append_history(
    conn: &mut PgConnection,
    task: &Task,
    changes: &[FieldChange],
    actor: &str,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "-- append_task_history
        insert into task_history (task_id, field, old_value, new_value, actor_id, version, changed_at)
        select $1, c.*, $5, $6, $7 from unnest($2::text[], $3::text[], $4::text[]) as c",
    )
    .bind(task.id)
    .bind(changes.iter().map(|change| change.field).collect::<Vec<_>>())
    .bind(changes.iter().map(|change| change.old.as_str()).collect::<Vec<_>>())
    .bind(changes.iter().map(|change| change.new.as_str()).collect::<Vec<_>>())
    .bind(actor)
    .bind(task.version)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}

/// Adds watchers; those who were not watching before.
pub(super) async fn add_watchers(conn: &mut PgConnection, id: Uuid, employees: &[String]) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(
        "-- add_watchers
        insert into task_watcher (task_id, employee_id) select $1, e from unnest($2::text[]) as e order by e
        on conflict do nothing returning employee_id",
    )
    .bind(id)
    .bind(employees)
    .fetch_all(conn)
    .await
}

/// Takes a watcher away; whether there was one.
pub(super) async fn remove_watcher(conn: &mut PgConnection, id: Uuid, employee: &str) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "-- remove_watcher
        delete from task_watcher where task_id = $1 and employee_id = $2",
    )
    .bind(id)
    .bind(employee)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Who watches a task, sorted.
pub(crate) async fn watchers(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(
        "-- list_watchers
        select employee_id from task_watcher where task_id = $1 order by employee_id collate \"C\" limit 1000",
    )
    .bind(id)
    .fetch_all(conn)
    .await
}

/// Stores a comment.
pub(super) async fn insert_comment(
    conn: &mut PgConnection,
    id: Uuid,
    task_id: Uuid,
    author: &str,
    text: &str,
    mentioned: &[String],
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query(
        "-- insert_comment
        insert into task_comment (id, task_id, author_id, body, mentioned_ids, written_at) values ($1, $2, $3, $4, $5, $6)",
    )
    .bind(id)
    .bind(task_id)
    .bind(author)
    .bind(text)
    .bind(mentioned)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}
