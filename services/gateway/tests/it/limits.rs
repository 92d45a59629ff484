use std::sync::Mutex;
use std::time::Duration;

use serde_json::json;

use super::*;

#[tokio::test]
async fn a_caller_over_its_rate_is_told_to_wait_and_others_are_not() {
    let door = open(Config { rate: 1, burst: 3, ..Config::default() }, |_| empty()).await;
    let ask = |subject: &str| door.get("/v1/roles").bearer_auth(token(subject)).send();
    for _ in 0..3 {
        assert_eq!(ask("anna").await.unwrap().status(), 200);
    }
    let response = ask("anna").await.unwrap();
    assert_eq!((response.status().as_u16(), header(&response, "retry-after")), (429, "1"));
    assert_eq!(told(response).await.1["reason"], "RATE_LIMITED");
    assert_eq!(ask("boris").await.unwrap().status(), 200);
    assert_eq!(door.backend.calls("ListRoles").len(), 4);
}

#[tokio::test]
async fn forged_tokens_share_the_limit_of_their_address() {
    let config = Config { anonymous_rate: 1, anonymous_burst: 5, ..Config::default() };
    let door = open(config, |_| empty()).await;
    let mut refused = 0;
    for number in 0..10 {
        let forged = format!("{}x{number}", token("anna"));
        let response = door.get("/v1/roles").bearer_auth(forged).send().await.unwrap();
        refused += usize::from(response.status() == 429);
    }
    assert!(refused >= 4, "{refused}");
    assert_eq!(door.get("/v1/roles").bearer_auth(token("anna")).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn guessing_api_keys_is_limited_by_address() {
    let config = Config { anonymous_rate: 1, anonymous_burst: 5, ..Config::default() };
    let door = open(config, |call| exchanged(call, &Clock::system())).await;
    let mut codes = Vec::new();
    for number in 0..10 {
        let response = door.get("/v1/roles").header("x-api-key", format!("sf_guess{number}")).send().await.unwrap();
        codes.push(response.status().as_u16());
    }
    assert!(codes.iter().filter(|&&code| code == 429).count() >= 4, "{codes:?}");
    assert!(door.backend.calls("ExchangeApiKey").len() <= 6);
}

#[tokio::test]
async fn each_order_of_a_batch_counts() {
    let door = open(Config { rate: 1, burst: 100, ..Config::default() }, |_| empty()).await;
    let batch = json!({"orders": vec![json!({}); 60]}).to_string();
    let send = || door.post("/v1/orders:batch", batch.clone()).bearer_auth(token("shop")).send();
    assert_eq!(send().await.unwrap().status(), 200);
    let response = send().await.unwrap();
    assert_eq!(response.status(), 429);
    let wait: u64 = response.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((10..=25).contains(&wait), "{wait}");
}

#[tokio::test]
async fn requests_under_way_are_bounded_for_each_caller_and_for_all() {
    let (mut opens, mut gates) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let (open, gate) = tokio::sync::oneshot::channel();
        opens.push(open);
        gates.push(gate);
    }
    let gates = Mutex::new(gates);
    let config = Config { concurrency: 3, key_concurrency: 2, ..Config::default() };
    let door = open(config, move |_| match gates.lock().unwrap().pop() {
        Some(gate) => Reply::After(gate, Vec::new()),
        None => empty(),
    })
    .await;
    let ask = |subject: &str| door.get("/v1/roles").bearer_auth(token(subject)).send();
    let held: Vec<_> = ["anna", "anna", "boris"].into_iter().map(|subject| tokio::spawn(ask(subject))).collect();
    testkit::eventually("three are under way", async || door.backend.calls("ListRoles").len() == 3).await;
    let (status, body) = told(ask("clara").await.unwrap()).await;
    assert_eq!((status, body["reason"].as_str().unwrap()), (503, "OVERLOADED"));
    let first = opens.remove(0);
    first.send(()).unwrap();
    drop(opens);
    for request in held {
        assert_eq!(request.await.unwrap().unwrap().status(), 200);
    }
    assert_eq!(ask("clara").await.unwrap().status(), 200);
}

#[tokio::test]
async fn who_is_over_a_bound_is_refused_before_the_body_is_read() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let (open_gate, gate) = tokio::sync::oneshot::channel();
    let gate = Mutex::new(Some(gate));
    let door = open(Config { key_concurrency: 1, ..Config::default() }, move |_| match gate.lock().unwrap().take() {
        Some(gate) => Reply::After(gate, Vec::new()),
        None => empty(),
    })
    .await;
    let held = tokio::spawn(door.get("/v1/roles").send());
    testkit::eventually("one is under way", async || door.backend.calls("ListRoles").len() == 1).await;
    let mut socket = tokio::net::TcpStream::connect(door.address()).await.unwrap();
    let head = format!(
        "POST /v1/roles HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-length: 1000\r\n\r\n{{",
        token("tester")
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 12];
    tokio::time::timeout(Duration::from_secs(10), socket.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(answer, b"HTTP/1.1 429");
    open_gate.send(()).unwrap();
    assert_eq!(held.await.unwrap().unwrap().status(), 200);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_before_it_is_read() {
    let door = open(Config { max_body: 10_000, ..Config::default() }, |_| empty()).await;
    let (status, body) = told(door.post("/v1/roles", vec![b' '; 10_001]).send().await.unwrap()).await;
    assert_eq!((status, body["reason"].as_str().unwrap()), (413, "BODY_TOO_LARGE"));
    let chunks = futures::stream::iter((0..200).map(|_| Ok::<_, std::io::Error>(vec![b' '; 1000])));
    let response = door.post("/v1/roles", reqwest::Body::wrap_stream(chunks)).send().await;
    if let Ok(response) = response {
        assert_eq!(response.status(), 413, "also when the length is not told");
    }
    assert!(door.backend.calls("CreateRole").is_empty());
}

#[tokio::test]
async fn a_gzip_bomb_is_stopped_at_the_bound() {
    use std::io::Write as _;
    let door = open(Config::default(), |_| empty()).await;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..24 {
        gzip.write_all(&vec![b' '; 1024 * 1024]).unwrap();
    }
    let bomb = gzip.finish().unwrap();
    assert!(bomb.len() < 1024 * 1024);
    let (status, body) =
        told(door.post("/v1/roles", bomb).header("content-encoding", "gzip").send().await.unwrap()).await;
    assert_eq!((status, body["reason"].as_str().unwrap()), (413, "BODY_TOO_LARGE"));
    let odd = door.post("/v1/roles", "{}").header("content-encoding", "br").send().await.unwrap();
    assert_eq!(odd.status(), 415);
    let broken = door.post("/v1/roles", "not gzip").header("content-encoding", "gzip").send().await.unwrap();
    assert_eq!(broken.status(), 400);
}

#[tokio::test]
async fn a_gzip_body_is_one_member() {
    use std::io::Write as _;
    let door = open(Config::default(), |_| empty()).await;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(b"{}").unwrap();
    let member = gzip.finish().unwrap();
    let send = |body: Vec<u8>| door.post("/v1/roles", body).header("content-encoding", "gzip").send();
    assert_eq!(send(member.clone()).await.unwrap().status(), 200);
    assert_eq!(send(member.repeat(2)).await.unwrap().status(), 400);
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_given_up_and_holds_up_nobody() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let door = open(Config { body_seconds: 1, ..Config::default() }, |_| empty()).await;
    let mut slow = Vec::new();
    for _ in 0..50 {
        let mut socket = tokio::net::TcpStream::connect(door.address()).await.unwrap();
        let head = "POST /v1/auth/sign-in HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{";
        socket.write_all(head.as_bytes()).await.unwrap();
        slow.push(socket);
    }
    assert_eq!(door.get("/v1/roles").send().await.unwrap().status(), 200);
    for mut socket in slow {
        let mut answer = vec![0; 12];
        tokio::time::timeout(Duration::from_secs(10), socket.read_exact(&mut answer)).await.unwrap().unwrap();
        assert_eq!(answer, b"HTTP/1.1 408");
    }
}
