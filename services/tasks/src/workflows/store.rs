//! SQL of workflows and task types.

use sqlx::PgConnection;

use super::domain::{State, TaskType, Transition, Workflow};

#[derive(sqlx::FromRow)]
struct Head {
    code: String,
    name: String,
    initial_state: String,
    version: i64,
}

/// All workflows, or the one asked for.
pub(crate) async fn list(conn: &mut PgConnection, code: Option<&str>) -> sqlx::Result<Vec<Workflow>> {
    let heads: Vec<Head> = sqlx::query_as(
        "-- list_workflows
        select code, name, initial_state, version from workflow where $1::text is null or code = $1 order by code limit 200",
    )
    .bind(code)
    .fetch_all(&mut *conn)
    .await?;
    let states: Vec<(String, String, String, String, bool)> = sqlx::query_as(
        "-- list_workflow_states
        select workflow, code, name_ru, name_en, final from workflow_state
        where $1::text is null or workflow = $1 order by workflow, position",
    )
    .bind(code)
    .fetch_all(&mut *conn)
    .await?;
    let arrows: Vec<(String, String, String, String, String)> = sqlx::query_as(
        "-- list_workflow_transitions
        select workflow, from_state, to_state, permission, role from workflow_transition
        where $1::text is null or workflow = $1 order by workflow, from_state, to_state",
    )
    .bind(code)
    .fetch_all(conn)
    .await?;
    let whole = |head: Head| Workflow {
        states: states
            .iter()
            .filter(|row| row.0 == head.code)
            .map(|row| State { code: row.1.clone(), name_ru: row.2.clone(), name_en: row.3.clone(), is_final: row.4 })
            .collect(),
        transitions: arrows
            .iter()
            .filter(|row| row.0 == head.code)
            .map(|row| Transition {
                from: row.1.clone(),
                to: row.2.clone(),
                permission: row.3.clone(),
                role: row.4.clone(),
            })
            .collect(),
        code: head.code,
        name: head.name,
        initial_state: head.initial_state,
        version: head.version,
    };
    Ok(heads.into_iter().map(whole).collect())
}

/// Holds a task type's workflow as it is until the transaction ends, and reads it.
pub(crate) async fn hold_for_type(conn: &mut PgConnection, task_type: &str) -> sqlx::Result<Option<Workflow>> {
    let code: Option<String> = sqlx::query_scalar(
        "-- hold_workflow
        select w.code from task_type t join workflow w on w.code = t.workflow where t.code = $1 for share of w",
    )
    .bind(task_type)
    .fetch_optional(&mut *conn)
    .await?;
    let Some(code) = code else { return Ok(None) };
    Ok(list(conn, Some(&code)).await?.pop())
}

/// The workflow of a task type.
pub(crate) async fn get_for_type(conn: &mut PgConnection, task_type: &str) -> sqlx::Result<Option<Workflow>> {
    let code: Option<String> = sqlx::query_scalar(
        "-- workflow_of_type
        select workflow from task_type where code = $1",
    )
    .bind(task_type)
    .fetch_optional(&mut *conn)
    .await?;
    let Some(code) = code else { return Ok(None) };
    Ok(list(conn, Some(&code)).await?.pop())
}

/// Locks a workflow for a change; its present version.
pub(super) async fn lock(conn: &mut PgConnection, code: &str) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar(
        "-- lock_workflow
        select version from workflow where code = $1 for update",
    )
    .bind(code)
    .fetch_optional(conn)
    .await
}

/// Stores the head of a new workflow; false when the code is in use.
pub(super) async fn insert(conn: &mut PgConnection, workflow: &Workflow) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "-- insert_workflow
        insert into workflow (code, name, initial_state, version) values ($1, $2, $3, 1) on conflict do nothing",
    )
    .bind(&workflow.code)
    .bind(&workflow.name)
    .bind(&workflow.initial_state)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// How many workflows there are.
pub(super) async fn count(conn: &mut PgConnection) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "-- count_workflows
        select count(*) from workflow",
    )
    .fetch_one(conn)
    .await
}

/// States that are in use by tasks or closing rules and not in the list.
pub(super) async fn missing_states(
    conn: &mut PgConnection,
    workflow: &str,
    codes: &[&str],
) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(
        "-- missing_workflow_states
        select distinct used.state from (
            select s.code as state from workflow_state s
            where s.workflow = $1 and exists (
                select 1 from task t join task_type y on y.code = t.task_type where y.workflow = $1 and t.state = s.code)
            union all
            select c ->> 'state' from automation_rule r join task_type y on y.code = r.task_type,
                jsonb_array_elements(r.closings) c where y.workflow = $1
        ) used where used.state <> all($2) order by 1",
    )
    .bind(workflow)
    .bind(codes)
    .fetch_all(conn)
    .await
}

