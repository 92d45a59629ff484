//! Changes of workflows and task types.

use sqlx::PgConnection;

use super::{
    domain::{TaskType, Workflow},
    store,
};
use crate::error::Error;

const MOST: i64 = 200;

/// Creates (version 0) or replaces a workflow. While it is locked no task moves along its arrows.
pub(super) async fn put(conn: &mut PgConnection, mut workflow: Workflow) -> Result<Workflow, Error> {
    let given = workflow.version;
    if given == 0 {
        if store::count(conn).await? >= MOST {
            return Err(Error::refused("TOO_MANY_WORKFLOWS", "200 workflows exist; change one of them"));
        }
        workflow.version = 1;
        if !store::insert(conn, &workflow).await? {
            let present = store::lock(conn, &workflow.code).await?.unwrap_or_default();
            return Err(Error::VersionConflict { given, present });
        }
    } else {
        let present = store::lock(conn, &workflow.code).await?;
        let present = present.ok_or_else(|| Error::not_found("workflow", &workflow.code))?;
        if present != given {
            return Err(Error::VersionConflict { given, present });
        }
        workflow.version = given + 1;
        let codes: Vec<&str> = workflow.states.iter().map(|state| state.code.as_str()).collect();
        let finals: Vec<bool> = workflow.states.iter().map(|state| state.is_final).collect();
        let missing = store::missing_states(conn, &workflow.code, &codes).await?;
        if !missing.is_empty() {
            let message = format!("tasks or rules use the states {}", missing.join(", "));
            return Err(Error::refused("STATE_IN_USE", message));
        }
        let turned = store::turned_states(conn, &workflow.code, &codes, &finals).await?;
        if !turned.is_empty() {
            let message = format!("tasks or rules use the states {}: they stay final or not", turned.join(", "));
            return Err(Error::refused("STATE_IN_USE", message));
        }
    }
    store::replace(conn, &workflow).await?;
    Ok(workflow)
}

/// Creates or replaces a task type.
pub(super) async fn put_type(conn: &mut PgConnection, task_type: TaskType) -> Result<TaskType, Error> {
    if store::lock(conn, &task_type.workflow).await?.is_none() {
        return Err(Error::not_found("workflow", &task_type.workflow));
    }
    let types = store::list_types(conn).await?;
    match types.iter().find(|known| known.code == task_type.code) {
        None if types.len() >= usize::try_from(MOST).unwrap_or(usize::MAX) => {
            return Err(Error::refused("TOO_MANY_TASK_TYPES", "200 task types exist; change one of them"));
        }
        Some(known) if known.workflow != task_type.workflow => {
            store::lock(conn, &known.workflow).await?;
            let strange = store::strange_states(conn, &task_type.code, &task_type.workflow).await?;
            if !strange.is_empty() {
                let message = format!("tasks or rules of this type use the states {}", strange.join(", "));
                return Err(Error::refused("WORKFLOW_MISMATCH", message));
            }
        }
        _ => {}
    }
    store::put_type(conn, &task_type).await?;
    Ok(task_type)
}
