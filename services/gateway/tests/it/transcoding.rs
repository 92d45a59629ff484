use proto::common::v1::PageInfo;
use proto::identity::v1::{
    CreateApiKeyRequest, CreateRoleRequest, Employee, GetEmployeeRequest, GetEmployeeResponse, ListEmployeesRequest,
    ListEmployeesResponse, RemoveRoleRequest, UpdateEmployeeRequest, VerifyAuditTrailRequest,
};
use serde_json::json;

use super::*;

#[tokio::test]
async fn an_answer_is_json_with_the_names_of_the_proto_files() {
    let door = open(Config::default(), |_| {
        Reply::one(&GetEmployeeResponse {
            employee: Some(Employee {
                employee_id: "42".into(),
                login: "anna".into(),
                version: 9_007_199_254_740_993,
                created_at: Some(prost_types::Timestamp { seconds: 1_772_442_000, nanos: 120_000_000 }),
                roles: vec!["editor".into()],
                ..Default::default()
            }),
        })
    })
    .await;
    let response = door.get("/v1/employees/42").bearer_auth(token("anna")).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/json");
    let (status, body) = told(response).await;
    assert_eq!(status, 200);
    let employee = &body["employee"];
    assert_eq!(employee["employee_id"], "42");
    assert_eq!(employee["version"], "9007199254740993", "64-bit integers are strings");
    assert_eq!(employee["created_at"], "2026-03-02T09:00:00.120Z");
    assert_eq!(employee["roles"], json!(["editor"]));
    assert_eq!(employee["active"], false, "fields without a value are there");
    let call = door.backend.only("GetEmployee");
    assert_eq!(call.path, "/shopfloor.identity.v1.EmployeeService/GetEmployee");
    assert_eq!(call.message::<GetEmployeeRequest>().employee_id, "42");
}

#[tokio::test]
async fn queries_fill_nested_fields_lists_and_flags() {
    let door = open(Config::default(), |_| {
        Reply::one(&ListEmployeesResponse { page: Some(PageInfo::default()), employees: Vec::new() })
    })
    .await;
    let path = "/v1/employees?page.page_size=20&page.pageToken=a%2Bb&active_only=true&role=%D1%80%D0%BE%D0%BB%D1%8C";
    assert_eq!(door.get(path).send().await.unwrap().status(), 200);
    let message: ListEmployeesRequest = door.backend.only("ListEmployees").message();
    let page = message.page.unwrap();
    assert_eq!((page.page_size, page.page_token.as_str()), (20, "a+b"));
    assert_eq!((message.active_only, message.role.as_str()), (true, "роль"));
}

#[tokio::test]
async fn path_variables_join_the_body() {
    let door = open(Config::default(), |_| empty()).await;
    let body = json!({"version": 7, "displayName": "Анна", "active": false});
    let response = door.request(Method::PATCH, "/v1/employees/a%2Fb").json(&body).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let message: UpdateEmployeeRequest = door.backend.only("UpdateEmployee").message();
    assert_eq!((message.employee_id.as_str(), message.version), ("a/b", 7));
    assert_eq!((message.display_name.as_deref(), message.active, message.locale), (Some("Анна"), Some(false), None));

    let same = json!({"employee_id": "1", "version": "8"});
    let response = door.request(Method::PATCH, "/v1/employees/1").json(&same).send().await.unwrap();
    assert_eq!(response.status(), 200, "a body may repeat the path");
    let other = json!({"employee_id": "2"});
    let (status, body) = told(door.request(Method::PATCH, "/v1/employees/1").json(&other).send().await.unwrap()).await;
    assert_eq!((status, &body["violations"][0]["field"]), (400, &json!("employee_id")));
}

