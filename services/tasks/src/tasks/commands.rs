//! Changes of tasks.
//!
//! Each locks the task (its cause first, when it is reopened), compares the version, lets the change happen on a copy,
//! and [`keep`]s the difference: row, history, events and notifications.

use messaging::{NewEvent, outbox};
use proto::tasks::v1::{TaskClosed, TaskMoved, TaskOpened, TasksEvent, tasks_event};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    domain::{self, FieldChange, Task},
    store::{self, Numbered},
};
use crate::{
    automation::store as causes,
    error::Error,
    projects::store as projects,
    reminders::store as reminders,
    workflows::{domain::Mover, store as workflows},
};

/// Wraps a fact about a task.
pub(crate) fn event(task: Uuid, version: i64, now: OffsetDateTime, fact: tasks_event::Event) -> NewEvent {
    NewEvent::of("task", task, version, now, &TasksEvent { event: Some(fact) })
}

/// The fact that a task was opened; it follows from what happened to its subject.
pub(crate) fn opened(task: &Task) -> NewEvent {
    let fact = TaskOpened {
        task_id: task.id.to_string(),
        key: task.key.clone(),
        task_type: task.task_type.clone(),
        rule: task.rule.clone(),
        subject_kind: task.subject_kind.clone(),
        subject_id: task.subject_id.clone(),
        opened_at: Some(proto::to_timestamp(task.opened_at)),
    };
    event(task.id, task.event_version, task.opened_at, tasks_event::Event::TaskOpened(fact)).caused_by(&task.subject_id)
}

/// Opens a task; its state, key and project's number are filled in here.
pub(super) async fn create(conn: &mut PgConnection, mut task: Task, watchers: Vec<String>) -> Result<Task, Error> {
    let workflow = workflows::hold_for_type(conn, &task.task_type).await?;
    let workflow = workflow.ok_or_else(|| Error::not_found("task type", &task.task_type))?;
    let numbers = projects::take_numbers(conn, &[&task.project], &[1]).await?.pop();
    let numbers = numbers.ok_or_else(|| Error::not_found("project", &task.project))?;
    if numbers.archived {
        return Err(Error::refused("PROJECT_ARCHIVED", "the project takes no new tasks"));
    }
    task.state = workflow.initial_state;
    task.key = format!("{}-{}", numbers.key, numbers.last);
    store::insert(conn, &[Numbered { task: task.clone(), project_id: numbers.project_id, number: numbers.last }])
        .await?;
    let mut watching = watchers;
    watching.push(task.creator_id.clone());
    watching.extend(task.assignee_id.clone());
    store::add_watchers(conn, task.id, &domain::tidy(watching)).await?;
    if let Some(assignee) = task.assignee_id.clone().filter(|assignee| *assignee != task.creator_id) {
        reminders::notify(conn, task.id, &[assignee], "assigned", &task.creator_id, task.opened_at).await?;
    }
    outbox::append(conn, &[opened(&task)]).await?;
    Ok(task)
}

async fn locked(conn: &mut PgConnection, id: Uuid, version: Option<i64>) -> Result<Task, Error> {
    let task = store::lock(conn, id).await?.ok_or_else(|| Error::not_found("task", id))?;
    match version {
        Some(given) if given != task.version => Err(Error::VersionConflict { given, present: task.version }),
        _ => Ok(task),
    }
}

/// Stores the difference between two pictures of a task; nothing at all when there is none.
async fn keep(
    conn: &mut PgConnection,
    before: Task,
    mut after: Task,
    actor: &str,
    now: OffsetDateTime,
) -> Result<Task, Error> {
    let changes = domain::changes(&before, &after);
    if changes.is_empty() {
        return Ok(before);
    }
    after.version += 1;
    after.updated_at = now;
    let mut events = Vec::new();
    if after.state != before.state {
        after.event_version += 1;
        events.push(moved(&before, &after, now));
    }
    store::update(conn, &after).await?;
    store::append_history(conn, &after, &changes, actor, now).await?;
    if after.due_at != before.due_at {
        reminders::due_changed(conn, after.id, after.due_at).await?;
    }
    outbox::append(conn, &events).await?;
    Ok(after)
}

