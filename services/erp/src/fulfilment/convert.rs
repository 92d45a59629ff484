//! Shipments in wire form, and back.

use proto::{
    common::v1::Quantity,
    erp::v1::{
        FailureReason, FulfilmentQueue, PickedLine, PickingStarted, QueueEntry, Shipment, ShipmentDelivered,
        ShipmentFailed, ShipmentItem, ShipmentLine, ShipmentPacked, ShipmentShipped, ShipmentState, ShortReason,
        erp_event::Event,
    },
};
use rust_decimal::Decimal;
use service::Check;
use time::OffsetDateTime;
use types::Currency;
use uuid::Uuid;

use super::{
    domain::{self, Found, State},
    queries::{ItemView, ShipmentView},
    queries_queue::{NEVER, QueueView},
};
use crate::ledger::convert::{money, number, quantity};

/// A state in wire form.
pub(crate) fn state(state: State) -> ShipmentState {
    match state {
        State::Picking => ShipmentState::Picking,
        State::Picked => ShipmentState::Picked,
        State::Packed => ShipmentState::Packed,
        State::Shipped => ShipmentState::Shipped,
        State::Delivered => ShipmentState::Delivered,
        State::Failed => ShipmentState::Failed,
        State::Cancelled => ShipmentState::Cancelled,
    }
}

pub(crate) fn state_of(code: &str) -> i32 {
    State::parse(code).map_or(ShipmentState::Unspecified, state).into()
}

/// A shipment in wire form.
pub(super) fn shipment(view: ShipmentView, lines: &[ItemView], currency: Currency) -> Shipment {
    let line = |line: &ItemView| ShipmentItem {
        line_no: line.line_no,
        sku: line.sku.clone(),
        lot: line.lot.clone(),
        place: line.place.clone(),
        planned: Some(quantity(line.planned, &line.unit)),
        quantity: Some(quantity(line.quantity, &line.unit)),
        cost: Some(money(line.cost, currency)),
        returned: number(line.returned),
    };
    Shipment {
        shipment_id: view.id.to_string(),
        order_id: view.order_id.to_string(),
        state: state_of(&view.state),
        warehouse: view.warehouse,
        lines: lines.iter().filter(|line| line.shipment_id == view.id).map(line).collect(),
        places: view.places,
        weight_grams: view.weight_grams.map(number).unwrap_or_default(),
        carrier: view.carrier,
        tracking_number: view.tracking_number,
        cost: Some(money(view.cost, currency)),
        created_at: Some(proto::to_timestamp(view.created_at)),
        shipped_at: view.shipped_at.map(proto::to_timestamp),
        ended_at: view.ended_at.map(proto::to_timestamp),
        failure: view.failure,
        expected_grams: view.expected_grams.map(number).unwrap_or_default(),
        weight_reason: view.weight_reason,
        parcels: Vec::new(),
        came_back: Vec::new(),
    }
}

/// An entry of a queue in wire form.
pub(super) fn queue_entry(view: QueueView) -> QueueEntry {
    QueueEntry {
        order_id: view.order_id.to_string(),
        number: view.number,
        shipment_id: view.shipment_id.map(|id| id.to_string()).unwrap_or_default(),
        state: view.state.as_deref().map_or(ShipmentState::Unspecified.into(), state_of),
        region: view.region,
        delivery_method: view.delivery_method,
        priority: view.priority,
        since: Some(proto::to_timestamp(view.since)),
        lines: i32::try_from(view.lines).unwrap_or(i32::MAX),
        warehouse: view.warehouse,
        ready_at: Some(proto::to_timestamp(view.ready_at)),
        leave_by: (view.leave_by < NEVER).then(|| proto::to_timestamp(view.leave_by)),
        complete: view.complete,
        weight_grams: number(view.weight_grams),
        wave_id: view.wave_id.map(|id| id.to_string()).unwrap_or_default(),
    }
}

/// What a queue is made of.
pub(super) enum Queue {
    /// Orders that hold goods in no shipment.
    ToPick,
    /// Shipments in states, and whether they wait at the counter.
    Shipments(&'static [&'static str], Option<bool>),
    /// Shipments to be taken apart.
    ToDismantle,
}

/// Reads which queue is wanted.
pub(super) fn queue(check: &mut Check, queue: FulfilmentQueue) -> Queue {
    match queue {
        FulfilmentQueue::Unspecified => {
            check.wrong("queue", "is missing");
            Queue::ToPick
        }
        FulfilmentQueue::ToPick => Queue::ToPick,
        FulfilmentQueue::ToPack => Queue::Shipments(&["picking", "picked"], None),
        FulfilmentQueue::ToShip => Queue::Shipments(&["packed"], Some(false)),
        FulfilmentQueue::SelfPickup => Queue::Shipments(&["packed"], Some(true)),
        FulfilmentQueue::ToDeliver => Queue::Shipments(&["shipped"], None),
        FulfilmentQueue::ToDismantle => Queue::ToDismantle,
    }
}

