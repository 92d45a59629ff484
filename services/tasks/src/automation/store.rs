//! SQL of automation: rules here, causes and their tasks in `store/causes.rs`.

mod causes;

use sqlx::{FromRow, PgConnection, Row as _, postgres::PgRow, types::Json};

use super::domain::Rule;
pub(crate) use causes::{
    Closed, close_tasks, insert_causes, learn_names, lock_causes, lock_waiting, names, update_causes, without_task,
};

impl<'r> FromRow<'r, PgRow> for Rule {
    fn from_row(row: &'r PgRow) -> sqlx::Result<Self> {
        let Json(conditions) = row.try_get("conditions")?;
        let Json(closings) = row.try_get("closings")?;
        Ok(Self {
            code: row.try_get("code")?,
            name_ru: row.try_get("name_ru")?,
            name_en: row.try_get("name_en")?,
            enabled: row.try_get("enabled")?,
            source: row.try_get("source")?,
            name: row.try_get("name")?,
            conditions,
            cause_key: row.try_get("cause_key")?,
            delay_seconds: row.try_get("delay_seconds")?,
            project: row.try_get("project")?,
            task_type: row.try_get("task_type")?,
            priority: row.try_get("priority")?,
            role: row.try_get("role")?,
            due_after_seconds: row.try_get("due_after_seconds")?,
            title_ru: row.try_get("title_ru")?,
            title_en: row.try_get("title_en")?,
            description_ru: row.try_get("description_ru")?,
            description_en: row.try_get("description_en")?,
            subject_kind: row.try_get("subject_kind")?,
            subject_id: row.try_get("subject_id")?,
            closings,
            version: row.try_get("version")?,
            updated_at: row.try_get("updated_at")?,
        })
    }
}

/// All rules, by code.
pub(crate) async fn rules(conn: &mut PgConnection) -> sqlx::Result<Vec<Rule>> {
    sqlx::query_as(
        "-- list_rules
        select code, name_ru, name_en, enabled, source, name, conditions, cause_key, delay_seconds, project, task_type,
            priority, role, due_after_seconds, title_ru, title_en, description_ru, description_en, subject_kind, subject_id,
            closings, version, updated_at
        from automation_rule order by code limit 500",
    )
    .fetch_all(conn)
    .await
}

/// The state new tasks of each type begin in; the workflows stay as they are until the transaction ends.
pub(crate) async fn initial_states(
    conn: &mut PgConnection,
    task_types: &[&str],
) -> sqlx::Result<Vec<(String, String)>> {
    sqlx::query_as(
        "-- hold_initial_states
        select t.code, w.initial_state from task_type t join workflow w on w.code = t.workflow
        where t.code = any($1) order by w.code, t.code for share of w",
    )
    .bind(task_types)
    .fetch_all(conn)
    .await
}

/// Locks a rule for a change.
pub(super) async fn lock(conn: &mut PgConnection, code: &str) -> sqlx::Result<Option<Rule>> {
    sqlx::query_as(
        "-- lock_rule
        select code, name_ru, name_en, enabled, source, name, conditions, cause_key, delay_seconds, project, task_type,
            priority, role, due_after_seconds, title_ru, title_en, description_ru, description_en, subject_kind, subject_id,
            closings, version, updated_at
        from automation_rule where code = $1 for update",
    )
    .bind(code)
    .fetch_optional(conn)
    .await
}

/// How many rules there are.
pub(super) async fn count(conn: &mut PgConnection) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "-- count_rules
        select count(*) from automation_rule",
    )
    .fetch_one(conn)
    .await
}

/// Whether a project takes new tasks; `None` when there is none. It can't be archived until the transaction ends.
pub(super) async fn project_is_open(conn: &mut PgConnection, key: &str) -> sqlx::Result<Option<bool>> {
    sqlx::query_scalar(
        "-- hold_rule_project
        select not archived from project where key = $1 for share",
    )
    .bind(key)
    .fetch_optional(conn)
    .await
}

/// Stores a rule, new (version 1) or changed; false when a new one's code is taken.
pub(super) async fn put(conn: &mut PgConnection, rule: &Rule) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "-- put_rule
        insert into automation_rule (code, name_ru, name_en, enabled, source, name, conditions, cause_key, delay_seconds,
            project, task_type, priority, role, due_after_seconds, title_ru, title_en, description_ru, description_en,
            subject_kind, subject_id, closings, version, updated_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)
        on conflict (code) do update set name_ru = excluded.name_ru, name_en = excluded.name_en, enabled = excluded.enabled,
            source = excluded.source, name = excluded.name, conditions = excluded.conditions, cause_key = excluded.cause_key,
            delay_seconds = excluded.delay_seconds, project = excluded.project, task_type = excluded.task_type,
            priority = excluded.priority, role = excluded.role, due_after_seconds = excluded.due_after_seconds,
            title_ru = excluded.title_ru, title_en = excluded.title_en, description_ru = excluded.description_ru,
            description_en = excluded.description_en, subject_kind = excluded.subject_kind,
            subject_id = excluded.subject_id, closings = excluded.closings, version = excluded.version,
            updated_at = excluded.updated_at
        where automation_rule.version = excluded.version - 1",
    )
    .bind(&rule.code)
    .bind(&rule.name_ru)
    .bind(&rule.name_en)
    .bind(rule.enabled)
    .bind(&rule.source)
    .bind(&rule.name)
    .bind(Json(&rule.conditions))
    .bind(&rule.cause_key)
    .bind(rule.delay_seconds)
    .bind(&rule.project)
    .bind(&rule.task_type)
    .bind(rule.priority)
    .bind(&rule.role)
    .bind(rule.due_after_seconds)
    .bind(&rule.title_ru)
    .bind(&rule.title_en)
    .bind(&rule.description_ru)
    .bind(&rule.description_en)
    .bind(&rule.subject_kind)
    .bind(&rule.subject_id)
    .bind(Json(&rule.closings))
    .bind(rule.version)
    .bind(rule.updated_at)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}
