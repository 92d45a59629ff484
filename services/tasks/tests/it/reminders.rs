//! Reminders fire once; employees are told what concerns them.

use proto::tasks::v1 as wire;
use testkit::{START, TestService};
use time::Duration;
use tonic::Code;

use crate::support::{create, get, new_task, reason, reminders_as, start, tasks, tasks_as};

async fn told(app: &TestService, who: &str) -> Vec<(String, String)> {
    let list = reminders_as(app, who).list_notifications(wire::ListNotificationsRequest::default()).await.unwrap();
    list.into_inner().notifications.into_iter().map(|n| (n.kind, n.task_key)).collect()
}

fn one(kind: &str) -> Vec<(String, String)> {
    vec![(kind.to_owned(), "WH-1".to_owned())]
}

fn due_task() -> wire::CreateTaskRequest {
    wire::CreateTaskRequest {
        due_at: Some(proto::to_timestamp(START + Duration::hours(10))),
        assignee_id: "boris".into(),
        ..new_task("r1", "x")
    }
}

fn remind(task: &wire::Task, id: &str, offset: i64) -> wire::SetReminderRequest {
    wire::SetReminderRequest {
        request_id: id.into(),
        task_id: task.task_id.clone(),
        employee_id: "vera".into(),
        offset_seconds: Some(offset),
        at: None,
    }
}

#[tokio::test]
async fn reminders_before_and_after_due_fire_once_each() {
    let app = start().await;
    let task = create(&app, due_task()).await;
    let mut client = reminders_as(&app, "anna");
    client.set_reminder(remind(&task, "a", -3600)).await.unwrap();
    client.set_reminder(remind(&task, "b", 3600)).await.unwrap();
    app.run_job("tasks_reminders").await.unwrap();
    assert!(told(&app, "vera").await.is_empty(), "too early");
    app.clock.advance(Duration::hours(9));
    app.run_job("tasks_reminders").await.unwrap();
    app.run_job("tasks_reminders").await.unwrap();
    assert_eq!(told(&app, "vera").await, one("reminder"));
    app.clock.advance(Duration::hours(2));
    let (first, second) = tokio::join!(app.run_job("tasks_reminders"), app.run_job("tasks_reminders"));
    first.and(second).unwrap();
    assert_eq!(told(&app, "vera").await.len(), 2);
    let list = client.list_reminders(wire::ListRemindersRequest { task_id: task.task_id }).await.unwrap().into_inner();
    assert!(list.reminders.iter().all(|reminder| reminder.fired_at.is_some()));
}

#[tokio::test]
async fn a_reminder_set_twice_with_one_key_is_one_and_can_be_taken_away() {
    let app = start().await;
    let task = create(&app, due_task()).await;
    let mut client = reminders_as(&app, "anna");
    let first = client.set_reminder(remind(&task, "a", -60)).await.unwrap().into_inner();
    assert_eq!(client.set_reminder(remind(&task, "a", -60)).await.unwrap().into_inner(), first);
    let id = first.reminder.unwrap().reminder_id;
    for _ in 0..2 {
        client.delete_reminder(wire::DeleteReminderRequest { reminder_id: id.clone() }).await.unwrap();
    }
    app.clock.advance(Duration::hours(20));
    app.run_job("tasks_reminders").await.unwrap();
    assert!(told(&app, "vera").await.is_empty());
}

#[tokio::test]
async fn a_relative_reminder_moves_with_the_due_time_and_rests_without_one() {
    let app = start().await;
    let task = create(&app, due_task()).await;
    reminders_as(&app, "anna").set_reminder(remind(&task, "a", 0)).await.unwrap();
    let clear =
        wire::UpdateTaskRequest { task_id: task.task_id.clone(), version: 1, clear_due: true, ..Default::default() };
    tasks(&app).update_task(clear).await.unwrap();
    app.clock.advance(Duration::hours(20));
    app.run_job("tasks_reminders").await.unwrap();
    assert!(told(&app, "vera").await.is_empty());
    let due = Some(proto::to_timestamp(START + Duration::hours(30)));
    let later =
        wire::UpdateTaskRequest { task_id: task.task_id.clone(), version: 2, due_at: due, ..Default::default() };
    tasks(&app).update_task(later).await.unwrap();
    app.run_job("tasks_reminders").await.unwrap();
    assert!(told(&app, "vera").await.is_empty());
    app.clock.advance(Duration::hours(10));
    app.run_job("tasks_reminders").await.unwrap();
    assert_eq!(told(&app, "vera").await, one("reminder"));
}

#[tokio::test]
async fn a_reminder_for_nobody_goes_to_the_assignee_or_the_watchers() {
    let app = start().await;
    let task = create(&app, due_task()).await;
    let to_all = wire::SetReminderRequest { employee_id: String::new(), ..remind(&task, "a", 0) };
    reminders_as(&app, "anna").set_reminder(to_all).await.unwrap();
    let own = wire::SetReminderRequest {
        employee_id: String::new(),
        offset_seconds: None,
        at: Some(proto::to_timestamp(START + Duration::hours(11))),
        ..remind(&task, "b", 0)
    };
    reminders_as(&app, "anna").set_reminder(own).await.unwrap();
    app.clock.advance(Duration::hours(10));
    app.run_job("tasks_reminders").await.unwrap();
    assert_eq!(told(&app, "boris").await.first(), one("reminder").first());
    assert!(told(&app, "anna").await.is_empty());
    let free = wire::AssignTaskRequest { task_id: task.task_id, assignee_id: String::new(), version: 0 };
    tasks(&app).assign_task(free).await.unwrap();
    app.clock.advance(Duration::hours(1));
    app.run_job("tasks_reminders").await.unwrap();
    assert_eq!(told(&app, "anna").await, one("reminder"));
    assert_eq!(told(&app, "boris").await.len(), 3, "assigned, and both reminders: he still watches");
}

