//! Lists and boards.

use proto::{common::v1::PageRequest, tasks::v1 as wire};
use testkit::{START, TestService};
use time::Duration;
use tonic::Code;

use crate::support::{ALL, create, new_task, start, tasks, tasks_as};

/// A forged token of a moment the database does not know: the year -9999.
const BEFORE_TIME: &str = "W1stOTk5OSwxLDAsMCwwLDAsMCwwLDBdLCIwMTkwYjVhMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDAiXQ";

async fn keys(app: &TestService, request: wire::ListTasksRequest) -> Vec<String> {
    let tasks = tasks(app).list_tasks(request).await.unwrap().into_inner().tasks;
    tasks.into_iter().map(|task| task.key).collect()
}

async fn some_tasks(app: &TestService) {
    let due = |days| Some(proto::to_timestamp(START + Duration::days(days)));
    let list = [
        wire::CreateTaskRequest {
            due_at: due(2), assignee_id: "anna".into(), ..new_task("1", "Проверить поставки")
        },
        wire::CreateTaskRequest {
            due_at: due(1), labels: vec!["брак".into()], ..new_task("2", "Разобрать возвраты")
        },
        wire::CreateTaskRequest { role: "warehouse".into(), ..new_task("3", "Count the lures") },
        wire::CreateTaskRequest {
            project: "FIN".into(),
            assignee_id: "boris".into(),
            subject_kind: "order".into(),
            subject_id: "42".into(),
            task_type: "payment".into(),
            ..new_task("4", "Сверить оплату")
        },
    ];
    for request in list {
        create(app, request).await;
        app.clock.advance(Duration::seconds(1));
    }
}

#[tokio::test]
async fn each_filter_finds_its_tasks() {
    let app = start().await;
    some_tasks(&app).await;
    let none = wire::ListTasksRequest::default;
    assert_eq!(keys(&app, none()).await, ["FIN-1", "WH-3", "WH-2", "WH-1"]);
    let by_due = wire::ListTasksRequest { order: wire::TaskOrder::Due.into(), ..none() };
    assert_eq!(keys(&app, by_due).await[..2], ["WH-2", "WH-1"]);
    let cases: Vec<(wire::ListTasksRequest, &[&str])> = vec![
        (wire::ListTasksRequest { projects: vec!["FIN".into(), "ORD".into()], ..none() }, &["FIN-1"]),
        (wire::ListTasksRequest { states: vec!["done".into()], ..none() }, &[]),
        (wire::ListTasksRequest { assignee: "me".into(), ..none() }, &["WH-1"]),
        (wire::ListTasksRequest { assignee: "boris".into(), ..none() }, &["FIN-1"]),
        (wire::ListTasksRequest { assignee: "nobody".into(), ..none() }, &["WH-3", "WH-2"]),
        (
            wire::ListTasksRequest { due_before: Some(proto::to_timestamp(START + Duration::days(2))), ..none() },
            &["WH-2"],
        ),
        (
            wire::ListTasksRequest { due_from: Some(proto::to_timestamp(START + Duration::days(2))), ..none() },
            &["WH-1"],
        ),
        (wire::ListTasksRequest { subject_kind: "order".into(), subject_id: "42".into(), ..none() }, &["FIN-1"]),
        (wire::ListTasksRequest { text: "поставка".into(), ..none() }, &["WH-1"]),
        (wire::ListTasksRequest { text: "counting lure".into(), ..none() }, &["WH-3"]),
        (wire::ListTasksRequest { text: "wh-2".into(), ..none() }, &["WH-2"]),
        (wire::ListTasksRequest { text: "' & ( |".into(), ..none() }, &[]),
        (wire::ListTasksRequest { label: "брак".into(), ..none() }, &["WH-2"]),
        (wire::ListTasksRequest { task_type: "payment".into(), ..none() }, &["FIN-1"]),
        (wire::ListTasksRequest { rule: "order_to_process".into(), ..none() }, &[]),
    ];
    for (request, expected) in cases {
        assert_eq!(keys(&app, request.clone()).await, expected, "{request:?}");
    }
}

#[tokio::test]
async fn what_is_for_me_is_mine_or_free_for_my_role() {
    let app = start().await;
    some_tasks(&app).await;
    let mut client =
        wire::task_service_client::TaskServiceClient::new(app.client_in_roles("boris", &["warehouse"], ALL));
    let request = wire::ListTasksRequest { for_me: true, open_only: true, ..Default::default() };
    let tasks = client.list_tasks(request).await.unwrap().into_inner().tasks;
    assert_eq!(tasks.into_iter().map(|task| task.key).collect::<Vec<_>>(), ["FIN-1", "WH-3"]);
}

#[tokio::test]
async fn a_list_is_walked_in_both_orders_without_loss_or_repeat() {
    let app = start().await;
    some_tasks(&app).await;
    create(&app, new_task("5", "same second a")).await;
    create(&app, new_task("6", "same second b")).await;
    for order in [wire::TaskOrder::Newest, wire::TaskOrder::Due] {
        let (mut seen, mut token) = (Vec::new(), String::new());
        loop {
            let page = Some(PageRequest { page_size: 1, page_token: token });
            let request = wire::ListTasksRequest { page, order: order.into(), ..Default::default() };
            let list = tasks(&app).list_tasks(request).await.unwrap().into_inner();
            seen.extend(list.tasks.into_iter().map(|task| task.key));
            token = list.page.unwrap().next_page_token;
            if token.is_empty() {
                break;
            }
        }
        let whole = keys(&app, wire::ListTasksRequest { order: order.into(), ..Default::default() }).await;
        assert_eq!((seen.len(), &seen), (6, &whole));
    }
}

#[tokio::test]
async fn absurd_lists_are_refused() {
    let app = start().await;
    let page = |page_size, token: &str| Some(PageRequest { page_size, page_token: token.into() });
    let bad = [
        wire::ListTasksRequest { page: page(501, ""), ..Default::default() },
        wire::ListTasksRequest { page: page(1, "rubbish"), ..Default::default() },
        wire::ListTasksRequest { page: page(1, BEFORE_TIME), ..Default::default() },
        wire::ListTasksRequest { projects: vec!["A".into(); 51], ..Default::default() },
        wire::ListTasksRequest { states: vec!["a\0".into()], ..Default::default() },
        wire::ListTasksRequest { subject_id: "1".into(), ..Default::default() },
        wire::ListTasksRequest { text: "x".repeat(201), ..Default::default() },
        wire::ListTasksRequest { order: 9, ..Default::default() },
    ];
    for request in bad {
        let status = tasks(&app).list_tasks(request.clone()).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{request:?}");
    }
}

#[tokio::test]
async fn the_board_counts_each_state_and_what_is_overdue() {
    let app = start().await;
    some_tasks(&app).await;
    app.clock.advance(Duration::hours(25));
    let counts = |project: &str, assignee: &str| {
        let request =
            wire::CountTasksRequest { project: project.into(), assignee: assignee.into(), rule: String::new() };
        let mut client = tasks_as(&app, "boris");
        async move {
            let counts = client.count_tasks(request).await.unwrap().into_inner().counts;
            counts.into_iter().map(|c| (c.project, c.state, c.count, c.overdue)).collect::<Vec<_>>()
        }
    };
    let all = counts("", "").await;
    assert_eq!(all, [("FIN".into(), "open".into(), 1, 0), ("WH".into(), "open".into(), 3, 1)]);
    assert_eq!(counts("FIN", "me").await, [("FIN".into(), "open".into(), 1, 0)]);
    assert!(counts("WH", "me").await.is_empty());
}