fn moved(before: &Task, after: &Task, now: OffsetDateTime) -> NewEvent {
    let fact = if after.closed_at.is_some() {
        tasks_event::Event::TaskClosed(TaskClosed {
            task_id: after.id.to_string(),
            key: after.key.clone(),
            state: after.state.clone(),
            closed_by: after.closed_by.clone(),
            subject_kind: after.subject_kind.clone(),
            subject_id: after.subject_id.clone(),
            closed_at: Some(proto::to_timestamp(now)),
        })
    } else {
        tasks_event::Event::TaskMoved(TaskMoved {
            task_id: after.id.to_string(),
            key: after.key.clone(),
            from_state: before.state.clone(),
            to_state: after.state.clone(),
            moved_at: Some(proto::to_timestamp(now)),
        })
    };
    event(after.id, after.event_version, now, fact).caused_by(&after.subject_id)
}

/// What is to change; `None` leaves a field as it is.
#[derive(Debug, Default)]
pub(super) struct Edit {
    pub(super) title: Option<String>,
    pub(super) description: Option<String>,
    pub(super) priority: Option<i16>,
    pub(super) due_at: Option<Option<OffsetDateTime>>,
    pub(super) labels: Option<Vec<String>>,
    pub(super) role: Option<String>,
}

/// Edits fields of a task.
pub(super) async fn update(
    conn: &mut PgConnection,
    id: Uuid,
    version: i64,
    edit: Edit,
    actor: &str,
    now: OffsetDateTime,
) -> Result<Task, Error> {
    let before = locked(conn, id, Some(version)).await?;
    let mut after = before.clone();
    after.title = edit.title.unwrap_or(after.title);
    after.description = edit.description.unwrap_or(after.description);
    after.priority = edit.priority.unwrap_or(after.priority);
    after.due_at = edit.due_at.unwrap_or(after.due_at);
    after.labels = edit.labels.map_or(after.labels, domain::tidy);
    after.role = edit.role.unwrap_or(after.role);
    keep(conn, before, after, actor, now).await
}

/// A move along an arrow.
pub(super) struct Move<'a> {
    pub(super) id: Uuid,
    pub(super) to_state: String,
    pub(super) version: Option<i64>,
    pub(super) comment: String,
    pub(super) actor: &'a str,
    pub(super) mover: &'a dyn Mover,
}

/// Moves a task along an arrow of its workflow.
pub(super) async fn move_task(conn: &mut PgConnection, step: Move<'_>, now: OffsetDateTime) -> Result<Task, Error> {
    // Automation locks the cause before the task; so does this, in case the task is reopened.
    let cause = store::cause_of(conn, step.id).await?.ok_or_else(|| Error::not_found("task", step.id))?;
    let task_type = store::type_of(conn, step.id).await?;
    let workflow = workflows::hold_for_type(conn, &task_type).await?;
    let workflow = workflow.ok_or_else(|| Error::not_found("task type", &task_type))?;
    if let Some(cause) = &cause {
        causes::lock_causes(conn, &[cause]).await?;
    }
    let before = locked(conn, step.id, step.version).await?;
    let mut after = before.clone();
    if before.state != step.to_state {
        let allowed = workflow.allowed(&before.state, step.mover);
        let Some(target) = allowed.iter().find(|state| state.code == step.to_state) else {
            let allowed = allowed.into_iter().map(|state| state.code.clone()).collect();
            return Err(Error::InvalidTransition { from: before.state, to: step.to_state, allowed });
        };
        after.state = target.code.clone();
        match (target.is_final, before.closed_at) {
            (true, None) => {
                after.closed_at = Some(now.max(before.opened_at));
                after.closed_by = domain::BY_PERSON.to_owned();
            }
            (false, Some(_)) => {
                if let Some(cause) = &cause
                    && store::cause_is_open(conn, cause).await?
                {
                    return Err(Error::refused("CAUSE_ALREADY_OPEN", "another open task has the same cause"));
                }
                after.closed_at = None;
                after.closed_by = String::new();
            }
            _ => {}
        }
    }
    let after = keep(conn, before.clone(), after, step.actor, now).await?;
    if after.state != before.state {
        let kind = if after.closed_at.is_some() { "closed" } else { "moved" };
        tell_watchers(conn, &after, kind, step.actor, &[], now).await?;
    }
    if !step.comment.is_empty() {
        comment(conn, step.id, &step.comment, step.actor, now).await?;
    }
    Ok(after)
}

