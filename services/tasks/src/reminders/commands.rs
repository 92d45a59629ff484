//! Changes of reminders.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    domain::{MOST, When},
    store,
};
use crate::{error::Error, tasks::store as tasks};

/// A reminder to be set.
pub(super) struct NewReminder {
    pub(super) task_id: Uuid,
    pub(super) employee: String,
    pub(super) when: When,
}

/// Sets a reminder; its id and the moment it fires.
pub(super) async fn set(conn: &mut PgConnection, new: &NewReminder) -> Result<(Uuid, OffsetDateTime), Error> {
    let task = tasks::lock(conn, new.task_id).await?.ok_or_else(|| Error::not_found("task", new.task_id))?;
    if task.closed_at.is_some() {
        return Err(Error::refused("TASK_CLOSED", "the task is closed"));
    }
    if store::count(conn, new.task_id).await? >= MOST {
        return Err(Error::refused("TOO_MANY_REMINDERS", "50 reminders are set on the task"));
    }
    let at = new.when.moment(task.due_at);
    let at = at.ok_or_else(|| Error::refused("NO_DUE_DATE", "the task has no due time to count from"))?;
    let id = service::new_id();
    store::insert(conn, id, new.task_id, &new.employee, new.when, at).await?;
    Ok((id, at))
}
