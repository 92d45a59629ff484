//! Wire form of tasks.

use proto::{common::v1::PageRequest, tasks::v1 as wire};
use service::{Caller, Check, page::Page, status};
use time::OffsetDateTime;
use tonic::Status;
use uuid::Uuid;

use super::{
    commands::Edit,
    domain::{self, Task},
    queries::{ChangeView, CommentView, CountView, Filter},
};
use crate::{
    projects::domain::{is_code, is_key},
    workflows::domain::Mover,
};

impl Mover for Caller {
    fn may(&self, permission: &str) -> bool {
        Self::may(self, permission)
    }

    fn is(&self, role: &str) -> bool {
        self.roles.iter().any(|held| held == role)
    }
}

/// Puts the caller in the place of `me`; empty becomes `None`.
pub(crate) fn employee(check: &mut Check, field: &str, text: &str, caller: &Caller) -> Option<String> {
    let id = check.optional_text(field, text, 64);
    match id.as_str() {
        "" => None,
        "me" => Some(caller.id.clone()),
        _ => Some(id),
    }
}

/// Checks a priority; unspecified is normal.
pub(crate) fn priority(check: &mut Check, value: i32) -> i16 {
    match wire::Priority::try_from(value) {
        Ok(wire::Priority::Unspecified | wire::Priority::Normal) => 2,
        Ok(wire::Priority::Low) => 1,
        Ok(wire::Priority::High) => 3,
        Ok(wire::Priority::Urgent) => 4,
        Err(_) => {
            check.require(false, "priority", "unknown value");
            2
        }
    }
}

/// The wire's priority.
pub(crate) fn encode_priority(priority: i16) -> i32 {
    let priority = match priority {
        1 => wire::Priority::Low,
        3 => wire::Priority::High,
        4 => wire::Priority::Urgent,
        _ => wire::Priority::Normal,
    };
    priority.into()
}

fn labels(check: &mut Check, values: &[String]) -> Vec<String> {
    check.len("labels", values.len(), 0..=20);
    values.iter().take(20).map(|label| check.text("labels", label, 1..=40)).collect()
}

fn due(check: &mut Check, at: &Option<prost_types::Timestamp>) -> Option<OffsetDateTime> {
    at.as_ref().map(|_| check.timestamp("due_at", at))
}

/// Reads a new task and its watchers.
pub(super) fn new_task(
    request: &wire::CreateTaskRequest,
    caller: &Caller,
    now: OffsetDateTime,
) -> Result<(Task, Vec<String>), Status> {
    let mut check = Check::new();
    check.request_id(&request.request_id);
    check.require(is_key(&request.project), "project", "the key of a project, for example WH");
    let task_type = if request.task_type.is_empty() { "task" } else { &request.task_type };
    check.require(is_code(task_type, 40), "task_type", "the code of a task type");
    let kind = &request.subject_kind;
    check.require(kind.is_empty() || is_code(kind, 40), "subject_kind", "lower snake case, at most 40 characters");
    check.require(kind.is_empty() == request.subject_id.is_empty(), "subject_id", "kind and id, or neither");
    check.len("watcher_ids", request.watcher_ids.len(), 0..=50);
    let watchers = request.watcher_ids.iter().take(50).filter_map(|id| employee(&mut check, "watcher_ids", id, caller));
    let watchers = watchers.collect();
    let task = Task {
        id: service::new_id(),
        project: request.project.clone(),
        key: String::new(),
        task_type: task_type.to_owned(),
        state: String::new(),
        title: check.text("title", &request.title, 1..=300),
        title_en: String::new(),
        description: markdown(&mut check, "description", &request.description, 0, 20_000),
        description_en: String::new(),
        priority: priority(&mut check, request.priority),
        assignee_id: employee(&mut check, "assignee_id", &request.assignee_id, caller),
        role: check.optional_text("role", &request.role, 100),
        creator_id: caller.id.clone(),
        due_at: due(&mut check, &request.due_at),
        labels: domain::tidy(labels(&mut check, &request.labels)),
        subject_kind: kind.clone(),
        subject_id: check.optional_text("subject_id", &request.subject_id, 128),
        rule: String::new(),
        cause_key: None,
        version: 1,
        event_version: 1,
        opened_at: now,
        updated_at: now,
        closed_at: None,
        closed_by: String::new(),
    };
    check.done().map_err(status::invalid)?;
    Ok((task, watchers))
}

/// Where a list in the order of time goes on; a moment the database does not know was never in a token of ours.
pub(crate) fn page_by_time(request: &Option<PageRequest>) -> Result<Page<(OffsetDateTime, Uuid)>, Status> {
    let page = Page::<(OffsetDateTime, Uuid)>::parse(request).map_err(status::invalid)?;
    let mut check = Check::new();
    let known = page.after.is_none_or(|(at, _)| (1..=9999).contains(&at.year()));
    check.require(known, "page.page_token", "is not a token of this list");
    check.done().map_err(status::invalid)?;
    Ok(page)
}

/// Text with line breaks: no control characters but these and tabs.
pub(crate) fn markdown(check: &mut Check, field: &str, text: &str, least: usize, most: usize) -> String {
    let text = text.trim();
    check.require((least..=most).contains(&text.chars().count()), field, format!("{least} to {most} characters"));
    check.require(
        !text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')),
        field,
        "no control characters",
    );
    text.to_owned()
}