/// Gives a task to somebody, or to nobody.
pub(super) async fn assign(
    conn: &mut PgConnection,
    id: Uuid,
    assignee: Option<String>,
    version: Option<i64>,
    actor: &str,
    now: OffsetDateTime,
) -> Result<Task, Error> {
    let before = locked(conn, id, version).await?;
    let mut after = before.clone();
    after.assignee_id.clone_from(&assignee);
    let changed = before.assignee_id != after.assignee_id;
    let after = keep(conn, before, after, actor, now).await?;
    if let Some(assignee) = assignee.filter(|_| changed) {
        let mut told = vec![assignee];
        add_watchers(conn, &after, &told, actor, now).await?;
        told.retain(|assignee| assignee != actor);
        reminders::notify(conn, id, &told, "assigned", actor, now).await?;
    }
    Ok(after)
}

/// Tells everybody who watches a task, but for the actor and those told already.
async fn tell_watchers(
    conn: &mut PgConnection,
    task: &Task,
    kind: &'static str,
    actor: &str,
    told: &[String],
    now: OffsetDateTime,
) -> Result<(), Error> {
    let mut watchers = store::watchers(conn, task.id).await?;
    watchers.retain(|watcher| watcher != actor && !told.contains(watcher));
    reminders::notify(conn, task.id, &watchers, kind, actor, now).await?;
    Ok(())
}

/// Adds watchers as far as there is room, and writes it down.
async fn add_watchers(
    conn: &mut PgConnection,
    task: &Task,
    employees: &[String],
    actor: &str,
    now: OffsetDateTime,
) -> Result<(), Error> {
    let present = store::watchers(conn, task.id).await?.len();
    let room = domain::MOST_WATCHERS.saturating_sub(present);
    let added = store::add_watchers(conn, task.id, &employees[..employees.len().min(room)]).await?;
    let changes: Vec<FieldChange> =
        added.into_iter().map(|employee| FieldChange { field: "watcher", old: String::new(), new: employee }).collect();
    store::append_history(conn, task, &changes, actor, now).await?;
    Ok(())
}

/// A comment as it was written.
pub(super) struct Written {
    pub(super) id: Uuid,
    pub(super) mentioned: Vec<String>,
}

/// Writes a comment; who is mentioned watches from now on.
pub(super) async fn comment(
    conn: &mut PgConnection,
    task_id: Uuid,
    text: &str,
    actor: &str,
    now: OffsetDateTime,
) -> Result<Written, Error> {
    let task = locked(conn, task_id, None).await?;
    let mentioned = domain::mentions(text);
    let id = service::new_id();
    store::insert_comment(conn, id, task_id, actor, text, &mentioned, now).await?;
    let mut joining = mentioned.clone();
    joining.push(actor.to_owned());
    add_watchers(conn, &task, &domain::tidy(joining), actor, now).await?;
    let named: Vec<String> = mentioned.iter().filter(|employee| *employee != actor).cloned().collect();
    reminders::notify(conn, task_id, &named, "mentioned", actor, now).await?;
    tell_watchers(conn, &task, "commented", actor, &named, now).await?;
    Ok(Written { id, mentioned })
}

/// Makes somebody watch a task, or stop; who watches then.
pub(super) async fn watch(
    conn: &mut PgConnection,
    task_id: Uuid,
    employee: &str,
    stop: bool,
    actor: &str,
    now: OffsetDateTime,
) -> Result<Vec<String>, Error> {
    let task = locked(conn, task_id, None).await?;
    if stop {
        if store::remove_watcher(conn, task_id, employee).await? {
            let change = FieldChange { field: "watcher", old: employee.to_owned(), new: String::new() };
            store::append_history(conn, &task, &[change], actor, now).await?;
        }
    } else {
        add_watchers(conn, &task, &[employee.to_owned()], actor, now).await?;
        let watchers = store::watchers(conn, task_id).await?;
        if !watchers.iter().any(|watcher| watcher == employee) {
            return Err(Error::refused("TOO_MANY_WATCHERS", "200 employees watch this task"));
        }
        return Ok(watchers);
    }
    Ok(store::watchers(conn, task_id).await?)
}
