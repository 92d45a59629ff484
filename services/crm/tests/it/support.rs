//! What all tests need: the started service, its clients, and events as orders and erp publish them.

use proto::common::v1::Money;
use proto::crm::v1::contact_service_client::ContactServiceClient;
use proto::crm::v1::customer_order_service_client::CustomerOrderServiceClient;
use proto::crm::v1::customer_service_client::CustomerServiceClient;
use proto::crm::v1::privacy_service_client::PrivacyServiceClient;
use proto::crm::v1::score_service_client::ScoreServiceClient;
use proto::crm::v1::{
    Customer, GetCustomerRequest, GetScoreRequest, OrderContact, ResolveContactsRequest, ResolvedContact, Score,
};
use proto::erp::v1::{ErpEvent, ShipmentFailed, ShipmentShipped, StockReturned, erp_event};
use proto::orders::v1::{
    LineChange, LineKind, OrderCancelled, OrderCompleted, OrderLine, OrderLinesCancelled, OrderPlaced, OrderReturned,
    OrdersEvent, orders_event,
};
use testkit::{START, TestChannel, TestService};
use time::{Duration, OffsetDateTime};
use tonic::{Code, Status};
use uuid::Uuid;

pub(crate) const ALL: &[&str] = &["crm.*"];

pub(crate) async fn start() -> TestService {
    TestService::start(crm::NAME, &crm::MIGRATOR, |deps| crm::service(deps, &crm::Config::default())).await
}

pub(crate) fn customers(app: &TestService) -> CustomerServiceClient<TestChannel> {
    CustomerServiceClient::new(app.client(ALL))
}

/// A client that calls as the orders service does.
pub(crate) fn resolver(app: &TestService) -> CustomerServiceClient<TestChannel> {
    let tokens = service::InternalTokens::new("orders", testkit::INTERNAL_SECRET);
    let token = tokens.token(&["crm.contact.resolve"], service::Clock::system().now()).unwrap();
    CustomerServiceClient::new(app.client_with_token(&token))
}

pub(crate) fn orders(app: &TestService) -> CustomerOrderServiceClient<TestChannel> {
    CustomerOrderServiceClient::new(app.client(ALL))
}

pub(crate) fn scores(app: &TestService) -> ScoreServiceClient<TestChannel> {
    ScoreServiceClient::new(app.client(ALL))
}

pub(crate) fn contacts(app: &TestService) -> ContactServiceClient<TestChannel> {
    ContactServiceClient::new(app.client(ALL))
}

pub(crate) fn privacy(app: &TestService) -> PrivacyServiceClient<TestChannel> {
    PrivacyServiceClient::new(app.client(ALL))
}

pub(crate) fn days_ago(days: i64) -> OffsetDateTime {
    START - Duration::days(days)
}

pub(crate) fn order_id(number: u128) -> Uuid {
    Uuid::from_u128(0x0dde_0000 + number)
}

pub(crate) fn contact(order: Uuid, phone: &str, email: &str) -> OrderContact {
    OrderContact {
        order_id: order.to_string(),
        channel: "web".to_owned(),
        name: "Иван Петров".to_owned(),
        phone: phone.to_owned(),
        email: email.to_owned(),
        region: "RU-MOW".to_owned(),
        placed_at: Some(proto::to_timestamp(START)),
        ..OrderContact::default()
    }
}

pub(crate) async fn resolve_all(app: &TestService, contacts: Vec<OrderContact>) -> Vec<ResolvedContact> {
    let request = ResolveContactsRequest { contacts };
    resolver(app).resolve_contacts(request).await.unwrap().into_inner().results
}

pub(crate) async fn resolve(app: &TestService, contact: OrderContact) -> ResolvedContact {
    resolve_all(app, vec![contact]).await.pop().unwrap()
}

pub(crate) async fn card(app: &TestService, customer_id: &str) -> Customer {
    let request = GetCustomerRequest { customer_id: customer_id.to_owned(), include_contacts: true };
    customers(app).get_customer(request).await.unwrap().into_inner().customer.unwrap()
}

pub(crate) async fn score(app: &TestService, customer_id: &str) -> Score {
    let request = GetScoreRequest { customer_id: customer_id.to_owned() };
    scores(app).get_score(request).await.unwrap().into_inner().score.unwrap()
}

pub(crate) fn rub(amount: &str) -> Option<Money> {
    Some(Money { currency: "RUB".to_owned(), amount: amount.to_owned() })
}

