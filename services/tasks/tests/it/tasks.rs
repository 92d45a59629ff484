//! One task: opened, edited, moved, assigned, talked about.

use proto::tasks::v1::{self as wire, TasksEvent, tasks_event::Event};
use time::Duration;
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::support::{create, fields, get, new_task, reason, start, tasks, tasks_as};

fn go(task: &wire::Task, state: &str) -> wire::MoveTaskRequest {
    wire::MoveTaskRequest { task_id: task.task_id.clone(), to_state: state.into(), version: 0, comment: String::new() }
}

async fn history(app: &testkit::TestService, id: &str) -> Vec<(String, String, String, String)> {
    let request = wire::ListTaskHistoryRequest { page: None, task_id: id.into() };
    let changes = tasks(app).list_task_history(request).await.unwrap().into_inner().changes;
    changes.into_iter().map(|c| (c.field, c.old_value, c.new_value, c.actor_id)).collect()
}

#[tokio::test]
async fn a_task_opened_twice_with_one_key_is_one_task() {
    let app = start().await;
    let request = wire::CreateTaskRequest {
        description: "**срочно**\nсм. заказ".into(),
        priority: wire::Priority::High.into(),
        assignee_id: "boris".into(),
        labels: vec!["б".into(), "а".into(), "б".into()],
        subject_kind: "order".into(),
        subject_id: "42".into(),
        watcher_ids: vec!["vera".into()],
        ..new_task("r1", " Позвонить покупателю ")
    };
    let task = create(&app, request.clone()).await;
    assert_eq!((task.key.as_str(), task.state.as_str(), task.title.as_str()), ("WH-1", "open", "Позвонить покупателю"));
    assert_eq!(task.labels, ["а", "б"]);
    assert_eq!(task.watcher_ids, ["anna", "boris", "vera"]);
    assert_eq!(create(&app, request.clone()).await, task);
    let other = tasks(&app).create_task(wire::CreateTaskRequest { title: "x".into(), ..request }).await.unwrap_err();
    assert_eq!((other.code(), reason(&other).as_str()), (Code::AlreadyExists, "IDEMPOTENCY_CONFLICT"));
    assert_eq!(get(&app, &task.task_id).await, task);
    assert_eq!(get(&app, "wh-1").await, task, "also by its key");
    let facts = app.facts::<TasksEvent>("task_opened").await;
    let [TasksEvent { event: Some(Event::TaskOpened(fact)) }] = facts.as_slice() else { panic!("{facts:?}") };
    assert_eq!((fact.key.as_str(), fact.subject_kind.as_str(), fact.rule.as_str()), ("WH-1", "order", ""));
}

#[tokio::test]
async fn bad_tasks_are_refused_and_change_nothing() {
    let app = start().await;
    let bad = wire::CreateTaskRequest {
        project: "wh".into(),
        title: "x".repeat(301),
        priority: 17,
        labels: vec![String::new(); 21],
        subject_kind: "order".into(),
        description: "a\0b".into(),
        due_at: Some(prost_types::Timestamp { seconds: i64::MAX, nanos: 0 }),
        ..new_task("r 1", "")
    };
    let status = tasks(&app).create_task(bad).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    for field in ["request_id", "project", "title", "priority", "labels", "subject_id", "description", "due_at"] {
        assert!(fields(&status).contains(&field.to_owned()), "{field} not in {:?}", fields(&status));
    }
    let unknown = wire::CreateTaskRequest { project: "NONE".into(), ..new_task("r1", "x") };
    assert_eq!(tasks(&app).create_task(unknown).await.unwrap_err().code(), Code::NotFound);
    let unknown = wire::CreateTaskRequest { task_type: "none".into(), ..new_task("r1", "x") };
    assert_eq!(tasks(&app).create_task(unknown).await.unwrap_err().code(), Code::NotFound);
    assert!(app.events().await.is_empty());
}

