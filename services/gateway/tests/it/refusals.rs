use std::time::Duration;

use serde_json::json;
use service::{Violation, status};
use tonic::{Code, Status};

use super::*;

async fn refused(status: Status) -> (Response, Door) {
    let door = open(Config::default(), move |_| Reply::Refusal(status.clone())).await;
    (door.get("/v1/roles").send().await.unwrap(), door)
}

#[tokio::test]
async fn a_refusal_is_a_problem_document() {
    let violations = vec![Violation::new("lines[2].quantity", "must be above zero")];
    let (response, door) = refused(status::invalid(violations)).await;
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let (status, body) = told(response).await;
    let trace = door.backend.only("ListRoles").header("traceparent").split('-').nth(1).unwrap().to_owned();
    assert_eq!(status, 400);
    assert_eq!(
        body,
        json!({
            "type": "urn:shopfloor:problem:invalid-argument",
            "title": "Bad Request",
            "status": 400,
            "detail": "lines[2].quantity: must be above zero",
            "instance": "/v1/roles",
            "reason": "INVALID_ARGUMENT",
            "violations": [{"field": "lines[2].quantity", "description": "must be above zero"}],
            "trace_id": trace,
        })
    );
}

#[tokio::test]
async fn codes_keep_their_meaning_and_reason() {
    let cases = [
        (status::precondition("ORDER_CLOSED", "closed"), 422, "ORDER_CLOSED"),
        (status::not_found("role", "x"), 404, "NOT_FOUND"),
        (status::already_exists("LOGIN_TAKEN", "taken"), 409, "LOGIN_TAKEN"),
        (status::aborted("VERSION_CONFLICT", "changed"), 409, "VERSION_CONFLICT"),
        (status::permission_denied("PERMISSION_MISSING", "no"), 403, "PERMISSION_MISSING"),
        (status::unavailable("away"), 503, "UNAVAILABLE"),
        (Status::unimplemented("not here"), 501, "UNIMPLEMENTED"),
        (Status::new(Code::DeadlineExceeded, "slow"), 504, "DEADLINE_EXCEEDED"),
        (Status::internal("something went wrong here"), 500, "INTERNAL"),
    ];
    for (status, http, reason) in cases {
        let (code, body) = told(refused(status).await.0).await;
        assert_eq!((code, body["reason"].as_str().unwrap()), (http, reason));
    }
}

#[tokio::test]
async fn who_should_come_back_later_is_told_when() {
    let (response, _door) = refused(status::exhausted("slow down", Duration::from_secs(7))).await;
    assert_eq!((response.status().as_u16(), header(&response, "retry-after")), (429, "7"));
    let (response, _door) = refused(status::unavailable("away")).await;
    assert_eq!((response.status().as_u16(), header(&response, "retry-after")), (503, "1"));
}

#[tokio::test]
async fn an_unauthenticated_caller_is_told_how_to_authenticate() {
    let (response, _door) = refused(status::unauthenticated("TOKEN_EXPIRED", "expired")).await;
    assert_eq!(response.status(), 401);
    assert!(response.headers()["www-authenticate"].to_str().unwrap().starts_with("Bearer"));
    assert_eq!(told(response).await.1["reason"], "TOKEN_EXPIRED");
}

#[tokio::test]
async fn a_service_that_is_away_is_503_and_back_when_it_is_back() {
    let door = open(Config::default(), |_| empty()).await;
    assert_eq!(door.get("/v1/roles").send().await.unwrap().status(), 200);
    let address = door.backend.url.strip_prefix("http://").unwrap().to_owned();
    door.backend.stop();
    testkit::eventually("the service is away", async || {
        let (status, body) = told(door.get("/v1/roles").send().await.unwrap()).await;
        status == 503 && body["reason"] == "UNAVAILABLE"
    })
    .await;
    let listener = TcpListener::bind(&address).await.unwrap();
    let router = axum::Router::new().fallback(|| async { Status::not_found("back").into_http::<axum::body::Body>() });
    let until = door.cancel.clone();
    tokio::spawn(async move { gateway::serve(listener, router, &Config::default(), until).await });
    testkit::eventually("the service is back", async || door.get("/v1/roles").send().await.unwrap().status() == 404)
        .await;
}

#[tokio::test]
async fn a_service_that_does_not_answer_is_given_up_at_the_deadline() {
    let config = Config { deadline_seconds: 1, ..Config::default() };
    let (_hold, gate) = tokio::sync::oneshot::channel();
    let gate = std::sync::Mutex::new(Some(gate));
    let door = open(config, move |_| Reply::After(gate.lock().unwrap().take().unwrap(), Vec::new())).await;
    let response = door.get("/v1/roles").send().await.unwrap();
    assert_eq!(response.status(), 504);
    assert_eq!(door.backend.only("ListRoles").header("grpc-timeout"), "1500000u");
}

#[tokio::test]
async fn unknown_paths_and_wrong_methods_are_told_apart() {
    let door = open(Config::default(), |_| empty()).await;
    let (status, body) = told(door.get("/v1/nothing").send().await.unwrap()).await;
    assert_eq!((status, body["reason"].as_str().unwrap()), (404, "NO_SUCH_ROUTE"));
    let response = door.request(Method::DELETE, "/v1/employees").send().await.unwrap();
    assert_eq!((response.status().as_u16(), header(&response, "allow")), (405, "GET, POST, HEAD"));
    let response = door.request(Method::OPTIONS, "/v1/employees").send().await.unwrap();
    assert_eq!((response.status().as_u16(), header(&response, "allow")), (204, "GET, POST, HEAD"));
}

#[tokio::test]
async fn request_id_and_trace_go_through_and_come_back() {
    let door = open(Config::default(), |_| empty()).await;
    let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let response = door
        .get("/v1/roles")
        .header("x-request-id", "mine")
        .header("traceparent", traceparent)
        .header("accept-language", "ru")
        .send()
        .await
        .unwrap();
    assert_eq!(response.headers()["x-request-id"], "mine");
    let call = door.backend.only("ListRoles");
    assert_eq!((call.header("x-request-id"), call.header("accept-language")), ("mine", "ru"));
    assert_eq!(call.header("traceparent"), traceparent);
    assert_eq!(call.header("x-forwarded-for"), "127.0.0.1");
    let response =
        door.get("/v1/employees").header("x-request-id", "x".repeat(200)).header("traceparent", "00-0-0-0").send();
    let response = response.await.unwrap();
    assert!(response.headers()["x-request-id"].len() < 50, "an absurd id is replaced");
    let made = door.backend.only("ListEmployees").header("traceparent").to_owned();
    assert!(messaging::trace::remote_parent(&made).is_some(), "{made}");
}
