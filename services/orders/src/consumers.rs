//! Which facts of other services are listened to, and what each does to an order.

use std::collections::BTreeMap;

use async_trait::async_trait;
use messaging::{Event, Handler, Subscription};
use proto::{
    crm::v1::{CrmEvent, crm_event},
    erp::v1::{ErpEvent, PromisedDay, ShipmentLine, erp_event},
    tasks::v1::{TasksEvent, tasks_event},
};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    fulfilment::{
        commands::{self, Effect, OrderFact},
        domain::{Allocation, Moved, Told},
    },
    life::{domain::Cause, grpc::Hub},
};

/// All subscriptions.
pub(crate) fn subscriptions(hub: &Hub) -> Vec<Subscription> {
    let erp = &[
        "order_allocated",
        "reservation_released",
        "picking_started",
        "shipment_packed",
        "shipment_shipped",
        "shipment_delivered",
        "shipment_failed",
        "stock_returned",
        "promise_changed",
    ];
    vec![
        Subscription::new("orders_erp", "erp", erp, Facts { hub: hub.clone(), read: erp_fact }),
        Subscription::new("orders_crm", "crm", &["customer_identified"], Facts { hub: hub.clone(), read: crm_fact })
            .gathering(),
        Subscription::new(
            "orders_tasks",
            "tasks",
            &["task_opened", "task_closed"],
            Facts { hub: hub.clone(), read: tasks_fact },
        )
        .gathering(),
    ]
}

/// Reads events as facts about orders and applies them together.
struct Facts {
    hub: Hub,
    read: fn(&Event) -> anyhow::Result<Option<OrderFact>>,
}

#[async_trait]
impl Handler for Facts {
    async fn apply(&self, conn: &mut PgConnection, events: &[Event]) -> anyhow::Result<()> {
        let mut facts = Vec::with_capacity(events.len());
        for event in events {
            facts.extend((self.read)(event)?);
        }
        if facts.is_empty() {
            return Ok(());
        }
        let changed = commands::apply(conn, &facts).await?;
        self.hub.poke(&changed);
        Ok(())
    }
}

fn quantity(quantity: Option<&proto::common::v1::Quantity>) -> Decimal {
    quantity.and_then(|quantity| types::parse_decimal(&quantity.value)).unwrap_or_default()
}

fn moved(lines: &[ShipmentLine]) -> Vec<Moved> {
    let line = |line: &ShipmentLine| Moved { line_no: line.line_no, quantity: quantity(line.quantity.as_ref()) };
    lines.iter().map(line).collect()
}

fn cause(event: &Event, source: &'static str, code: &'static str) -> Cause {
    Cause { at: event.time, source, actor: source.to_owned(), code, reason: String::new(), params: BTreeMap::new() }
}

/// A fact about an order; a malformed id is somebody's bug, but no reason to stop everybody's events.
fn fact(order_id: &str, effect: Effect, cause: Cause) -> Option<OrderFact> {
    match Uuid::try_parse(order_id) {
        Ok(order_id) => Some(OrderFact { order_id, effect, cause }),
        Err(_) => {
            tracing::warn!(order_id, code = cause.code, "an order id that is none");
            None
        }
    }
}

