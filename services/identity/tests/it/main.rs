//! Tests of the identity service through its RPCs.

#![expect(clippy::unwrap_used, reason = "a helper that cannot go on fails its test")]

mod api_keys;
mod audit;
mod employees;
mod keys;
mod roles;
mod sign_in;

use proto::identity::v1::auth_service_client::AuthServiceClient;
use proto::identity::v1::employee_service_client::EmployeeServiceClient;
use proto::identity::v1::{ChangePasswordRequest, CreateEmployeeRequest, CreateEmployeeResponse};
use testkit::{TestChannel, TestService};
use tonic::Status;
use tonic_types::StatusExt as _;

/// Password of everybody in these tests.
const PASSWORD: &str = "correct horse battery staple";

async fn start() -> TestService {
    TestService::start(identity::NAME, &identity::MIGRATOR, |deps| {
        identity::service(deps, &identity::Config::default())
    })
    .await
}

fn auth(app: &TestService) -> AuthServiceClient<TestChannel> {
    AuthServiceClient::new(app.anonymous())
}

fn employees(app: &TestService) -> EmployeeServiceClient<TestChannel> {
    EmployeeServiceClient::new(app.client_as("root", &["*"]))
}

/// The reason code of a refusal.
fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

/// The fields a refusal complains of.
fn fields(status: &Status) -> Vec<String> {
    let bad = status.get_details_bad_request().map(|bad| bad.field_violations).unwrap_or_default();
    bad.into_iter().map(|violation| violation.field).collect()
}

/// An employee with a one-time password.
async fn hired(app: &TestService, login: &str, roles: &[&str]) -> CreateEmployeeResponse {
    let request = CreateEmployeeRequest {
        request_id: format!("hire-{login}"),
        login: login.to_owned(),
        display_name: format!("Employee {login}"),
        locale: "ru".to_owned(),
        roles: roles.iter().map(|&role| role.to_owned()).collect(),
    };
    employees(app).create_employee(request).await.unwrap().into_inner()
}

/// An employee who has chosen [`PASSWORD`]; the id.
async fn settled(app: &TestService, login: &str, roles: &[&str]) -> String {
    let hired = hired(app, login, roles).await;
    let change = ChangePasswordRequest {
        login: login.to_owned(),
        old_password: hired.one_time_password,
        new_password: PASSWORD.to_owned(),
    };
    auth(app).change_password(change).await.unwrap();
    hired.employee.unwrap().employee_id
}

#[tokio::test]
async fn every_statement_fits_the_schema() {
    testkit::sql_check(&start().await, env!("CARGO_MANIFEST_DIR")).await;
}
