//! Reservations in wire form, and back.

use proto::erp::v1::{Backorder, DemandState, Reservation, ReservationLine, ReserveStockRequest, ReservedLot};
use service::Check;
use time::OffsetDateTime;
use uuid::Uuid;

use super::queries::{BackorderView, DemandView, HeldView};
use crate::{
    demand::domain::{Line, NewDemand, NewLine},
    ledger::convert::number,
};

/// Reads a hold to make.
pub(super) fn hold(check: &mut Check, request: &ReserveStockRequest, id: Uuid, now: OffsetDateTime) -> NewDemand {
    check.len("lines", request.lines.len(), 1..=100);
    let expires_at = check.optional_timestamp("expires_at", &request.expires_at);
    check.require(expires_at.is_none_or(|at| at > now), "expires_at", "must lie in the future");
    let lines = request.lines.iter().take(100).enumerate().map(|(index, line)| {
        let quantity = check.positive_quantity(&format!("lines[{index}].quantity"), &line.quantity);
        NewLine {
            line_no: i32::try_from(index + 1).unwrap_or(i32::MAX),
            sku: check.text(&format!("lines[{index}].sku"), &line.sku, 1..=64),
            unit: quantity.unit.code().to_owned(),
            quantity: quantity.value,
        }
    });
    let lines = lines.collect();
    NewDemand {
        order_id: id,
        hold: true,
        number: check.text("reference", &request.reference, 1..=64),
        warehouse: check.optional_text("warehouse", &request.warehouse, 32),
        region: String::new(),
        delivery_method: String::new(),
        priority: request.priority,
        placed_at: now,
        expires_at,
        lines,
    }
}

/// What an order or hold has, in wire form.
pub(super) fn reservation(head: DemandView, lines: Vec<Line>, held: Vec<HeldView>) -> Reservation {
    let state = match head.state.as_str() {
        "closed" => DemandState::Closed,
        "cancelled" => DemandState::Cancelled,
        "expired" => DemandState::Expired,
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
