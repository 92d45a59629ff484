//! What the tests have in common.

use proto::{
    common::v1::Money,
    erp::v1::{self as erp, ErpEvent, erp_event},
    orders::v1::{self as orders, OrdersEvent, orders_event},
    tasks::v1::{
        self as wire, project_service_client::ProjectServiceClient, reminder_service_client::ReminderServiceClient,
        rule_service_client::RuleServiceClient, task_service_client::TaskServiceClient,
        workflow_service_client::WorkflowServiceClient,
    },
};
use testkit::{TestChannel, TestService};
use tonic::Status;
use tonic_types::StatusExt as _;

pub(crate) const ALL: &[&str] = &[
    "tasks.project.read",
    "tasks.project.write",
    "tasks.workflow.read",
    "tasks.workflow.write",
    "tasks.task.create",
    "tasks.task.read",
    "tasks.task.update",
    "tasks.task.move",
    "tasks.task.assign",
    "tasks.task.comment",
    "tasks.rule.read",
    "tasks.rule.write",
    "tasks.reminder.write",
];

pub(crate) async fn start() -> TestService {
    TestService::start(tasks::NAME, &tasks::MIGRATOR, |deps| tasks::service(deps, &tasks::Config::default())).await
}

pub(crate) fn tasks_as(app: &TestService, subject: &str) -> TaskServiceClient<TestChannel> {
    TaskServiceClient::new(app.client_as(subject, ALL))
}

pub(crate) fn tasks(app: &TestService) -> TaskServiceClient<TestChannel> {
    tasks_as(app, "anna")
}

pub(crate) fn projects(app: &TestService) -> ProjectServiceClient<TestChannel> {
    ProjectServiceClient::new(app.client(ALL))
}

pub(crate) fn workflows(app: &TestService) -> WorkflowServiceClient<TestChannel> {
    WorkflowServiceClient::new(app.client(ALL))
}

pub(crate) fn rules(app: &TestService) -> RuleServiceClient<TestChannel> {
    RuleServiceClient::new(app.client(ALL))
}

pub(crate) fn reminders_as(app: &TestService, subject: &str) -> ReminderServiceClient<TestChannel> {
    ReminderServiceClient::new(app.client_as(subject, ALL))
}

pub(crate) fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

pub(crate) fn fields(status: &Status) -> Vec<String> {
    let request = status.get_details_bad_request();
    request.map(|bad| bad.field_violations.into_iter().map(|v| v.field).collect()).unwrap_or_default()
}

pub(crate) fn new_task(request_id: &str, title: &str) -> wire::CreateTaskRequest {
    wire::CreateTaskRequest {
        request_id: request_id.into(),
        project: "WH".into(),
        title: title.into(),
        ..Default::default()
    }
}

pub(crate) async fn create(app: &TestService, request: wire::CreateTaskRequest) -> wire::Task {
    tasks(app).create_task(request).await.unwrap().into_inner().task.unwrap()
}

pub(crate) async fn get(app: &TestService, id: &str) -> wire::Task {
    let request = wire::GetTaskRequest { task_id: id.into() };
    tasks(app).get_task(request).await.unwrap().into_inner().task.unwrap()
}

/// All tasks of a rule, newest first.
pub(crate) async fn of_rule(app: &TestService, rule: &str) -> Vec<wire::Task> {
    let page = Some(proto::common::v1::PageRequest { page_size: 500, page_token: String::new() });
    let request = wire::ListTasksRequest { page, rule: rule.into(), ..Default::default() };
    tasks(app).list_tasks(request).await.unwrap().into_inner().tasks
}

pub(crate) fn rub(amount: &str) -> Option<Money> {
    Some(Money { currency: "RUB".into(), amount: amount.into() })
}

fn orders_event(event: orders_event::Event) -> OrdersEvent {
    OrdersEvent { event: Some(event) }
}

fn erp_event(event: erp_event::Event) -> ErpEvent {
    ErpEvent { event: Some(event) }
}

pub(crate) fn placed(order: &str, method: &str, confirmed: bool) -> OrdersEvent {
    orders_event(orders_event::Event::OrderPlaced(orders::OrderPlaced {
        order_id: order.into(),
        number: format!("W-{order}"),
        payment_method: method.into(),
        total: rub("1490.00"),
        confirmed,
        hold_reasons: if confirmed { vec![] } else { vec!["TOTAL_MISMATCH".into(), "NO_PRICE".into()] },
        ..Default::default()
    }))
}

