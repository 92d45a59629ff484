//! Projects and their numbers.

use proto::{common::v1::PageRequest, tasks::v1 as wire};
use tonic::Code;

use crate::support::{create, fields, new_task, projects, reason, start, tasks};

fn request(id: &str, key: &str) -> wire::CreateProjectRequest {
    wire::CreateProjectRequest {
        request_id: id.into(),
        key: key.into(),
        name: "Маркетинг".into(),
        description: String::new(),
    }
}

#[tokio::test]
async fn a_project_is_made_once_however_often_it_is_asked_for() {
    let app = start().await;
    let mut client = projects(&app);
    let first = client.create_project(request("r1", "MKT")).await.unwrap().into_inner();
    let again = client.create_project(request("r1", "MKT")).await.unwrap().into_inner();
    assert_eq!(first, again);
    let other = client.create_project(request("r1", "MKT2")).await.unwrap_err();
    assert_eq!((other.code(), reason(&other).as_str()), (Code::AlreadyExists, "IDEMPOTENCY_CONFLICT"));
    let taken = client.create_project(request("r2", "MKT")).await.unwrap_err();
    assert_eq!((taken.code(), reason(&taken).as_str()), (Code::AlreadyExists, "PROJECT_KEY_TAKEN"));
    let got = client.get_project(wire::GetProjectRequest { key: "MKT".into() }).await.unwrap().into_inner();
    assert_eq!(got.project, first.project);
}

#[tokio::test]
async fn bad_projects_are_refused_field_by_field() {
    let app = start().await;
    let mut client = projects(&app);
    let bad = wire::CreateProjectRequest { name: " ".into(), ..request("", "wh-1") };
    let status = client.create_project(bad).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(fields(&status), ["request_id", "key", "name"]);
    let unknown = client.get_project(wire::GetProjectRequest { key: "NONE".into() }).await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
    let mut stranger = proto::tasks::v1::project_service_client::ProjectServiceClient::new(app.client(&[]));
    assert_eq!(stranger.create_project(request("r", "MKT")).await.unwrap_err().code(), Code::PermissionDenied);
}

#[tokio::test]
async fn projects_are_listed_by_key_page_by_page() {
    let app = start().await;
    let mut client = projects(&app);
    let (mut keys, mut token) = (Vec::new(), String::new());
    loop {
        let page = Some(PageRequest { page_size: 3, page_token: token });
        let list = client.list_projects(wire::ListProjectsRequest { page, include_archived: false }).await.unwrap();
        let list = list.into_inner();
        keys.extend(list.projects.into_iter().map(|project| project.key));
        token = list.page.unwrap().next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(keys, ["BUY", "FIN", "ORD", "WH"]);
}

#[tokio::test]
async fn two_changes_of_one_version_leave_one() {
    let app = start().await;
    let mut client = projects(&app);
    client.create_project(request("r1", "MKT")).await.unwrap();
    let change = |name: &str, archived| wire::UpdateProjectRequest {
        key: "MKT".into(),
        name: name.into(),
        description: String::new(),
        archived,
        version: 1,
    };
    let changed = client.update_project(change("Реклама", true)).await.unwrap().into_inner().project.unwrap();
    assert_eq!((changed.name.as_str(), changed.version, changed.archived), ("Реклама", 2, true));
    let lost = client.update_project(change("PR", false)).await.unwrap_err();
    assert_eq!((lost.code(), reason(&lost).as_str()), (Code::Aborted, "VERSION_CONFLICT"));
    let task = wire::CreateTaskRequest { project: "MKT".into(), ..new_task("t1", "x") };
    let refused = tasks(&app).create_task(task).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "PROJECT_ARCHIVED"));
}

#[tokio::test]
async fn a_project_that_rules_need_is_not_archived() {
    let app = start().await;
    let change = wire::UpdateProjectRequest {
        key: "WH".into(),
        name: "Склад".into(),
        description: String::new(),
        archived: true,
        version: 1,
    };
    let refused = projects(&app).update_project(change).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "PROJECT_IN_USE"));
}

#[tokio::test]
async fn numbers_have_no_gaps_when_forty_tasks_are_opened_at_once_and_some_fail() {
    let app = start().await;
    let mut work = Vec::new();
    for n in 0..40 {
        let mut client = tasks(&app);
        let mut request = new_task(&format!("r{n}"), "собрать");
        if n % 4 == 0 {
            request.task_type = "no_such_type".into();
        }
        work.push(tokio::spawn(async move { client.create_task(request).await }));
    }
    let mut numbers = Vec::new();
    for job in work {
        if let Ok(done) = job.await.unwrap() {
            let key = done.into_inner().task.unwrap().key;
            numbers.push(key.strip_prefix("WH-").unwrap().parse::<i64>().unwrap());
        }
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=30).collect::<Vec<_>>());
    assert_eq!(create(&app, new_task("last", "x")).await.key, "WH-31");
}