fn erp_fact(event: &Event) -> anyhow::Result<Option<OrderFact>> {
    use erp_event::Event as E;
    let Some(body) = event.decode::<ErpEvent>()?.event else { return Ok(None) };
    let id = |text: &str| Uuid::try_parse(text).unwrap_or_default();
    let told = |order_id: &str, told: Told, cause: Cause| fact(order_id, Effect::Warehouse(told), cause);
    Ok(match body {
        E::OrderAllocated(body) => {
            let line = |line: &proto::erp::v1::AllocatedLine| Allocation {
                line_no: line.line_no,
                reserved: quantity(line.reserved.as_ref()),
                backordered: quantity(line.backordered.as_ref()),
            };
            let mut cause = cause(event, "erp", "order_allocated");
            cause.reason = body.cause;
            cause.params.insert("warehouse", body.warehouse);
            told(&body.order_id, Told::Allocated(body.lines.iter().map(line).collect()), cause)
        }
        E::ReservationReleased(body) => {
            let mut cause = cause(event, "erp", "reservation_released");
            cause.reason = body.reason;
            told(&body.order_id, Told::Released, cause)
        }
        E::PickingStarted(body) => {
            let mut cause = cause(event, "erp", "picking_started");
            cause.params.insert("shipment_id", body.shipment_id.clone());
            told(&body.order_id, Told::Picking(id(&body.shipment_id)), cause)
        }
        E::ShipmentPacked(body) => {
            let mut cause = cause(event, "erp", "shipment_packed");
            cause.params.insert("shipment_id", body.shipment_id.clone());
            cause.params.insert("places", body.places.to_string());
            told(&body.order_id, Told::Packed(id(&body.shipment_id)), cause)
        }
        E::ShipmentShipped(body) => {
            let mut cause = cause(event, "erp", "shipment_shipped");
            cause.params.insert("shipment_id", body.shipment_id.clone());
            cause.params.insert("carrier", body.carrier.clone());
            cause.params.insert("tracking_number", body.tracking_number.clone());
            let shipped = Told::Shipped {
                shipment: id(&body.shipment_id),
                lines: moved(&body.lines),
                carrier: body.carrier,
                tracking_number: body.tracking_number,
            };
            told(&body.order_id, shipped, cause)
        }
        E::ShipmentDelivered(body) => {
            let mut cause = cause(event, "erp", "shipment_delivered");
            cause.params.insert("shipment_id", body.shipment_id.clone());
            told(&body.order_id, Told::Delivered { shipment: id(&body.shipment_id), last: body.r#final }, cause)
        }
        E::ShipmentFailed(body) => {
            let mut cause = cause(event, "erp", "shipment_failed");
            cause.reason = body.reason;
            cause.params.insert("shipment_id", body.shipment_id.clone());
            told(&body.order_id, Told::Failed { shipment: id(&body.shipment_id), lines: moved(&body.lines) }, cause)
        }
        E::StockReturned(body) => {
            let mut cause = cause(event, "erp", "stock_returned");
            cause.reason = body.outcome;
            cause.params.insert("return_id", body.return_id.clone());
            told(&body.order_id, Told::Booked(id(&body.return_id)), cause)
        }
        E::PromiseChanged(body) => fact(&body.order_id, Effect::Note, promised(event, &body.lines)),
        // Of goods, not of an order; or nothing its timeline tells.
        _ => None,
    })
}

fn promised(event: &Event, lines: &[PromisedDay]) -> Cause {
    let mut cause = cause(event, "erp", "promise_changed");
    let line = |line: &PromisedDay| format!("{}: {}", line.line_no, line.expected_on);
    cause.params.insert("expected_on", lines.iter().take(20).map(line).collect::<Vec<_>>().join(", "));
    cause
}

fn crm_fact(event: &Event) -> anyhow::Result<Option<OrderFact>> {
    let Some(crm_event::Event::CustomerIdentified(body)) = event.decode::<CrmEvent>()?.event else { return Ok(None) };
    let Ok(customer) = Uuid::try_parse(&body.customer_id) else { return Ok(None) };
    let mut cause = cause(event, "crm", "customer_identified");
    cause.params.insert("customer_id", body.customer_id);
    cause.params.insert("first_order", body.first_order.to_string());
    Ok(fact(&body.order_id, Effect::Customer(customer), cause))
}

fn tasks_fact(event: &Event) -> anyhow::Result<Option<OrderFact>> {
    use tasks_event::Event as E;
    let (subject_kind, subject_id, mut cause, key, detail) = match event.decode::<TasksEvent>()?.event {
        Some(E::TaskOpened(body)) => {
            let cause = cause(event, "tasks", "task_opened");
            (body.subject_kind, body.subject_id, cause, body.key, ("task_type", body.task_type))
        }
        Some(E::TaskClosed(body)) => {
            let cause = cause(event, "tasks", "task_closed");
            (body.subject_kind, body.subject_id, cause, body.key, ("closed_by", body.closed_by))
        }
        Some(E::TaskMoved(_)) | None => return Ok(None),
    };
    if subject_kind != "order" {
        return Ok(None);
    }
    cause.params.insert("task_key", key);
    cause.params.insert(detail.0, detail.1);
    Ok(fact(&subject_id, Effect::Note, cause))
}
