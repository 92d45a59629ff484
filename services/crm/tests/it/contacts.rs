//! The contact log and what it does to the score.

use proto::common::v1::PageRequest;
use proto::crm::v1::contact_service_client::ContactServiceClient;
use proto::crm::v1::{ContactRecord, ListContactsRequest, RecordContactRequest, RecordDirection, RecordKind};
use testkit::{START, TestService};
use time::Duration;
use tonic::{Code, Status};

use crate::support::*;

async fn customer(app: &TestService) -> String {
    let id = resolve(app, contact(order_id(1), "+79001234567", "")).await.customer_id;
    app.deliver(&[placed(order_id(1), days_ago(10), "3000.00")]).await.unwrap();
    id
}

fn call(request_id: &str, customer_id: &str) -> RecordContactRequest {
    RecordContactRequest {
        request_id: request_id.to_owned(),
        customer_id: customer_id.to_owned(),
        kind: RecordKind::Call.into(),
        direction: RecordDirection::Inbound.into(),
        outcome: "answered".to_owned(),
        note: "Спросил про доставку".to_owned(),
        order_id: order_id(1).to_string(),
        happened_at: Some(proto::to_timestamp(days_ago(1))),
    }
}

async fn record(app: &TestService, request: RecordContactRequest) -> Result<ContactRecord, Status> {
    Ok(contacts(app).record_contact(request).await?.into_inner().record.unwrap())
}

async fn load(app: &TestService, customer_id: &str) -> String {
    score(app, customer_id).await.parameters[8].value.clone()
}

#[tokio::test]
async fn contacts_and_complaints_weigh_on_the_score() {
    let app = start().await;
    let id = customer(&app).await;
    assert_eq!(load(&app, &id).await, "0.0000");
    let first = record(&app, call("r1", &id)).await.unwrap();
    assert_eq!(record(&app, call("r1", &id)).await.unwrap(), first, "repeated, not written again");
    assert_eq!(load(&app, &id).await, "1.0000");

    let out = RecordContactRequest { direction: RecordDirection::Outbound.into(), ..call("r2", &id) };
    record(&app, out).await.unwrap();
    assert_eq!(load(&app, &id).await, "1.0000", "what the company began is no load");
    let complaint = RecordContactRequest {
        kind: RecordKind::Complaint.into(),
        direction: RecordDirection::Unspecified.into(),
        happened_at: None,
        ..call("r3", &id)
    };
    let before = score(&app, &id).await.total;
    let complaint = record(&app, complaint).await.unwrap();
    assert_eq!(complaint.direction(), RecordDirection::Inbound);
    assert_eq!(complaint.happened_at, Some(proto::to_timestamp(START)));
    let after = score(&app, &id).await;
    assert_eq!(after.parameters[8].value, "4.0000");
    assert!(after.total.parse::<f64>().unwrap() < before.parse::<f64>().unwrap());
    assert!(after.parameters[8].explanation_ru.contains("жалоб: 1"), "{}", after.parameters[8].explanation_ru);

    app.clock.advance(Duration::days(366));
    app.run_job("score_sweep").await.unwrap();
    assert_eq!(load(&app, &id).await, "0.0000", "only the last year counts");
}

#[tokio::test]
async fn faulty_goods_and_failed_deliveries_weigh_on_the_score() {
    let app = start().await;
    let id = customer(&app).await;
    app.deliver(&[shipped(order_id(1), 1, "10.00"), returned(order_id(1), 2, "10.00", "defect")]).await.unwrap();
    assert_eq!(load(&app, &id).await, "2.0000");
    app.deliver(&[returned(order_id(1), 3, "10.00", "not_fitting"), not_collected(order_id(1), 2, "10.00")])
        .await
        .unwrap();
    assert_eq!(load(&app, &id).await, "4.0000");
}

#[tokio::test]
async fn the_log_is_read_newest_first_and_each_look_is_audited() {
    let app = start().await;
    let id = customer(&app).await;
    for (number, days) in [(1, 3), (2, 1), (3, 2)] {
        let at = Some(proto::to_timestamp(days_ago(days)));
        record(&app, RecordContactRequest { happened_at: at, ..call(&format!("r{number}"), &id) }).await.unwrap();
    }
    let page = |page_token| Some(PageRequest { page_size: 2, page_token });
    let ask = |page_token| ListContactsRequest { page: page(page_token), customer_id: id.clone() };
    let first = contacts(&app).list_contacts(ask(String::new())).await.unwrap().into_inner();
    let next = first.page.unwrap().next_page_token;
    let second = contacts(&app).list_contacts(ask(next)).await.unwrap().into_inner();
    let days: Vec<_> = first.records.iter().chain(&second.records).map(|record| record.happened_at).collect();
    assert_eq!(days, [1, 2, 3].map(|days| Some(proto::to_timestamp(days_ago(days)))));
    assert_eq!(first.records[0].note, "Спросил про доставку");
    assert_eq!((first.records[0].author.as_str(), first.records[0].outcome.as_str()), ("tester", "answered"));
    let looks: i64 = sqlx::query_scalar("select count(*) from contact_access where purpose = 'records'")
        .fetch_one(app.db.pool())
        .await
        .unwrap();
    assert_eq!(looks, 2);
}

#[tokio::test]
async fn bad_records_are_refused_and_change_nothing() {
    let app = start().await;
    let id = customer(&app).await;
    let before = score(&app, &id).await;
    let bad = RecordContactRequest {
        request_id: "with blank".to_owned(),
        kind: 9,
        direction: 0,
        outcome: "Not Snake".to_owned(),
        note: "n".repeat(4001),
        order_id: "x".to_owned(),
        happened_at: Some(proto::to_timestamp(START + Duration::seconds(1))),
        customer_id: "x".to_owned(),
    };
    let mut wrong = fields(&record(&app, bad).await.unwrap_err());
    wrong.sort();
    assert_eq!(wrong, ["customer_id", "direction", "happened_at", "kind", "note", "order_id", "outcome", "request_id"]);
    let outbound_complaint = RecordContactRequest {
        kind: RecordKind::Complaint.into(),
        direction: RecordDirection::Outbound.into(),
        ..call("r1", &id)
    };
    assert_eq!(fields(&record(&app, outbound_complaint).await.unwrap_err()), ["direction"]);
    let unknown = record(&app, call("r1", &order_id(9).to_string())).await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
    let list = ListContactsRequest { page: None, customer_id: order_id(9).to_string() };
    assert_eq!(contacts(&app).list_contacts(list.clone()).await.unwrap_err().code(), Code::NotFound);
    let mut stranger = ContactServiceClient::new(app.client(&["crm.customer.read"]));
    assert_eq!(stranger.list_contacts(list).await.unwrap_err().code(), Code::PermissionDenied);
    assert_eq!(stranger.record_contact(call("r1", &id)).await.unwrap_err().code(), Code::PermissionDenied);
    assert_eq!(score(&app, &id).await, before);
}
