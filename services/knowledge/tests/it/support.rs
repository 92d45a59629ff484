//! What the tests have in common.

use proto::knowledge::v1::{
    self as wire, page_service_client::PageServiceClient, search_service_client::SearchServiceClient,
    space_service_client::SpaceServiceClient,
};
use testkit::{TestChannel, TestService};
use tonic::Status;
use tonic_types::StatusExt as _;

pub(crate) const WRITER: &[&str] = &["knowledge.page.read", "knowledge.page.write", "knowledge.space.create"];
pub(crate) const READER: &[&str] = &["knowledge.page.read"];
pub(crate) const UNKNOWN: &str = "0190b5a0-0000-7000-8000-000000000000";

pub(crate) async fn start() -> TestService {
    let config = knowledge::Config::default();
    TestService::start(knowledge::NAME, &knowledge::MIGRATOR, move |deps| knowledge::service(deps, &config)).await
}

/// Somebody in roles who may use every RPC; the roles decide what they see.
pub(crate) fn channel(app: &TestService, who: &str, roles: &[&str]) -> TestChannel {
    app.client_in_roles(who, roles, WRITER)
}

pub(crate) fn spaces(app: &TestService) -> SpaceServiceClient<TestChannel> {
    SpaceServiceClient::new(channel(app, "anna", &["editor"]))
}

pub(crate) fn pages(app: &TestService) -> PageServiceClient<TestChannel> {
    pages_in(app, &["editor"])
}

pub(crate) fn pages_in(app: &TestService, roles: &[&str]) -> PageServiceClient<TestChannel> {
    PageServiceClient::new(channel(app, "anna", roles))
}

pub(crate) fn search_in(app: &TestService, roles: &[&str]) -> SearchServiceClient<TestChannel> {
    SearchServiceClient::new(channel(app, "anna", roles))
}

pub(crate) fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

pub(crate) fn fields(status: &Status) -> Vec<String> {
    let request = status.get_details_bad_request();
    request.map(|bad| bad.field_violations.into_iter().map(|v| v.field).collect()).unwrap_or_default()
}

pub(crate) fn role(role: &str, level: wire::AccessLevel) -> wire::RoleAccess {
    wire::RoleAccess { role: role.into(), level: level.into() }
}

/// A space where editors write, chiefs are admins and guests read.
pub(crate) async fn space(app: &TestService, key: &str) -> wire::Space {
    let request = wire::CreateSpaceRequest {
        request_id: format!("space-{key}"),
        key: key.into(),
        name: format!("Пространство {key}"),
        access: vec![
            role("editor", wire::AccessLevel::Write),
            role("chief", wire::AccessLevel::Admin),
            role("guest", wire::AccessLevel::Read),
        ],
    };
    spaces(app).create_space(request).await.unwrap().into_inner().space.unwrap()
}

pub(crate) fn new_page(request_id: &str, title: &str, body: &str) -> wire::CreatePageRequest {
    wire::CreatePageRequest {
        request_id: request_id.into(),
        space_key: "WH".into(),
        title: title.into(),
        body: body.into(),
        ..Default::default()
    }
}

/// A request id must be ASCII.
fn ascii(title: &str) -> String {
    title.bytes().take(60).map(|byte| format!("{byte:02x}")).collect()
}

/// A page of the space WH, below another one when its id is not empty.
pub(crate) async fn page(app: &TestService, parent: &str, title: &str, body: &str) -> wire::Page {
    let request = wire::CreatePageRequest { parent_id: parent.into(), ..new_page(&ascii(title), title, body) };
    pages(app).create_page(request).await.unwrap().into_inner().page.unwrap()
}

pub(crate) async fn get(app: &TestService, id: &str) -> wire::Page {
    let request = wire::GetPageRequest { page_id: id.into(), version: 0 };
    pages(app).get_page(request).await.unwrap().into_inner().page.unwrap()
}

pub(crate) fn save(page: &wire::Page, request_id: &str, body: &str) -> wire::SavePageRequest {
    wire::SavePageRequest {
        request_id: request_id.into(),
        page_id: page.page_id.clone(),
        base_version: page.current_version,
        title: page.title.clone(),
        body: body.into(),
        comment: String::new(),
    }
}

/// Titles of the whole tree of WH, level by level.
pub(crate) async fn tree(app: &TestService, roles: &[&str]) -> Vec<String> {
    let request = wire::GetTreeRequest { space_key: "WH".into(), root_id: String::new(), depth: 50 };
    let nodes = pages_in(app, roles).get_tree(request).await.unwrap().into_inner().nodes;
    nodes.into_iter().map(|node| node.title).collect()
}

pub(crate) async fn find(app: &TestService, roles: &[&str], query: &str) -> wire::SearchPagesResponse {
    let request = wire::SearchPagesRequest { page: None, query: query.into(), space_keys: vec![] };
    search_in(app, roles).search_pages(request).await.unwrap().into_inner()
}

/// Titles found by an editor.
pub(crate) async fn titles(app: &TestService, query: &str) -> Vec<String> {
    find(app, &["editor"], query).await.hits.into_iter().map(|hit| hit.title).collect()
}
