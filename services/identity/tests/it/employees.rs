use proto::common::v1::PageRequest;
use proto::identity::v1::{
    AssignRoleRequest, EmployeeChanged, GetEmployeeRequest, IdentityEvent, ListEmployeesRequest, ListSessionsRequest,
    RemoveRoleRequest, ResetPasswordRequest, RevokeSessionsRequest, SignInRequest, UpdateEmployeeRequest,
    identity_event,
};
use tonic::Code;

use super::*;

async fn facts(app: &TestService) -> Vec<EmployeeChanged> {
    let facts: Vec<IdentityEvent> = app.facts("employee_changed").await;
    let change = |fact: IdentityEvent| fact.event.map(|identity_event::Event::EmployeeChanged(change)| change);
    facts.into_iter().filter_map(change).collect()
}

fn assign(id: &str, role: &str) -> AssignRoleRequest {
    AssignRoleRequest { employee_id: id.to_owned(), role: role.to_owned() }
}

fn remove(id: &str, role: &str) -> RemoveRoleRequest {
    RemoveRoleRequest { employee_id: id.to_owned(), role: role.to_owned() }
}

#[tokio::test]
async fn an_employee_is_created_once_and_its_password_shown_once() {
    let app = start().await;
    let first = hired(&app, "anna", &["warehouse"]).await;
    let again = hired(&app, "anna", &["warehouse"]).await;
    assert_eq!(first.employee, again.employee);
    assert_eq!(first.one_time_password.len(), 23);
    assert_eq!(again.one_time_password, "");
    assert_eq!(facts(&app).await.len(), 1);
    let request = CreateEmployeeRequest {
        request_id: "other".into(),
        login: "ANNA".into(),
        display_name: "Another".into(),
        ..Default::default()
    };
    let taken = employees(&app).create_employee(request).await.unwrap_err();
    assert_eq!((taken.code(), reason(&taken).as_str()), (Code::AlreadyExists, "LOGIN_TAKEN"));
    let other = CreateEmployeeRequest {
        request_id: "hire-anna".into(),
        login: "boris".into(),
        display_name: "Other content".into(),
        ..Default::default()
    };
    let conflict = employees(&app).create_employee(other).await.unwrap_err();
    assert_eq!((conflict.code(), reason(&conflict).as_str()), (Code::AlreadyExists, "IDEMPOTENCY_CONFLICT"));
}

#[tokio::test]
async fn everything_wrong_with_a_new_employee_is_told_at_once() {
    let app = start().await;
    let request = CreateEmployeeRequest {
        request_id: "with blank".into(),
        login: "я".into(),
        display_name: " ".into(),
        locale: "xx".into(),
        roles: vec!["no such role".repeat(10)],
    };
    let refused = employees(&app).create_employee(request).await.unwrap_err();
    assert_eq!(fields(&refused), ["request_id", "login", "display_name", "locale", "roles[0]"]);
    let request = CreateEmployeeRequest {
        request_id: "x".into(),
        login: "anna".into(),
        display_name: "Anna".into(),
        roles: vec!["editor".into(), "wizard".into()],
        ..Default::default()
    };
    assert_eq!(fields(&employees(&app).create_employee(request).await.unwrap_err()), ["roles[1]"]);
}

#[tokio::test]
async fn changes_are_published_with_growing_versions() {
    let app = start().await;
    let id = hired(&app, "anna", &[]).await.employee.unwrap().employee_id;
    employees(&app).assign_role(assign(&id, "editor")).await.unwrap();
    let same = employees(&app).assign_role(assign(&id, "editor")).await.unwrap().into_inner().employee.unwrap();
    assert_eq!((same.version, same.roles), (2, vec!["editor".to_owned()]));
    employees(&app).remove_role(remove(&id, "editor")).await.unwrap();
    employees(&app).remove_role(remove(&id, "editor")).await.unwrap();
    let update = UpdateEmployeeRequest { employee_id: id.clone(), active: Some(false), ..Default::default() };
    employees(&app).update_employee(update).await.unwrap();
    let facts = facts(&app).await;
    let seen: Vec<_> = facts.iter().map(|fact| (fact.roles.len(), fact.active)).collect();
    assert_eq!(seen, [(0, true), (1, true), (0, true), (0, false)]);
    let versions: Vec<i64> = app.events().await.iter().map(|event| event.version).collect();
    assert_eq!(versions, [1, 2, 3, 4]);
}

#[tokio::test]
async fn of_two_edits_of_one_version_one_wins() {
    let app = start().await;
    let id = hired(&app, "anna", &[]).await.employee.unwrap().employee_id;
    let edit = |name: &str| UpdateEmployeeRequest {
        employee_id: id.clone(),
        version: 1,
        display_name: Some(name.to_owned()),
        ..Default::default()
    };
    let (mut one, mut other) = (employees(&app), employees(&app));
    let (one, other) = tokio::join!(one.update_employee(edit("Anna A.")), other.update_employee(edit("Anna B.")));
    assert!(one.is_ok() != other.is_ok());
    let lost = one.err().or(other.err()).unwrap();
    assert_eq!((lost.code(), reason(&lost).as_str()), (Code::Aborted, "VERSION_CONFLICT"));
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let app = start().await;
    let anna = settled(&app, "anna", &["administrator"]).await;
    let deactivate =
        |id: &str| UpdateEmployeeRequest { employee_id: id.to_owned(), active: Some(false), ..Default::default() };
    for refused in [
        employees(&app).remove_role(remove(&anna, "administrator")).await.unwrap_err(),
        employees(&app).update_employee(deactivate(&anna)).await.unwrap_err(),
    ] {
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "LAST_ADMINISTRATOR"));
    }
    let boris = settled(&app, "boris", &["administrator"]).await;
    let (mut one, mut other) = (employees(&app), employees(&app));
    let (one, other) = tokio::join!(one.update_employee(deactivate(&anna)), other.update_employee(deactivate(&boris)));
    assert!(one.is_ok() != other.is_ok(), "two administrators cannot both leave");
}