#[tokio::test]
async fn who_may_not_is_refused_every_rpc() {
    let app = start().await;
    let mut client = wire::task_service_client::TaskServiceClient::new(app.client(&["orders.order.read"]));
    let denied = |result: Result<(), tonic::Status>| assert_eq!(result.unwrap_err().code(), Code::PermissionDenied);
    denied(client.create_task(new_task("r", "x")).await.map(|_| ()));
    denied(client.get_task(wire::GetTaskRequest::default()).await.map(|_| ()));
    denied(client.update_task(wire::UpdateTaskRequest::default()).await.map(|_| ()));
    denied(client.move_task(wire::MoveTaskRequest::default()).await.map(|_| ()));
    denied(client.assign_task(wire::AssignTaskRequest::default()).await.map(|_| ()));
    denied(client.comment_task(wire::CommentTaskRequest::default()).await.map(|_| ()));
    denied(client.list_comments(wire::ListCommentsRequest::default()).await.map(|_| ()));
    denied(client.watch_task(wire::WatchTaskRequest::default()).await.map(|_| ()));
    denied(client.list_tasks(wire::ListTasksRequest::default()).await.map(|_| ()));
    denied(client.list_task_history(wire::ListTaskHistoryRequest::default()).await.map(|_| ()));
    denied(client.count_tasks(wire::CountTasksRequest::default()).await.map(|_| ()));
    let mut nobody = wire::task_service_client::TaskServiceClient::new(app.anonymous());
    assert_eq!(nobody.get_task(wire::GetTaskRequest::default()).await.unwrap_err().code(), Code::Unauthenticated);
}

#[tokio::test]
async fn unknown_tasks_are_not_found_and_malformed_ids_invalid() {
    let app = start().await;
    let mut client = tasks(&app);
    let id = "0190b5a0-0000-7000-8000-000000000000".to_owned();
    let codes = |id: String| {
        let mut client = client.clone();
        async move {
            let update = wire::UpdateTaskRequest { task_id: id.clone(), version: 1, ..Default::default() };
            let step = wire::MoveTaskRequest { task_id: id.clone(), to_state: "done".into(), ..Default::default() };
            let comment = wire::CommentTaskRequest { request_id: "r".into(), task_id: id.clone(), text: "x".into() };
            [
                client.update_task(update).await.unwrap_err().code(),
                client.move_task(step).await.unwrap_err().code(),
                client
                    .assign_task(wire::AssignTaskRequest { task_id: id.clone(), ..Default::default() })
                    .await
                    .unwrap_err()
                    .code(),
                client.comment_task(comment).await.unwrap_err().code(),
                client
                    .list_comments(wire::ListCommentsRequest { page: None, task_id: id.clone() })
                    .await
                    .unwrap_err()
                    .code(),
                client
                    .watch_task(wire::WatchTaskRequest { task_id: id.clone(), ..Default::default() })
                    .await
                    .unwrap_err()
                    .code(),
                client
                    .list_task_history(wire::ListTaskHistoryRequest { page: None, task_id: id })
                    .await
                    .unwrap_err()
                    .code(),
            ]
        }
    };
    assert_eq!(codes(id).await, [Code::NotFound; 7]);
    assert_eq!(codes("WH-1; drop table".into()).await, [Code::InvalidArgument; 7]);
    let unknown = client.get_task(wire::GetTaskRequest { task_id: "WH-999".into() }).await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
}