#[tokio::test]
async fn verbs_and_several_variables_find_their_rpcs() {
    let door = open(Config::default(), |_| empty()).await;
    door.post("/v1/audit-entries:verify", r#"{"from_sequence":"5"}"#).send().await.unwrap();
    assert_eq!(door.backend.only("VerifyAuditTrail").message::<VerifyAuditTrailRequest>().from_sequence, 5);
    door.request(Method::DELETE, "/v1/employees/7/roles/editor").send().await.unwrap();
    let message: RemoveRoleRequest = door.backend.only("RemoveRole").message();
    assert_eq!((message.employee_id.as_str(), message.role.as_str()), ("7", "editor"));
    door.post("/v1/employees/7:resetPassword", "").send().await.unwrap();
    door.backend.only("ResetPassword");
    door.get("/.well-known/jwks.json").send().await.unwrap();
    door.backend.only("GetJwks");
}

#[tokio::test]
async fn the_idempotency_key_fills_the_request_id() {
    let door = open(Config::default(), |_| empty()).await;
    let send =
        |body: &'static str, key: &'static str| door.post("/v1/api-keys", body).header("idempotency-key", key).send();
    assert_eq!(send(r#"{"name":"shop"}"#, "k1").await.unwrap().status(), 200);
    assert_eq!(send(r#"{"request_id":"k2"}"#, "k2").await.unwrap().status(), 200);
    let (status, body) = told(send(r#"{"request_id":"k3"}"#, "k4").await.unwrap()).await;
    assert_eq!((status, &body["violations"][0]["field"]), (400, &json!("request_id")));
    let ids: Vec<String> = door
        .backend
        .calls("CreateApiKey")
        .iter()
        .map(|call| call.message::<CreateApiKeyRequest>().request_id)
        .collect();
    assert_eq!(ids, ["k1", "k2"]);
    assert_eq!(door.get("/v1/roles").header("idempotency-key", "k").send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn wrong_json_names_the_field_and_reaches_no_service() {
    let door = open(Config::default(), |_| empty()).await;
    let cases = [
        (r#"{"nmae":"x"}"#, "nmae"),
        (r#"{"name":5}"#, "name"),
        (r#"{"page":{"size":5}}"#, "page"),
        (r#"{"roles":"shop"}"#, "roles"),
        (r#"{"roles":["shop",{}]}"#, "roles[1]"),
        (r#"{"expires_at":"yesterday"}"#, "expires_at"),
        (r#"{"expires_at":{"seconds":1}}"#, "expires_at"),
    ];
    for (body, field) in cases {
        let (status, answer) = told(door.post("/v1/api-keys", body).send().await.unwrap()).await;
        assert_eq!((status, &answer["reason"]), (400, &json!("INVALID_ARGUMENT")), "{body}");
        assert_eq!(answer["violations"][0]["field"], field, "{body}: {answer}");
    }
    for body in ["{", "[]", "nul", "{}{}", "\"x\"", "{\"name\":\"a\",}", "\u{feff}{}"] {
        let (status, answer) = told(door.post("/v1/api-keys", body).send().await.unwrap()).await;
        assert_eq!(status, 400, "{body}: {answer}");
    }
    assert!(door.backend.calls("CreateApiKey").is_empty());
}

#[tokio::test]
async fn wrong_queries_name_the_parameter() {
    let door = open(Config::default(), |_| empty()).await;
    let cases = [
        ("nope=1", "nope"),
        ("page=1", "page"),
        ("page.nope=1", "page.nope"),
        ("page.page_size=many", "page.page_size"),
        ("page.page_size=99999999999", "page.page_size"),
        ("active_only=maybe", "active_only"),
        ("role=a&role=b", "role"),
        ("role.x=1", "role.x"),
    ];
    for (query, field) in cases {
        let (status, answer) = told(door.get(&format!("/v1/employees?{query}")).send().await.unwrap()).await;
        assert_eq!((status, &answer["violations"][0]["field"]), (400, &json!(field)), "{query}: {answer}");
    }
    let (status, answer) = told(door.post("/v1/roles?code=x", "{}").send().await.unwrap()).await;
    assert_eq!((status, &answer["violations"][0]["field"]), (400, &json!("code")));
    let body = door.request(Method::GET, "/v1/roles").body("{}").header("content-type", "application/json");
    assert_eq!(body.send().await.unwrap().status(), 400, "a GET takes no body");
}

#[tokio::test]
async fn gzip_bodies_are_understood() {
    use std::io::Write as _;
    let door = open(Config::default(), |_| empty()).await;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(br#"{"code":"buyer","title":"Buyer","permissions":["erp.*"]}"#).unwrap();
    let request = door.post("/v1/roles", gzip.finish().unwrap()).header("content-encoding", "gzip");
    assert_eq!(request.send().await.unwrap().status(), 200);
    assert_eq!(door.backend.only("CreateRole").message::<CreateRoleRequest>().code, "buyer");
}

#[tokio::test]
async fn head_reads_like_get_without_the_body() {
    let door = open(Config::default(), |_| empty()).await;
    let response = door.request(Method::HEAD, "/v1/roles").send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.bytes().await.unwrap().is_empty());
    door.backend.only("ListRoles");
}
