use std::time::Duration;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;

async fn raw(door: &Door, request: &[u8]) -> String {
    let mut socket = TcpStream::connect(door.address()).await.unwrap();
    socket.write_all(request).await.unwrap();
    socket.shutdown().await.ok();
    let mut answer = Vec::new();
    tokio::time::timeout(Duration::from_secs(10), socket.read_to_end(&mut answer)).await.unwrap().ok();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn deep_json_is_refused() {
    let door = open(Config::default(), |_| empty()).await;
    for deep in [format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)), "{\"a\":".repeat(50_000)] {
        let (status, body) = told(door.post("/v1/roles", deep).send().await.unwrap()).await;
        assert_eq!((status, body["reason"].as_str().unwrap()), (400, "MALFORMED_REQUEST"));
    }
}

#[tokio::test]
async fn bytes_that_are_not_utf_8_are_refused() {
    let door = open(Config::default(), |_| empty()).await;
    let (status, _) = told(door.post("/v1/roles", b"{\"code\":\"\xff\xfe\"}".to_vec()).send().await.unwrap()).await;
    assert_eq!(status, 400);
    let lone = door.post("/v1/roles", r#"{"code":"\ud800"}"#).send().await.unwrap();
    assert_eq!(lone.status(), 400);
    let answer = raw(&door, b"GET /v1/employees/%ff%fe HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert!(door.backend.calls("CreateRole").is_empty());
}

#[tokio::test]
async fn half_a_body_changes_nothing() {
    let door = open(Config::default(), |_| empty()).await;
    let head =
        "POST /v1/auth/sign-in HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n";
    raw(&door, format!("{head}{{\"code\":").as_bytes()).await;
    let chunked = "POST /v1/auth/sign-in HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n";
    raw(&door, chunked.as_bytes()).await;
    assert_eq!(door.get("/v1/roles").send().await.unwrap().status(), 200);
    assert!(door.backend.calls("SignIn").is_empty());
}

#[tokio::test]
async fn what_is_not_http_gets_no_further() {
    let door = open(Config::default(), |_| empty()).await;
    let long = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(100_000));
    let many = format!("GET /v1/roles HTTP/1.1\r\nhost: x\r\n{}\r\n", "a: b\r\n".repeat(500));
    for request in [b"\x16\x03\x01\x02\x00".as_slice(), b"nonsense\r\n\r\n", long.as_bytes(), many.as_bytes()] {
        let answer = raw(&door, request).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    assert_eq!(door.get("/v1/roles").send().await.unwrap().status(), 200);
    assert_eq!(door.backend.calls("ListRoles").len(), 1);
}

#[tokio::test]
async fn a_head_that_does_not_arrive_is_given_up() {
    let door = open(Config { header_seconds: 1, ..Config::default() }, |_| empty()).await;
    let mut socket = TcpStream::connect(door.address()).await.unwrap();
    socket.write_all(b"GET /v1/roles HTTP/1.1\r\nhost:").await.unwrap();
    let mut answer = Vec::new();
    tokio::time::timeout(Duration::from_secs(10), socket.read_to_end(&mut answer)).await.unwrap().ok();
}

#[tokio::test]
async fn who_never_says_what_it_wants_is_cut_off() {
    let door = open(Config { header_seconds: 1, ..Config::default() }, |_| empty()).await;
    for word in ["", "P", "PRI * HTTP/2.0\r\n"] {
        let mut socket = TcpStream::connect(door.address()).await.unwrap();
        socket.write_all(word.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        tokio::time::timeout(Duration::from_secs(10), socket.read_to_end(&mut answer)).await.expect(word).ok();
    }
}

#[tokio::test]
async fn who_does_not_take_the_answers_is_cut_off() {
    let door = open(Config { write_seconds: 1, ..Config::default() }, |_| empty()).await;
    let mut socket = TcpStream::connect(door.address()).await.unwrap();
    let asking = async { while socket.write_all(b"GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n").await.is_ok() {} };
    tokio::time::timeout(Duration::from_secs(20), asking).await.unwrap();
    assert_eq!(door.get("/v1/roles").send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn other_media_types_are_refused() {
    let door = open(Config::default(), |_| empty()).await;
    for media in ["text/xml", "application/x-www-form-urlencoded", "multipart/form-data"] {
        let request = door.request(Method::POST, "/v1/roles").header("content-type", media).body("code=x");
        assert_eq!(request.send().await.unwrap().status(), 415, "{media}");
    }
}

#[tokio::test]
async fn many_idle_connections_hold_up_nobody() {
    let door = open(Config::default(), |_| empty()).await;
    let mut idle = Vec::new();
    for _ in 0..500 {
        idle.push(TcpStream::connect(door.address()).await.unwrap());
    }
    assert_eq!(door.get("/v1/roles").send().await.unwrap().status(), 200);
    drop(idle);
}

#[tokio::test]
async fn connections_beyond_the_bound_wait_for_their_turn() {
    let door = open(Config { max_connections: 2, ..Config::default() }, |_| empty()).await;
    let one = TcpStream::connect(door.address()).await.unwrap();
    let other = TcpStream::connect(door.address()).await.unwrap();
    // Both are taken once a third one gets no answer.
    let request = door.get("/healthz").send();
    let mut request = std::pin::pin!(request);
    assert!(tokio::time::timeout(Duration::from_millis(300), request.as_mut()).await.is_err());
    drop((one, other));
    assert_eq!(request.await.unwrap().status(), 200);
}

#[tokio::test]
async fn whatever_json_is_sent_no_answer_is_a_5xx() {
    let config = Config { anonymous_rate: 1_000_000, anonymous_burst: 1_000_000, ..Config::default() };
    let door = open(config, |_| empty()).await;
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(200));
    let scalar = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("-1".to_owned()),
        Just("1e400".to_owned()),
        Just("99999999999999999999".to_owned()),
        Just("\"\\u0000\"".to_owned()),
        Just("{}".to_owned()),
        Just("[]".to_owned()),
        Just("[[]]".to_owned()),
        "\\PC{0,8}".prop_map(|text| format!("{text:?}")),
    ];
    let field = prop_oneof![
        Just("request_id"),
        Just("lines"),
        Just("placed_at"),
        Just("contact"),
        Just("orders"),
        Just("channel"),
        Just("external_id"),
        Just("name"),
        Just("roles"),
        Just("version"),
    ];
    let path = prop_oneof![
        Just("/v1/orders"),
        Just("/v1/orders:batch"),
        Just("/v1/orders/x:cancel"),
        Just("/v1/roles"),
        Just("/v1/api-keys"),
    ];
    let object = proptest::collection::vec((field, scalar), 0..4).prop_map(|fields| {
        let fields: Vec<String> = fields.into_iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        format!("{{{}}}", fields.join(","))
    });
    let cases: Vec<(&str, String)> =
        (0..200).map(|_| (path.clone(), object.clone()).new_tree(&mut runner).unwrap().current()).collect();
    for (path, body) in cases {
        let response = door.post(path, body.clone()).send().await.unwrap();
        let status = response.status().as_u16();
        assert!(status == 200 || status == 400, "{path} {body}: {status}");
    }
}