#[tokio::test]
async fn nobody_hands_out_takes_away_or_takes_over_more_than_they_hold() {
    let app = start().await;
    let chief = settled(&app, "chief", &["administrator"]).await;
    settled(&app, "deputy", &["administrator"]).await;
    let clerk = settled(&app, "clerk", &[]).await;
    let mut hr = EmployeeServiceClient::new(app.client_as("hr", &["identity.*", "knowledge.*"]));
    hr.assign_role(assign(&clerk, "editor")).await.unwrap();
    let deactivate = UpdateEmployeeRequest { employee_id: chief.clone(), active: Some(false), ..Default::default() };
    for refused in [
        hr.assign_role(assign(&clerk, "administrator")).await.unwrap_err(),
        hr.remove_role(remove(&chief, "administrator")).await.unwrap_err(),
        hr.reset_password(ResetPasswordRequest { employee_id: chief }).await.unwrap_err(),
        hr.update_employee(deactivate).await.unwrap_err(),
    ] {
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::PermissionDenied, "ROLE_BEYOND_CALLER"));
    }
}

#[tokio::test]
async fn a_reset_password_ends_the_sessions_and_must_be_changed() {
    let app = start().await;
    let id = settled(&app, "anna", &[]).await;
    auth(&app).sign_in(SignInRequest { login: "anna".into(), password: PASSWORD.into() }).await.unwrap();
    let sessions = |id: &str| ListSessionsRequest { employee_id: id.to_owned() };
    assert_eq!(employees(&app).list_sessions(sessions(&id)).await.unwrap().into_inner().sessions.len(), 1);
    let reset = ResetPasswordRequest { employee_id: id.clone() };
    let one_time = employees(&app).reset_password(reset).await.unwrap().into_inner().one_time_password;
    assert!(employees(&app).list_sessions(sessions(&id)).await.unwrap().into_inner().sessions.is_empty());
    let refused = auth(&app).sign_in(SignInRequest { login: "anna".into(), password: one_time }).await.unwrap_err();
    assert_eq!(reason(&refused), "PASSWORD_CHANGE_REQUIRED");
}

#[tokio::test]
async fn an_operator_can_end_all_sessions() {
    let app = start().await;
    let id = settled(&app, "anna", &[]).await;
    for _ in 0..3 {
        auth(&app).sign_in(SignInRequest { login: "anna".into(), password: PASSWORD.into() }).await.unwrap();
    }
    for expected in [3, 0] {
        let revoke = RevokeSessionsRequest { employee_id: id.clone() };
        assert_eq!(employees(&app).revoke_sessions(revoke).await.unwrap().into_inner().revoked, expected);
    }
}

#[tokio::test]
async fn employees_are_listed_by_login_page_by_page() {
    let app = start().await;
    for login in ["clara", "anna", "boris"] {
        hired(&app, login, if login == "boris" { &[] } else { &["editor"] }).await;
    }
    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let page = Some(PageRequest { page_size: 2, page_token: token });
        let answer = employees(&app).list_employees(ListEmployeesRequest { page, ..Default::default() }).await.unwrap();
        let answer = answer.into_inner();
        seen.extend(answer.employees.into_iter().map(|employee| employee.login));
        token = answer.page.unwrap().next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, ["anna", "boris", "clara"]);
    let editors = ListEmployeesRequest { role: "editor".into(), ..Default::default() };
    assert_eq!(employees(&app).list_employees(editors).await.unwrap().into_inner().employees.len(), 2);
}

#[tokio::test]
async fn unknown_ids_malformed_ids_and_missing_permissions_are_told_apart() {
    let app = start().await;
    let get = |id: &str| GetEmployeeRequest { employee_id: id.to_owned() };
    let unknown = employees(&app).get_employee(get("00000000-0000-7000-8000-000000000001")).await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
    let malformed = employees(&app).get_employee(get("42")).await.unwrap_err();
    assert_eq!((malformed.code(), fields(&malformed)), (Code::InvalidArgument, vec!["employee_id".to_owned()]));
    let mut other = EmployeeServiceClient::new(app.client(&["orders.*"]));
    assert_eq!(other.get_employee(get("42")).await.unwrap_err().code(), Code::PermissionDenied);
    let mut nobody = EmployeeServiceClient::new(app.anonymous());
    assert_eq!(nobody.get_employee(get("42")).await.unwrap_err().code(), Code::Unauthenticated);
    let id = hired(&app, "anna", &[]).await.employee.unwrap().employee_id;
    let no_role = employees(&app).assign_role(assign(&id, "wizard")).await.unwrap_err();
    assert_eq!(no_role.code(), Code::NotFound);
}