/// Reads an edit.
pub(super) fn edit(request: &wire::UpdateTaskRequest) -> Result<(Uuid, Edit), Status> {
    let mut check = Check::new();
    let id = check.uuid("task_id", &request.task_id);
    check.require(request.version > 0, "version", "must be the version seen");
    check.require(!(request.clear_due && request.due_at.is_some()), "clear_due", "not together with due_at");
    let due_at = due(&mut check, &request.due_at);
    let edit = Edit {
        title: request.title.as_ref().map(|text| check.text("title", text, 1..=300)),
        description: request.description.as_ref().map(|text| markdown(&mut check, "description", text, 0, 20_000)),
        priority: request.priority.map(|value| priority(&mut check, value)),
        due_at: if request.clear_due { Some(None) } else { due_at.map(Some) },
        labels: request.labels.as_ref().map(|list| labels(&mut check, &list.values)),
        role: request.role.as_ref().map(|role| check.optional_text("role", role, 100)),
    };
    check.done().map_err(status::invalid)?;
    Ok((id, edit))
}

fn filled(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// Reads the filters of a list.
pub(super) fn filter(request: &wire::ListTasksRequest, caller: &Caller) -> Result<Filter, Status> {
    let mut check = Check::new();
    check.len("projects", request.projects.len(), 0..=50);
    check.len("states", request.states.len(), 0..=50);
    check.require(
        request.subject_id.is_empty() || !request.subject_kind.is_empty(),
        "subject_id",
        "only together with subject_kind",
    );
    check.require(wire::TaskOrder::try_from(request.order).is_ok(), "order", "unknown value");
    let assignee = employee(&mut check, "assignee", &request.assignee, caller);
    let unassigned = assignee.as_deref() == Some("nobody");
    let stamp = |check: &mut Check, field: &str, at: &Option<prost_types::Timestamp>| {
        at.as_ref().map(|_| check.timestamp(field, at))
    };
    let filter = Filter {
        projects: (!request.projects.is_empty()).then(|| request.projects.clone()),
        states: (!request.states.is_empty()).then(|| request.states.clone()),
        assignee: assignee.filter(|_| !unassigned),
        unassigned,
        for_me: request.for_me.then(|| (caller.id.clone(), caller.roles.clone())),
        due_from: stamp(&mut check, "due_from", &request.due_from),
        due_before: stamp(&mut check, "due_before", &request.due_before),
        subject_kind: filled(&check.optional_text("subject_kind", &request.subject_kind, 40)),
        subject_id: filled(&check.optional_text("subject_id", &request.subject_id, 128)),
        text: filled(&check.optional_text("text", &request.text, 200)),
        open_only: request.open_only,
        rule: filled(&check.optional_text("rule", &request.rule, 60)),
        task_type: filled(&check.optional_text("task_type", &request.task_type, 40)),
        label: filled(&check.optional_text("label", &request.label, 40)),
    };
    for text in request.projects.iter().chain(&request.states) {
        check.optional_text("projects", text, 40);
    }
    check.done().map_err(status::invalid)?;
    Ok(filter)
}

pub(super) fn encode(task: Task, watcher_ids: Vec<String>) -> wire::Task {
    wire::Task {
        task_id: task.id.to_string(),
        key: task.key,
        project: task.project,
        task_type: task.task_type,
        state: task.state,
        closed: task.closed_at.is_some(),
        title: task.title,
        title_en: task.title_en,
        description: task.description,
        description_en: task.description_en,
        priority: encode_priority(task.priority),
        assignee_id: task.assignee_id.unwrap_or_default(),
        role: task.role,
        creator_id: task.creator_id,
        due_at: task.due_at.map(proto::to_timestamp),
        labels: task.labels,
        subject_kind: task.subject_kind,
        subject_id: task.subject_id,
        rule: task.rule,
        watcher_ids,
        version: task.version,
        opened_at: Some(proto::to_timestamp(task.opened_at)),
        updated_at: Some(proto::to_timestamp(task.updated_at)),
        closed_at: task.closed_at.map(proto::to_timestamp),
        closed_by: task.closed_by,
    }
}

pub(super) fn encode_comment(comment: CommentView) -> wire::Comment {
    wire::Comment {
        comment_id: comment.id.to_string(),
        task_id: comment.task_id.to_string(),
        author_id: comment.author_id,
        text: comment.body,
        mentioned_ids: comment.mentioned_ids,
        written_at: Some(proto::to_timestamp(comment.written_at)),
    }
}

pub(super) fn encode_change(change: ChangeView) -> wire::TaskChange {
    wire::TaskChange {
        field: change.field,
        old_value: change.old_value,
        new_value: change.new_value,
        actor_id: change.actor_id,
        version: change.version,
        changed_at: Some(proto::to_timestamp(change.changed_at)),
    }
}

pub(super) fn encode_count(count: CountView) -> wire::StateCount {
    wire::StateCount {
        project: count.project,
        state: count.state,
        closed: count.closed,
        count: count.count,
        overdue: count.overdue,
    }
}
