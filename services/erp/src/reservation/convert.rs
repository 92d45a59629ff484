//! Reservations in wire form, and back.

use std::collections::BTreeMap;

use proto::erp::v1::{Backorder, DemandState, Reservation, ReservationLine, ReserveStockRequest, ReservedLot};
use service::Check;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::queries::{BackorderView, DemandView, HeldView};
use crate::{
    demand::domain::{Line, NewDemand, NewLine},
    ledger::convert::number,
    units::convert::entered_above_zero,
};

/// Reads a hold to make.
pub(super) fn hold(check: &mut Check, request: &ReserveStockRequest, id: Uuid, now: OffsetDateTime) -> NewDemand {
    check.len("lines", request.lines.len(), 1..=100);
    let expires_at = check.optional_timestamp("expires_at", &request.expires_at);
    check.require(expires_at.is_none_or(|at| at > now), "expires_at", "must lie in the future");
    let lines = request.lines.iter().take(100).enumerate().map(|(index, line)| {
        let (quantity, unit) = entered_above_zero(check, &format!("lines[{index}].quantity"), &line.quantity);
        NewLine {
            line_no: i32::try_from(index + 1).unwrap_or(i32::MAX),
            sku: check.text(&format!("lines[{index}].sku"), &line.sku, 1..=64),
            unit,
            quantity,
            min_life_days: 0,
        }
    });
    let lines = lines.collect();
    NewDemand {
        order_id: id,
        hold: true,
        number: check.text("reference", &request.reference, 1..=64),
        warehouse: check.optional_text("warehouse", &request.warehouse, 32),
        region: String::new(),
        delivery_method: check.optional_text("delivery_method", &request.delivery_method, 32),
        channel: check.optional_text("channel", &request.channel, 32),
        takes_over: None,
        priority: request.priority,
        placed_at: now,
        expires_at,
        lines,
    }
}

/// What an order or hold has, in wire form.
pub(super) fn reservation(
    head: DemandView,
    lines: Vec<Line>,
    held: Vec<HeldView>,
    days: &BTreeMap<i32, Date>,
) -> Reservation {
    let state = match head.state.as_str() {
        "closed" => DemandState::Closed,
        "cancelled" => DemandState::Cancelled,
        "expired" => DemandState::Expired,
        "converted" => DemandState::Converted,
        _ => DemandState::Open,
    };
    let lots_of = |line_no: i32| {
        let lot = |piece: &HeldView| ReservedLot {
            lot: piece.lot.clone(),
            place: piece.place.clone(),
            quantity: number(piece.quantity),
            shipment_id: piece.shipment_id.map(|id| id.to_string()).unwrap_or_default(),
        };
        held.iter().filter(|piece| piece.line_no == line_no).map(lot).collect()
    };
    let line = |line: Line| ReservationLine {
        line_no: line.line_no,
        lots: lots_of(line.line_no),
        expected_on: days.get(&line.line_no).map(Date::to_string).unwrap_or_default(),
        min_life_days: line.min_life_days,
        sku: line.sku,
        unit: line.unit,
        ordered: number(line.ordered),
        cancelled: number(line.cancelled),
        reserved: number(line.reserved),
        shipped: number(line.shipped),
        backordered: number(line.backordered),
    };
    Reservation {
        order_id: head.order_id.to_string(),
        kind: head.kind,
        number: head.number,
        warehouse: head.warehouse,
        state: state.into(),
        priority: head.priority,
        placed_at: Some(proto::to_timestamp(head.placed_at)),
        expires_at: head.expires_at.map(proto::to_timestamp),
        channel: head.channel,
        extensions: head.extensions,
        hold_id: head.hold_id.map(|id| id.to_string()).unwrap_or_default(),
        lines: lines.into_iter().map(line).collect(),
    }
}

/// A waiting line in wire form.
pub(super) fn backorder(view: BackorderView) -> Backorder {
    Backorder {
        order_id: view.order_id.to_string(),
        line_no: view.line_no,
        sku: view.sku,
        unit: view.unit,
        quantity: number(view.backordered),
        priority: view.priority,
        placed_at: Some(proto::to_timestamp(view.placed_at)),
    }
}