/// Reads what was found.
pub(super) fn found(check: &mut Check, index: usize, line: &PickedLine) -> Found {
    let quantity = check.quantity(&format!("lines[{index}].picked"), &line.picked);
    check.require(quantity.value >= Decimal::ZERO, format!("lines[{index}].picked"), "must not be negative");
    Found {
        line_no: line.line_no,
        lot: check.text(&format!("lines[{index}].lot"), &line.lot, 1..=64),
        unit: quantity.unit.code().to_owned(),
        quantity: quantity.value,
        damaged: line.short_reason() == ShortReason::Damaged,
    }
}

/// Reads why a delivery failed.
pub(super) fn failure(check: &mut Check, reason: FailureReason) -> &'static str {
    match reason {
        FailureReason::Unspecified => {
            check.wrong("reason", "is missing");
            ""
        }
        FailureReason::Refused => "refused",
        FailureReason::NotCollected => "not_collected",
    }
}

/// The fact that picking began.
pub(super) fn picking_started(order: Uuid, shipment: Uuid, at: OffsetDateTime) -> Event {
    Event::PickingStarted(PickingStarted {
        order_id: order.to_string(),
        shipment_id: shipment.to_string(),
        started_at: Some(proto::to_timestamp(at)),
    })
}

/// The fact that the parcels are closed.
pub(super) fn packed(
    order: Uuid,
    shipment: Uuid,
    places: i32,
    weight_grams: Option<Decimal>,
    at: OffsetDateTime,
) -> Event {
    Event::ShipmentPacked(ShipmentPacked {
        order_id: order.to_string(),
        shipment_id: shipment.to_string(),
        places,
        weight_grams: weight_grams.map(number).unwrap_or_default(),
        packed_at: Some(proto::to_timestamp(at)),
    })
}

/// A line of a fact, with this quantity and cost.
pub(crate) fn fact_line(
    line: &domain::ShipmentLine,
    moved: Decimal,
    cost: Decimal,
    currency: Currency,
) -> ShipmentLine {
    let quantity: Quantity = quantity(moved, &line.unit);
    ShipmentLine {
        line_no: line.line_no,
        sku: line.sku.clone(),
        lot: line.lot_number.clone(),
        quantity: Some(quantity),
        cost: Some(money(cost, currency)),
    }
}

/// What is to be told of goods that left.
pub(super) struct Shipped<'a> {
    pub(super) order: Uuid,
    pub(super) shipment: Uuid,
    pub(super) lines: &'a [&'a domain::ShipmentLine],
    pub(super) is_final: bool,
    pub(super) carrier: &'a str,
    pub(super) tracking_number: &'a str,
    pub(super) at: OffsetDateTime,
    pub(super) warehouse: &'a str,
}

impl Shipped<'_> {
    /// The fact that goods left.
    pub(super) fn event(&self, currency: Currency) -> Event {
        let cost: Decimal = self.lines.iter().map(|line| line.cost).sum();
        Event::ShipmentShipped(ShipmentShipped {
            order_id: self.order.to_string(),
            shipment_id: self.shipment.to_string(),
            lines: self.lines.iter().map(|line| fact_line(line, line.quantity, line.cost, currency)).collect(),
            cost: Some(money(cost, currency)),
            r#final: self.is_final,
            carrier: self.carrier.to_owned(),
            tracking_number: self.tracking_number.to_owned(),
            shipped_at: Some(proto::to_timestamp(self.at)),
            warehouse: self.warehouse.to_owned(),
        })
    }
}

/// The fact that goods arrived.
pub(super) fn delivered(order: Uuid, shipment: Uuid, is_final: bool, at: OffsetDateTime) -> Event {
    Event::ShipmentDelivered(ShipmentDelivered {
        order_id: order.to_string(),
        shipment_id: shipment.to_string(),
        r#final: is_final,
        delivered_at: Some(proto::to_timestamp(at)),
    })
}

/// The fact that goods came back undelivered.
pub(super) fn failed(
    shipment: &domain::Shipment,
    reason: &str,
    back: &[domain::ShipmentLine],
    at: OffsetDateTime,
    currency: Currency,
) -> Event {
    let cost: Decimal = back.iter().map(|line| line.returned_cost).sum();
    Event::ShipmentFailed(ShipmentFailed {
        order_id: shipment.order.to_string(),
        shipment_id: shipment.id.to_string(),
        reason: reason.to_owned(),
        lines: back.iter().map(|line| fact_line(line, line.returned, line.returned_cost, currency)).collect(),
        cost: Some(money(cost, currency)),
        failed_at: Some(proto::to_timestamp(at)),
    })
}
