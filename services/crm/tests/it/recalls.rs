//! Who has recalled goods.

use proto::common::v1::PageRequest;
use proto::crm::v1::customer_recall_service_client::CustomerRecallServiceClient;
use proto::crm::v1::{CustomerRecall, ListCustomerRecallsRequest, ListRecallCustomersRequest};
use proto::erp::v1::{ErpEvent, RecallClosed, RecallOpened, erp_event};
use testkit::{START, TestChannel, TestService};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::support::*;

const RECALL: Uuid = Uuid::from_u128(0x4ECA);

fn recalls(app: &TestService) -> CustomerRecallServiceClient<TestChannel> {
    CustomerRecallServiceClient::new(app.client(ALL))
}

fn opened(version: i64, orders: &[Uuid]) -> messaging::Event {
    let fact = RecallOpened {
        recall_id: RECALL.to_string(),
        number: 7,
        severity: "critical".to_owned(),
        reason: "glass in the jar".to_owned(),
        order_ids: orders.iter().map(Uuid::to_string).collect(),
        opened_at: Some(proto::to_timestamp(START)),
        ..RecallOpened::default()
    };
    testkit::event(RECALL, version, &ErpEvent { event: Some(erp_event::Event::RecallOpened(fact)) })
}

fn closed(version: i64) -> messaging::Event {
    let fact = RecallClosed {
        recall_id: RECALL.to_string(),
        number: 7,
        closed_at: Some(proto::to_timestamp(START)),
        ..RecallClosed::default()
    };
    testkit::event(RECALL, version, &ErpEvent { event: Some(erp_event::Event::RecallClosed(fact)) })
}

/// Order and customer of a recall's orders, page by page.
async fn buyers(app: &TestService) -> Result<Vec<(String, String)>, Status> {
    let (mut seen, mut page_token) = (Vec::new(), String::new());
    loop {
        let page = Some(PageRequest { page_size: 2, page_token });
        let request = ListRecallCustomersRequest { page, recall_id: RECALL.to_string() };
        let answer = recalls(app).list_recall_customers(request).await?.into_inner();
        seen.extend(answer.orders.into_iter().map(|order| (order.order_id, order.customer_id)));
        page_token = answer.page.unwrap().next_page_token;
        if page_token.is_empty() {
            return Ok(seen);
        }
    }
}

async fn of_customer(app: &TestService, customer: &str, only_open: bool) -> Vec<CustomerRecall> {
    let request = ListCustomerRecallsRequest { customer_id: customer.to_owned(), only_open };
    recalls(app).list_customer_recalls(request).await.unwrap().into_inner().recalls
}

#[tokio::test]
async fn the_buyers_of_recalled_goods_are_known_also_when_the_recall_is_told_twice_or_before_the_order() {
    let app = start().await;
    let (known, later, anonymous) = (order_id(1), order_id(2), order_id(3));
    let customer = resolve(&app, contact(known, "+79001234567", "")).await.customer_id;
    assert_eq!(buyers(&app).await.unwrap_err().code(), Code::NotFound);
    let first = opened(1, &[known, later]);
    app.deliver(std::slice::from_ref(&first)).await.unwrap();
    app.deliver(&[first, opened(2, &[anonymous])]).await.unwrap();
    let entry = |order: Uuid, customer: &str| (order.to_string(), customer.to_owned());
    assert_eq!(buyers(&app).await.unwrap(), [entry(known, &customer), entry(later, ""), entry(anonymous, "")]);
    let marks = of_customer(&app, &customer, true).await;
    assert_eq!(marks.len(), 1);
    assert_eq!(
        (marks[0].number, marks[0].severity.as_str(), marks[0].reason.as_str(), marks[0].order_id.clone()),
        (7, "critical", "glass in the jar", known.to_string())
    );

    app.deliver(&[placed(later, START, "100.00")]).await.unwrap();
    resolve(&app, contact(later, "+79001234567", "")).await;
    assert_eq!(buyers(&app).await.unwrap()[1], entry(later, &customer));
    assert_eq!(of_customer(&app, &customer, true).await.len(), 2);

    app.deliver(&[closed(3)]).await.unwrap();
    assert!(of_customer(&app, &customer, true).await.is_empty());
    let marks = of_customer(&app, &customer, false).await;
    assert_eq!((marks.len(), marks[0].closed_at), (2, Some(proto::to_timestamp(START))));
}

#[tokio::test]
async fn a_recall_that_ended_before_it_is_heard_of_is_closed() {
    let app = start().await;
    let order = order_id(1);
    let customer = resolve(&app, contact(order, "+79001234567", "")).await.customer_id;
    app.deliver(&[closed(2)]).await.unwrap();
    app.deliver(&[opened(1, &[order])]).await.unwrap();
    assert!(of_customer(&app, &customer, true).await.is_empty());
    assert_eq!(of_customer(&app, &customer, false).await[0].severity, "critical");
}

#[tokio::test]
async fn recalls_are_asked_for_by_ids_and_with_permission() {
    let app = start().await;
    let bad = ListRecallCustomersRequest { recall_id: "x".to_owned(), page: None };
    assert_eq!(fields(&recalls(&app).list_recall_customers(bad).await.unwrap_err()), ["recall_id"]);
    let bad = ListCustomerRecallsRequest::default();
    assert_eq!(fields(&recalls(&app).list_customer_recalls(bad).await.unwrap_err()), ["customer_id"]);
    let unknown = ListCustomerRecallsRequest { customer_id: RECALL.to_string(), only_open: false };
    assert_eq!(recalls(&app).list_customer_recalls(unknown).await.unwrap_err().code(), Code::NotFound);
    let mut stranger = CustomerRecallServiceClient::new(app.client(&["erp.*"]));
    let request = ListRecallCustomersRequest { recall_id: RECALL.to_string(), page: None };
    assert_eq!(stranger.list_recall_customers(request).await.unwrap_err().code(), Code::PermissionDenied);
    let request = ListCustomerRecallsRequest { customer_id: RECALL.to_string(), only_open: false };
    assert_eq!(stranger.list_customer_recalls(request).await.unwrap_err().code(), Code::PermissionDenied);
}