#[tokio::test]
async fn an_edit_changes_what_it_names_and_is_written_down() {
    let app = start().await;
    let task = create(&app, new_task("r1", "Старое")).await;
    app.clock.advance(Duration::minutes(5));
    let edit = wire::UpdateTaskRequest {
        task_id: task.task_id.clone(),
        version: 1,
        title: Some("Новое".into()),
        priority: Some(wire::Priority::Urgent.into()),
        due_at: Some(proto::to_timestamp(testkit::START + Duration::days(1))),
        labels: Some(wire::Labels { values: vec!["z".into()] }),
        ..Default::default()
    };
    let after = tasks_as(&app, "boris").update_task(edit).await.unwrap().into_inner().task.unwrap();
    assert_eq!((after.title.as_str(), after.version, after.description.as_str()), ("Новое", 2, ""));
    let rows = history(&app, &task.task_id).await;
    let row = |f: &str, o: &str, n: &str, a: &str| (f.to_owned(), o.to_owned(), n.to_owned(), a.to_owned());
    assert_eq!(
        rows,
        [
            row("created", "", "open", "anna"),
            row("title", "Старое", "Новое", "boris"),
            row("priority", "2", "4", "boris"),
            row("due", "", "2026-03-03T09:00:00Z", "boris"),
            row("labels", "", "z", "boris"),
        ]
    );
    let same = wire::UpdateTaskRequest {
        task_id: task.task_id.clone(),
        version: 2,
        title: Some("Новое".into()),
        ..Default::default()
    };
    let same = tasks(&app).update_task(same).await.unwrap().into_inner().task.unwrap();
    assert_eq!(same, after, "nothing changed, no new version");
    let cleared =
        wire::UpdateTaskRequest { task_id: task.task_id.clone(), version: 2, clear_due: true, ..Default::default() };
    let cleared = tasks(&app).update_task(cleared).await.unwrap().into_inner().task.unwrap();
    assert_eq!((cleared.due_at, cleared.version), (None, 3));
}

#[tokio::test]
async fn of_twenty_edits_of_one_version_exactly_one_wins() {
    let app = start().await;
    let task = create(&app, new_task("r1", "x")).await;
    let mut work = Vec::new();
    for n in 0..20 {
        let mut client = tasks(&app);
        let edit = wire::UpdateTaskRequest {
            task_id: task.task_id.clone(),
            version: 1,
            title: Some(format!("title {n}")),
            ..Default::default()
        };
        work.push(tokio::spawn(async move { client.update_task(edit).await }));
    }
    let mut won = Vec::new();
    for job in work {
        match job.await.unwrap() {
            Ok(done) => won.push(done.into_inner().task.unwrap()),
            Err(lost) => assert_eq!((lost.code(), reason(&lost).as_str()), (Code::Aborted, "VERSION_CONFLICT")),
        }
    }
    assert_eq!(won.len(), 1);
    assert_eq!(get(&app, &task.task_id).await, won[0]);
}

#[tokio::test]
async fn a_task_moves_along_arrows_only() {
    let app = start().await;
    let task = create(&app, new_task("r1", "x")).await;
    let wrong = tasks(&app).move_task(go(&task, "done")).await.unwrap_err();
    assert_eq!((wrong.code(), reason(&wrong).as_str()), (Code::FailedPrecondition, "INVALID_TRANSITION"));
    assert_eq!(wrong.get_details_error_info().unwrap().metadata["allowed"], "in_progress,cancelled");
    let nowhere = tasks(&app).move_task(go(&task, "nirvana")).await.unwrap_err();
    assert_eq!(reason(&nowhere), "INVALID_TRANSITION");

    let moved = tasks(&app).move_task(go(&task, "in_progress")).await.unwrap().into_inner().task.unwrap();
    assert_eq!((moved.state.as_str(), moved.closed, moved.version), ("in_progress", false, 2));
    let same = tasks(&app).move_task(go(&task, "in_progress")).await.unwrap().into_inner().task.unwrap();
    assert_eq!(same, moved, "moving to the present state changes nothing");
    let done = tasks(&app).move_task(go(&task, "done")).await.unwrap().into_inner().task.unwrap();
    assert_eq!((done.closed, done.closed_by.as_str(), done.closed_at.is_some()), (true, "person", true));
    let reopened = tasks(&app).move_task(go(&task, "open")).await.unwrap().into_inner().task.unwrap();
    assert_eq!((reopened.closed, reopened.closed_by.as_str(), reopened.closed_at), (false, "", None));
    let late = wire::MoveTaskRequest { version: 1, ..go(&task, "in_progress") };
    assert_eq!(tasks(&app).move_task(late).await.unwrap_err().code(), Code::Aborted);

    let events = app.events().await;
    let names: Vec<(&str, i64)> = events.iter().map(|event| (event.name.as_str(), event.version)).collect();
    assert_eq!(names, [("task_opened", 1), ("task_moved", 2), ("task_closed", 3), ("task_moved", 4)]);
}