#[tokio::test]
async fn a_closed_task_reminds_nobody() {
    let app = start().await;
    let task = create(&app, due_task()).await;
    reminders_as(&app, "anna").set_reminder(remind(&task, "a", 0)).await.unwrap();
    let close =
        wire::MoveTaskRequest { task_id: task.task_id.clone(), to_state: "cancelled".into(), ..Default::default() };
    tasks(&app).move_task(close).await.unwrap();
    app.clock.advance(Duration::hours(20));
    app.run_job("tasks_reminders").await.unwrap();
    assert!(told(&app, "vera").await.is_empty());
    let late = reminders_as(&app, "anna").set_reminder(remind(&task, "b", 0)).await.unwrap_err();
    assert_eq!(reason(&late), "TASK_CLOSED");
}

#[tokio::test]
async fn bad_reminders_are_refused() {
    let app = start().await;
    let task = create(&app, new_task("r1", "x")).await;
    let mut client = reminders_as(&app, "anna");
    assert_eq!(reason(&client.set_reminder(remind(&task, "a", 0)).await.unwrap_err()), "NO_DUE_DATE");
    let both = wire::SetReminderRequest { at: Some(proto::to_timestamp(START)), ..remind(&task, "b", 0) };
    assert_eq!(client.set_reminder(both).await.unwrap_err().code(), Code::InvalidArgument);
    let neither = wire::SetReminderRequest { offset_seconds: None, ..remind(&task, "b", 0) };
    assert_eq!(client.set_reminder(neither).await.unwrap_err().code(), Code::InvalidArgument);
    assert_eq!(client.set_reminder(remind(&task, "b", i64::MIN)).await.unwrap_err().code(), Code::InvalidArgument);
    let mut unknown = remind(&task, "c", 0);
    unknown.task_id = "0190b5a0-0000-7000-8000-000000000000".into();
    assert_eq!(client.set_reminder(unknown).await.unwrap_err().code(), Code::NotFound);
    let unknown = wire::ListRemindersRequest { task_id: "0190b5a0-0000-7000-8000-000000000000".into() };
    assert_eq!(client.list_reminders(unknown).await.unwrap_err().code(), Code::NotFound);
    let bad = wire::DeleteReminderRequest { reminder_id: "7".into() };
    assert_eq!(client.delete_reminder(bad).await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn everybody_is_told_once_what_concerns_them_and_never_what_they_did() {
    let app = start().await;
    let task = create(&app, due_task()).await;
    assert_eq!(told(&app, "boris").await, one("assigned"));
    let text =
        wire::CommentTaskRequest { request_id: "c".into(), task_id: task.task_id.clone(), text: "@vera см.".into() };
    tasks_as(&app, "boris").comment_task(text).await.unwrap();
    assert_eq!(told(&app, "vera").await, one("mentioned"), "not commented besides");
    assert_eq!(told(&app, "anna").await, one("commented"));
    assert_eq!(told(&app, "boris").await.len(), 1);
    let step =
        wire::MoveTaskRequest { task_id: task.task_id.clone(), to_state: "in_progress".into(), ..Default::default() };
    tasks_as(&app, "boris").move_task(step).await.unwrap();
    assert_eq!(told(&app, "anna").await[0].0, "moved");
    assert_eq!(get(&app, &task.key).await.watcher_ids, ["anna", "boris", "vera"]);
}

#[tokio::test]
async fn notifications_are_read_one_by_one_or_all() {
    let app = start().await;
    for n in 0..3 {
        let request = wire::CreateTaskRequest { assignee_id: "boris".into(), ..new_task(&format!("r{n}"), "x") };
        create(&app, request).await;
    }
    let mut client = reminders_as(&app, "boris");
    let list = client.list_notifications(wire::ListNotificationsRequest::default()).await.unwrap().into_inner();
    assert_eq!((list.unread, list.notifications.len()), (3, 3));
    let first = list.notifications[0].notification_id.clone();
    let mut other = reminders_as(&app, "vera");
    let marked = other.mark_read(wire::MarkReadRequest { notification_ids: vec![first.clone()] }).await.unwrap();
    assert_eq!(marked.into_inner().marked, 0, "not hers");
    let marked = client.mark_read(wire::MarkReadRequest { notification_ids: vec![first] }).await.unwrap();
    assert_eq!(marked.into_inner().marked, 1);
    let unread = wire::ListNotificationsRequest { page: None, unread_only: true };
    assert_eq!(client.list_notifications(unread.clone()).await.unwrap().into_inner().notifications.len(), 2);
    assert_eq!(client.mark_read(wire::MarkReadRequest::default()).await.unwrap().into_inner().marked, 2);
    assert_eq!(client.list_notifications(unread).await.unwrap().into_inner().unread, 0);
    let bad = client.mark_read(wire::MarkReadRequest { notification_ids: vec!["x".into()] }).await.unwrap_err();
    assert_eq!(bad.code(), Code::InvalidArgument);
}
