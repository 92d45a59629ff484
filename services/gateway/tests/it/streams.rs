use std::time::Duration;

use futures::StreamExt as _;
use proto::kpi::v1::ExportReportResponse;
use proto::orders::v1::{TimelineEntry, WatchOrderRequest, WatchOrderResponse};
use tonic::Status;

use super::*;

fn entry(position: i64) -> Vec<u8> {
    bytes(&WatchOrderResponse {
        entry: Some(TimelineEntry { position, ..Default::default() }),
        state: "STATE".into(),
        ..Default::default()
    })
}

/// Reads events until `enough` says so or the stream ends.
async fn read(response: Response, enough: impl Fn(&str) -> bool) -> String {
    let (mut text, mut chunks) = (String::new(), response.bytes_stream());
    while let Some(chunk) = chunks.next().await {
        text.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
        if enough(&text) {
            break;
        }
    }
    text
}

#[tokio::test]
async fn an_orders_life_is_an_event_stream() {
    let door = open(Config::default(), |_| Reply::Messages(vec![entry(1), entry(2)])).await;
    let response = door.get("/v1/orders/42:watch").bearer_auth(token("anna")).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let text = read(response, |_| false).await;
    let events: Vec<&str> = text.split("\n\n").collect();
    assert!(events[1].starts_with("id: 1\ndata: {\"entry\":{\"position\":\"1\""), "{text}");
    assert!(events[2].starts_with("id: 2\n"), "{text}");
    assert_eq!(events[3], "event: end\ndata: {}");
    let request: WatchOrderRequest = door.backend.only("WatchOrder").message();
    assert_eq!((request.order_id.as_str(), request.after_position), ("42", 0));
}

#[tokio::test]
async fn a_client_that_comes_back_goes_on_where_it_was() {
    let door = open(Config::default(), |_| Reply::Messages(vec![entry(8)])).await;
    let request = door.get("/v1/orders/42:watch").header("last-event-id", "7");
    read(request.send().await.unwrap(), |_| false).await;
    assert_eq!(door.backend.only("WatchOrder").message::<WatchOrderRequest>().after_position, 7);
    let odd = door.get("/v1/orders/42:watch").header("last-event-id", "x").send().await.unwrap();
    assert_eq!(odd.status(), 400);
}

#[tokio::test]
async fn a_quiet_stream_shows_life() {
    let door = open(Config { heartbeat_seconds: 1, ..Config::default() }, |_| {
        Reply::Stream(futures::stream::iter([Ok(entry(1))]).chain(futures::stream::pending()).boxed())
    })
    .await;
    let response = door.get("/v1/orders/42:watch").send().await.unwrap();
    let reading = read(response, |text| text.contains(": still here"));
    let text = tokio::time::timeout(Duration::from_secs(10), reading).await.unwrap();
    assert!(text.find("id: 1").unwrap() < text.find(": still here").unwrap());
}

#[tokio::test]
async fn a_refusal_before_the_stream_is_a_problem_and_one_within_it_an_event() {
    let door = open(Config::default(), |call| {
        if call.message::<WatchOrderRequest>().order_id == "none" {
            return Reply::Refusal(service::status::not_found("order", "none"));
        }
        let broken = futures::stream::iter([Ok(entry(1)), Err(Status::unavailable("restarting"))]);
        Reply::Stream(broken.boxed())
    })
    .await;
    let (status, body) = told(door.get("/v1/orders/none:watch").send().await.unwrap()).await;
    assert_eq!((status, body["reason"].as_str().unwrap()), (404, "NOT_FOUND"));
    let text = read(door.get("/v1/orders/42:watch").send().await.unwrap(), |_| false).await;
    assert!(text.contains("event: problem\ndata: {\"status\":503"), "{text}");
}

#[tokio::test]
async fn streams_are_bounded_for_each_caller_and_freed_when_the_client_leaves() {
    let door =
        open(Config { key_streams: 2, ..Config::default() }, |_| Reply::Stream(futures::stream::pending().boxed()))
            .await;
    let watch = || door.get("/v1/orders/42:watch").bearer_auth(token("anna")).send();
    let (one, two) = (watch().await.unwrap(), watch().await.unwrap());
    assert_eq!((one.status().as_u16(), two.status().as_u16()), (200, 200));
    let (status, body) = told(watch().await.unwrap()).await;
    assert_eq!((status, body["reason"].as_str().unwrap()), (429, "TOO_MANY_CONCURRENT"));
    drop(one);
    testkit::eventually("the place is free again", async || watch().await.unwrap().status() == 200).await;
}

#[tokio::test]
async fn streams_end_when_the_gateway_stops() {
    let door = open(Config::default(), |_| Reply::Stream(futures::stream::pending().boxed())).await;
    let response = door.get("/v1/orders/42:watch").send().await.unwrap();
    let reading = tokio::spawn(read(response, |_| false));
    door.cancel.cancel();
    let text = tokio::time::timeout(Duration::from_secs(10), reading).await.unwrap().unwrap();
    assert!(text.contains("restarting"), "{text}");
}

#[tokio::test]
async fn a_stream_of_bytes_is_a_download_and_a_broken_one_does_not_look_whole() {
    let named =
        |text: &'static str, name: &str| bytes(&ExportReportResponse { data: text.into(), file_name: name.to_owned() });
    let part = move |text: &'static str| named(text, "");
    let door = open(Config::default(), move |call| match call.header("x-request-id") {
        "whole" => Reply::Messages(vec![named("sku;pieces\r\n", "sales \"2026\"\n.csv"), part("A;1\r\n")]),
        "refused" => Reply::Refusal(service::status::precondition("REPORT_TOO_LARGE", "too many rows")),
        _ => {
            let broken = futures::stream::iter([Ok(part("sku;pieces\r\n")), Err(Status::unavailable("restarting"))]);
            Reply::Stream(broken.boxed())
        }
    })
    .await;
    let export = |id: &'static str| door.post("/v1/kpi/reports:export", "{}").header("x-request-id", id).send();
    let response = export("whole").await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/csv; charset=utf-8");
    assert_eq!(response.headers()["content-disposition"], "attachment; filename=\"sales__2026__.csv\"");
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    assert_eq!(response.text().await.unwrap(), "sku;pieces\r\nA;1\r\n");
    let (status, body) = told(export("refused").await.unwrap()).await;
    assert_eq!((status, body["reason"].as_str().unwrap()), (422, "REPORT_TOO_LARGE"));
    let whole = match export("broken").await {
        Ok(response) => response.text().await.is_ok(),
        Err(_) => false,
    };
    assert!(!whole, "half a file must not look whole");
}