#[tokio::test]
async fn moves_to_one_state_at_once_are_one_move() {
    let app = start().await;
    let task = create(&app, new_task("r1", "x")).await;
    let mut work = Vec::new();
    for _ in 0..10 {
        let (mut client, step) = (tasks(&app), go(&task, "in_progress"));
        work.push(tokio::spawn(async move { client.move_task(step).await }));
    }
    for job in work {
        job.await.unwrap().unwrap();
    }
    assert_eq!(get(&app, &task.task_id).await.version, 2);
    assert_eq!(app.events().await.len(), 2);
}

#[tokio::test]
async fn the_moves_shown_are_the_moves_allowed() {
    let app = start().await;
    let task = create(&app, new_task("r1", "x")).await;
    let shown = tasks(&app).get_task(wire::GetTaskRequest { task_id: task.key.clone() }).await.unwrap().into_inner();
    let states: Vec<String> = shown.allowed_moves.into_iter().map(|step| step.to_state).collect();
    assert_eq!(states, ["in_progress", "cancelled"]);
}

#[tokio::test]
async fn a_task_is_given_and_taken_back() {
    let app = start().await;
    let task = create(&app, new_task("r1", "x")).await;
    let give =
        |who: &str| wire::AssignTaskRequest { task_id: task.task_id.clone(), assignee_id: who.into(), version: 0 };
    let mine = tasks_as(&app, "boris").assign_task(give("me")).await.unwrap().into_inner().task.unwrap();
    assert_eq!(mine.assignee_id, "boris");
    assert!(mine.watcher_ids.contains(&"boris".to_owned()));
    let free = tasks(&app).assign_task(give("")).await.unwrap().into_inner().task.unwrap();
    assert_eq!((free.assignee_id.as_str(), free.version), ("", 3));
    let rows = history(&app, &task.task_id).await;
    assert!(rows.contains(&("assignee".into(), String::new(), "boris".into(), "boris".into())));
    assert!(rows.contains(&("assignee".into(), "boris".into(), String::new(), "anna".into())));
}

#[tokio::test]
async fn who_is_mentioned_watches_and_a_repeated_comment_is_one() {
    let app = start().await;
    let task = create(&app, new_task("r1", "x")).await;
    let request = wire::CommentTaskRequest {
        request_id: "c1".into(),
        task_id: task.task_id.clone(),
        text: "@vera посмотри, пиши на a@b.ru".into(),
    };
    let comment = tasks(&app).comment_task(request.clone()).await.unwrap().into_inner().comment.unwrap();
    assert_eq!(comment.mentioned_ids, ["vera"]);
    let again = tasks(&app).comment_task(request).await.unwrap().into_inner().comment.unwrap();
    assert_eq!(again, comment);
    let list = wire::ListCommentsRequest { page: None, task_id: task.task_id.clone() };
    let list = tasks(&app).list_comments(list).await.unwrap().into_inner().comments;
    assert_eq!(list, [comment]);
    assert_eq!(get(&app, &task.task_id).await.watcher_ids, ["anna", "vera"]);
    let empty = wire::CommentTaskRequest { request_id: "c2".into(), task_id: task.task_id, text: " ".into() };
    assert_eq!(tasks(&app).comment_task(empty).await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn watching_begins_and_ends() {
    let app = start().await;
    let task = create(&app, new_task("r1", "x")).await;
    let watch =
        |who: &str, stop| wire::WatchTaskRequest { task_id: task.task_id.clone(), employee_id: who.into(), stop };
    let now = tasks_as(&app, "gleb").watch_task(watch("", false)).await.unwrap().into_inner().watcher_ids;
    assert_eq!(now, ["anna", "gleb"]);
    let now = tasks(&app).watch_task(watch("gleb", true)).await.unwrap().into_inner().watcher_ids;
    assert_eq!(now, ["anna"]);
    let mut reader = wire::task_service_client::TaskServiceClient::new(app.client_as("reader", &["tasks.task.read"]));
    assert_eq!(reader.watch_task(watch("vera", false)).await.unwrap_err().code(), Code::PermissionDenied);
    assert!(reader.watch_task(watch("me", false)).await.is_ok());
}