/// The reason code of a refusal.
pub(crate) fn reason(status: &Status) -> String {
    use tonic_types::StatusExt as _;
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

/// The fields that a refusal names.
pub(crate) fn fields(status: &Status) -> Vec<String> {
    use tonic_types::StatusExt as _;
    assert_eq!(status.code(), Code::InvalidArgument, "{status}");
    let violations = status.get_details_bad_request().map(|bad| bad.field_violations).unwrap_or_default();
    violations.into_iter().map(|violation| violation.field).collect()
}

fn of_orders(order: Uuid, version: i64, event: orders_event::Event) -> messaging::Event {
    testkit::event(order, version, &OrdersEvent { event: Some(event) })
}

fn of_erp(order: Uuid, version: i64, event: erp_event::Event) -> messaging::Event {
    testkit::event(order, version, &ErpEvent { event: Some(event) })
}

fn line(line_no: i32, category: &str, total: &str) -> OrderLine {
    OrderLine {
        line_no,
        kind: LineKind::Goods.into(),
        sku: format!("SKU-{line_no}"),
        total: rub(total),
        category: category.to_owned(),
        ..OrderLine::default()
    }
}

/// An order of one line, without discount.
pub(crate) fn placed(order: Uuid, at: OffsetDateTime, total: &str) -> messaging::Event {
    placed_with(order, at, total, |_| ())
}

/// The same, changed to taste.
pub(crate) fn placed_with(
    order: Uuid,
    at: OffsetDateTime,
    total: &str,
    change: impl FnOnce(&mut OrderPlaced),
) -> messaging::Event {
    let mut event = OrderPlaced {
        order_id: order.to_string(),
        number: "W-1".to_owned(),
        channel: "web".to_owned(),
        placed_at: Some(proto::to_timestamp(at)),
        region: "RU-MOW".to_owned(),
        lines: vec![line(1, "Fishing/Lures", total)],
        gross: rub(total),
        discount: rub("0.00"),
        tax: rub("0.00"),
        total: rub(total),
        confirmed: true,
        has_contact: true,
        ..OrderPlaced::default()
    };
    change(&mut event);
    of_orders(order, 1, orders_event::Event::OrderPlaced(event))
}

fn part(amount: &str) -> LineChange {
    LineChange {
        line_no: 1,
        sku: "SKU-1".to_owned(),
        amount: rub(amount),
        discount: rub("0.00"),
        ..LineChange::default()
    }
}

pub(crate) fn cancelled(order: Uuid, version: i64, amount: &str) -> messaging::Event {
    let lines = vec![part(amount)];
    let event =
        OrderCancelled { order_id: order.to_string(), reason: "buyer_request".to_owned(), lines, ..Default::default() };
    of_orders(order, version, orders_event::Event::OrderCancelled(event))
}

pub(crate) fn lines_cancelled(order: Uuid, version: i64, amount: &str) -> messaging::Event {
    let lines = vec![part(amount)];
    let event = OrderLinesCancelled { order_id: order.to_string(), lines, ..Default::default() };
    of_orders(order, version, orders_event::Event::OrderLinesCancelled(event))
}

pub(crate) fn completed(order: Uuid, version: i64) -> messaging::Event {
    let event = OrderCompleted { order_id: order.to_string(), completed_at: None };
    of_orders(order, version, orders_event::Event::OrderCompleted(event))
}

pub(crate) fn returned(order: Uuid, version: i64, amount: &str, reason: &str) -> messaging::Event {
    let event = OrderReturned {
        order_id: order.to_string(),
        return_id: Uuid::from_u128(1).to_string(),
        lines: vec![part(amount)],
        reason: reason.to_owned(),
        ..Default::default()
    };
    of_orders(order, version, orders_event::Event::OrderReturned(event))
}

pub(crate) fn shipped(order: Uuid, version: i64, cost: &str) -> messaging::Event {
    let event = ShipmentShipped { order_id: order.to_string(), cost: rub(cost), ..Default::default() };
    of_erp(order, version, erp_event::Event::ShipmentShipped(event))
}

pub(crate) fn not_collected(order: Uuid, version: i64, cost: &str) -> messaging::Event {
    let reason = "not_collected".to_owned();
    let event = ShipmentFailed { order_id: order.to_string(), reason, cost: rub(cost), ..Default::default() };
    of_erp(order, version, erp_event::Event::ShipmentFailed(event))
}

pub(crate) fn stock_returned(order: Uuid, version: i64, cost: &str) -> messaging::Event {
    let event = StockReturned { order_id: order.to_string(), cost: rub(cost), ..Default::default() };
    of_erp(order, version, erp_event::Event::StockReturned(event))
}