pub(crate) fn confirmed(order: &str) -> OrdersEvent {
    orders_event(orders_event::Event::OrderConfirmed(orders::OrderConfirmed {
        order_id: order.into(),
        ..Default::default()
    }))
}

pub(crate) fn cancelled(order: &str) -> OrdersEvent {
    orders_event(orders_event::Event::OrderCancelled(orders::OrderCancelled {
        order_id: order.into(),
        reason: "buyer_request".into(),
        ..Default::default()
    }))
}

pub(crate) fn paid(order: &str, state: &str) -> OrdersEvent {
    orders_event(orders_event::Event::PaymentRecorded(orders::PaymentRecorded {
        order_id: order.into(),
        payment_state: state.into(),
        ..Default::default()
    }))
}

pub(crate) fn product(sku: &str, name: &str) -> OrdersEvent {
    orders_event(orders_event::Event::ProductChanged(orders::ProductChanged {
        sku: sku.into(),
        name: name.into(),
        ..Default::default()
    }))
}

pub(crate) fn allocated(order: &str, complete: bool) -> ErpEvent {
    erp_event(erp_event::Event::OrderAllocated(erp::OrderAllocated {
        order_id: order.into(),
        complete,
        warehouse: "MAIN".into(),
        ..Default::default()
    }))
}

pub(crate) fn released(order: &str, reason: &str) -> ErpEvent {
    erp_event(erp_event::Event::ReservationReleased(erp::ReservationReleased {
        order_id: order.into(),
        reason: reason.into(),
        ..Default::default()
    }))
}

pub(crate) fn shipped(order: &str, last: bool) -> ErpEvent {
    erp_event(erp_event::Event::ShipmentShipped(erp::ShipmentShipped {
        order_id: order.into(),
        r#final: last,
        ..Default::default()
    }))
}

pub(crate) fn depleted(sku: &str) -> ErpEvent {
    let backordered = Some(proto::common::v1::Quantity { value: "7".into(), unit: "pcs".into() });
    erp_event(erp_event::Event::StockDepleted(erp::StockDepleted { sku: sku.into(), backordered, depleted_at: None }))
}

pub(crate) fn replenished(sku: &str) -> ErpEvent {
    erp_event(erp_event::Event::StockReplenished(erp::StockReplenished {
        sku: sku.into(),
        available: None,
        replenished_at: None,
    }))
}

/// A part of a recall with so many orders.
pub(crate) fn recall_opened(recall: &str, part: i32, parts: i32, orders: usize) -> ErpEvent {
    erp_event(erp_event::Event::RecallOpened(erp::RecallOpened {
        recall_id: recall.into(),
        number: 7,
        part,
        parts,
        severity: "critical".into(),
        reason: "стекло в банке".into(),
        order_ids: vec!["o".into(); orders],
        order_count: i32::try_from(orders).unwrap(),
        ..Default::default()
    }))
}

fn pieces(value: &str) -> Option<proto::common::v1::Quantity> {
    Some(proto::common::v1::Quantity { value: value.into(), unit: "pcs".into() })
}

pub(crate) fn below(sku: &str, warehouse: &str) -> ErpEvent {
    erp_event(erp_event::Event::StockBelowReorderPoint(erp::StockBelowReorderPoint {
        sku: sku.into(),
        warehouse: warehouse.into(),
        position: pieces("5"),
        reorder_point: pieces("12"),
        missing: pieces("7"),
        ..Default::default()
    }))
}

pub(crate) fn recall_closed(recall: &str, part: i32, parts: i32) -> ErpEvent {
    erp_event(erp_event::Event::RecallClosed(erp::RecallClosed {
        recall_id: recall.into(),
        number: 7,
        part,
        parts,
        ..Default::default()
    }))
}

pub(crate) fn recovered(sku: &str, warehouse: &str) -> ErpEvent {
    erp_event(erp_event::Event::StockRecovered(erp::StockRecovered {
        sku: sku.into(),
        warehouse: warehouse.into(),
        ..Default::default()
    }))
}

pub(crate) fn slow(sku: &str, with_task: bool) -> ErpEvent {
    erp_event(erp_event::Event::ItemSlowMoving(erp::ItemSlowMoving {
        sku: sku.into(),
        rule: "old".into(),
        rule_name: "Старше полугода".into(),
        quantity: pieces("40"),
        age_days: 200,
        discount_percent: "25".into(),
        with_task,
        ..Default::default()
    }))
}

pub(crate) fn moving(sku: &str) -> ErpEvent {
    erp_event(erp_event::Event::ItemMovingAgain(erp::ItemMovingAgain { sku: sku.into(), at: None }))
}
