//! Workflows are data: read, drawn, refused.

use proto::tasks::v1 as wire;
use tonic::Code;

use crate::support::{ALL, create, fields, new_task, reason, start, tasks, workflows};

fn state(code: &str, last: bool) -> wire::WorkflowState {
    wire::WorkflowState { code: code.into(), name_ru: code.into(), name_en: code.into(), r#final: last }
}

fn arrow(from: &str, to: &str, permission: &str, role: &str) -> wire::WorkflowTransition {
    wire::WorkflowTransition {
        from_state: from.into(),
        to_state: to.into(),
        permission: permission.into(),
        role: role.into(),
    }
}

fn review() -> wire::PutWorkflowRequest {
    wire::PutWorkflowRequest {
        code: "review".into(),
        name: "С проверкой".into(),
        initial_state: "todo".into(),
        states: vec![state("todo", false), state("check", false), state("ok", true)],
        transitions: vec![
            arrow("todo", "check", "", ""),
            arrow("check", "ok", "tasks.review.approve", "chief"),
            arrow("check", "todo", "", ""),
        ],
        version: 0,
    }
}

fn page_type() -> wire::PutTaskTypeRequest {
    wire::PutTaskTypeRequest {
        code: "page".into(),
        name_ru: "Страница".into(),
        name_en: "Page".into(),
        workflow: "review".into(),
    }
}

#[tokio::test]
async fn the_default_workflow_is_there() {
    let app = start().await;
    let all = workflows(&app).list_workflows(wire::ListWorkflowsRequest {}).await.unwrap().into_inner().workflows;
    let one = workflows(&app).get_workflow(wire::GetWorkflowRequest { code: "default".into() }).await.unwrap();
    assert_eq!(all, [one.into_inner().workflow.unwrap()]);
    let states: Vec<&str> = all[0].states.iter().map(|state| state.code.as_str()).collect();
    assert_eq!(states, ["open", "in_progress", "done", "cancelled"]);
    let types = workflows(&app).list_task_types(wire::ListTaskTypesRequest {}).await.unwrap().into_inner().task_types;
    let types: Vec<&str> = types.iter().map(|one| one.code.as_str()).collect();
    for code in ["task", "order_processing", "assembly", "purchase", "payment", "recall"] {
        assert!(types.contains(&code), "{code} not in {types:?}");
    }
}

#[tokio::test]
async fn a_drawn_workflow_is_followed_and_asks_for_permission_and_role() {
    let app = start().await;
    let stored = workflows(&app).put_workflow(review()).await.unwrap().into_inner().workflow.unwrap();
    let got = workflows(&app).get_workflow(wire::GetWorkflowRequest { code: "review".into() }).await.unwrap();
    let mut got = got.into_inner().workflow.unwrap();
    got.transitions.sort_by_key(|arrow| (arrow.from_state != "todo", arrow.to_state != "ok"));
    assert_eq!(got, stored);
    workflows(&app).put_task_type(page_type()).await.unwrap();
    let task = create(&app, wire::CreateTaskRequest { task_type: "page".into(), ..new_task("r1", "x") }).await;
    assert_eq!(task.state, "todo");
    let step =
        |to: &str| wire::MoveTaskRequest { task_id: task.task_id.clone(), to_state: to.into(), ..Default::default() };
    tasks(&app).move_task(step("check")).await.unwrap();
    let denied = tasks(&app).move_task(step("ok")).await.unwrap_err();
    assert_eq!(reason(&denied), "INVALID_TRANSITION");
    let chief = app.client_in_roles("chief", &["chief"], &["tasks.task.move", "tasks.review.approve"]);
    let mut chief = wire::task_service_client::TaskServiceClient::new(chief);
    assert!(chief.move_task(step("ok")).await.unwrap().into_inner().task.unwrap().closed);
}

#[tokio::test]
async fn bad_drawings_are_refused() {
    let app = start().await;
    let cases: Vec<(wire::PutWorkflowRequest, &str)> = vec![
        (wire::PutWorkflowRequest { code: "Bad Code".into(), ..review() }, "code"),
        (wire::PutWorkflowRequest { initial_state: "ok".into(), ..review() }, "initial_state"),
        (wire::PutWorkflowRequest { initial_state: "none".into(), ..review() }, "initial_state"),
        (wire::PutWorkflowRequest { states: vec![state("todo", false)], ..review() }, "states"),
        (wire::PutWorkflowRequest { transitions: vec![arrow("todo", "ok", "", "")], ..review() }, "states[1]"),
        (
            wire::PutWorkflowRequest { transitions: vec![arrow("todo", "moon", "", "")], ..review() },
            "transitions[0].to_state",
        ),
        (wire::PutWorkflowRequest { version: -1, ..review() }, "version"),
    ];
    for (request, field) in cases {
        let status = workflows(&app).put_workflow(request.clone()).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert!(fields(&status).contains(&field.to_owned()), "{field} not in {:?}", fields(&status));
    }
    let unknown = wire::PutWorkflowRequest { version: 3, ..review() };
    assert_eq!(workflows(&app).put_workflow(unknown).await.unwrap_err().code(), Code::NotFound);
    let unknown = wire::GetWorkflowRequest { code: "none".into() };
    assert_eq!(workflows(&app).get_workflow(unknown).await.unwrap_err().code(), Code::NotFound);
    let unknown = wire::PutTaskTypeRequest { workflow: "none".into(), ..page_type() };
    assert_eq!(workflows(&app).put_task_type(unknown).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn of_two_changes_of_one_version_one_wins_and_states_in_use_stay() {
    let app = start().await;
    workflows(&app).put_workflow(review()).await.unwrap();
    assert_eq!(reason(&workflows(&app).put_workflow(review()).await.unwrap_err()), "VERSION_CONFLICT");
    workflows(&app).put_task_type(page_type()).await.unwrap();
    create(&app, wire::CreateTaskRequest { task_type: "page".into(), ..new_task("r1", "x") }).await;
    let without = wire::PutWorkflowRequest {
        initial_state: "check".into(),
        states: vec![state("check", false), state("ok", true)],
        transitions: vec![arrow("check", "ok", "", "")],
        version: 1,
        ..review()
    };
    let refused = workflows(&app).put_workflow(without).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "STATE_IN_USE"));
    let changed = wire::PutWorkflowRequest { version: 1, name: "Другое".into(), ..review() };
    let changed = workflows(&app).put_workflow(changed).await.unwrap().into_inner().workflow.unwrap();
    assert_eq!((changed.version, changed.name.as_str()), (2, "Другое"));
    let other = wire::PutTaskTypeRequest { workflow: "default".into(), ..page_type() };
    let refused = workflows(&app).put_task_type(other).await.unwrap_err();
    assert_eq!(reason(&refused), "WORKFLOW_MISMATCH");
}

#[tokio::test]
async fn drawing_needs_a_permission() {
    let app = start().await;
    let readers: Vec<&str> = ALL.iter().copied().filter(|p| *p != "tasks.workflow.write").collect();
    let mut client = wire::workflow_service_client::WorkflowServiceClient::new(app.client(&readers));
    assert_eq!(client.put_workflow(review()).await.unwrap_err().code(), Code::PermissionDenied);
    assert_eq!(client.put_task_type(page_type()).await.unwrap_err().code(), Code::PermissionDenied);
}