/// States in use whose finality would change.
pub(super) async fn turned_states(
    conn: &mut PgConnection,
    workflow: &str,
    codes: &[&str],
    finals: &[bool],
) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(
        "-- turned_workflow_states
        select s.code from workflow_state s join unnest($2::text[], $3::bool[]) as n (code, final) on n.code = s.code
        where s.workflow = $1 and s.final <> n.final and (
            exists (select 1 from task t join task_type y on y.code = t.task_type
                where y.workflow = $1 and t.state = s.code)
            or exists (select 1 from automation_rule r join task_type y on y.code = r.task_type,
                jsonb_array_elements(r.closings) c where y.workflow = $1 and c ->> 'state' = s.code))
        order by s.code",
    )
    .bind(workflow)
    .bind(codes)
    .bind(finals)
    .fetch_all(conn)
    .await
}

/// Replaces head, states and arrows.
pub(super) async fn replace(conn: &mut PgConnection, workflow: &Workflow) -> sqlx::Result<()> {
    sqlx::query(
        "-- update_workflow
        update workflow set name = $2, initial_state = $3, version = $4 where code = $1",
    )
    .bind(&workflow.code)
    .bind(&workflow.name)
    .bind(&workflow.initial_state)
    .bind(workflow.version)
    .execute(&mut *conn)
    .await?;
    sqlx::query(
        "-- clear_workflow_transitions
        delete from workflow_transition where workflow = $1",
    )
    .bind(&workflow.code)
    .execute(&mut *conn)
    .await?;
    sqlx::query(
        "-- clear_workflow_states
        delete from workflow_state where workflow = $1",
    )
    .bind(&workflow.code)
    .execute(&mut *conn)
    .await?;
    let states = &workflow.states;
    sqlx::query(
        "-- insert_workflow_states
        insert into workflow_state (workflow, code, position, name_ru, name_en, final)
        select $1, s.code, s.position, s.name_ru, s.name_en, s.final
        from unnest($2::text[], $3::text[], $4::text[], $5::bool[]) with ordinality as s (code, name_ru, name_en, final, position)",
    )
    .bind(&workflow.code)
    .bind(states.iter().map(|state| state.code.as_str()).collect::<Vec<_>>())
    .bind(states.iter().map(|state| state.name_ru.as_str()).collect::<Vec<_>>())
    .bind(states.iter().map(|state| state.name_en.as_str()).collect::<Vec<_>>())
    .bind(states.iter().map(|state| state.is_final).collect::<Vec<_>>())
    .execute(&mut *conn)
    .await?;
    let arrows = &workflow.transitions;
    sqlx::query(
        "-- insert_workflow_transitions
        insert into workflow_transition (workflow, from_state, to_state, permission, role)
        select $1, a.* from unnest($2::text[], $3::text[], $4::text[], $5::text[]) as a",
    )
    .bind(&workflow.code)
    .bind(arrows.iter().map(|arrow| arrow.from.as_str()).collect::<Vec<_>>())
    .bind(arrows.iter().map(|arrow| arrow.to.as_str()).collect::<Vec<_>>())
    .bind(arrows.iter().map(|arrow| arrow.permission.as_str()).collect::<Vec<_>>())
    .bind(arrows.iter().map(|arrow| arrow.role.as_str()).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

/// All task types.
pub(crate) async fn list_types(conn: &mut PgConnection) -> sqlx::Result<Vec<TaskType>> {
    let rows: Vec<(String, String, String, String)> = sqlx::query_as(
        "-- list_task_types
        select code, name_ru, name_en, workflow from task_type order by code limit 200",
    )
    .fetch_all(conn)
    .await?;
    let whole = |(code, name_ru, name_en, workflow)| TaskType { code, name_ru, name_en, workflow };
    Ok(rows.into_iter().map(whole).collect())
}

/// States of tasks and closing rules of a type which a workflow does not have.
pub(super) async fn strange_states(
    conn: &mut PgConnection,
    task_type: &str,
    workflow: &str,
) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(
        "-- strange_states_of_type
        select used.state from (
            select state, closed_at is not null as final from task where task_type = $1
            union
            select c ->> 'state', true from automation_rule r, jsonb_array_elements(r.closings) c where r.task_type = $1
        ) used
        where not exists (
            select 1 from workflow_state s where s.workflow = $2 and s.code = used.state and s.final = used.final)
        order by 1 limit 20",
    )
    .bind(task_type)
    .bind(workflow)
    .fetch_all(conn)
    .await
}

/// Stores or replaces a task type.
pub(super) async fn put_type(conn: &mut PgConnection, task_type: &TaskType) -> sqlx::Result<()> {
    sqlx::query(
        "-- put_task_type
        insert into task_type (code, name_ru, name_en, workflow) values ($1, $2, $3, $4)
        on conflict (code) do update set name_ru = excluded.name_ru, name_en = excluded.name_en, workflow = excluded.workflow",
    )
    .bind(&task_type.code)
    .bind(&task_type.name_ru)
    .bind(&task_type.name_en)
    .bind(&task_type.workflow)
    .execute(conn)
    .await?;
    Ok(())
}
