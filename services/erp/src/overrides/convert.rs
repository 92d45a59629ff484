//! Decisions in wire form, and back.

use proto::erp::v1::{MoveReservationRequest, PinLineRequest, ReservationOverride};
use rust_decimal::Decimal;
use service::Check;

use super::{
    domain::{Grounds, Pin, Transfer},
    queries::OverrideView,
};
use crate::ledger::convert::number;

/// Reads why something is done; an approver may be demanded.
pub(super) fn grounds(check: &mut Check, reason: &str, approved_by: &str, approval: bool) -> Grounds {
    Grounds {
        reason: check.text("reason", reason, 1..=300),
        approved_by: check.text("approved_by", approved_by, usize::from(approval)..=100),
    }
}

fn above_zero(check: &mut Check, text: &str) -> Decimal {
    let quantity = check.decimal("quantity", text);
    check.require(quantity > Decimal::ZERO || text.is_empty(), "quantity", "must be above zero");
    quantity
}

/// Reads a pin.
pub(super) fn pin(check: &mut Check, request: &PinLineRequest) -> Pin {
    Pin {
        order: check.uuid("order_id", &request.order_id),
        line_no: request.line_no,
        lot: check.text("lot", &request.lot, 1..=64),
        place: check.optional_text("place", &request.place, 100),
        quantity: (!request.quantity.is_empty()).then(|| above_zero(check, &request.quantity)),
    }
}

/// Reads a move.
pub(super) fn transfer(check: &mut Check, request: &MoveReservationRequest) -> Transfer {
    let from = (check.uuid("order_id", &request.order_id), request.line_no);
    let to = (check.uuid("to_order_id", &request.to_order_id), request.to_line_no);
    check.require(from != to || !check.is_clean(), "to_line_no", "must be another line");
    Transfer { from, to, quantity: above_zero(check, &request.quantity) }
}

/// A decision in wire form.
pub(super) fn decision(view: OverrideView) -> ReservationOverride {
    ReservationOverride {
        override_id: view.id.to_string(),
        kind: view.kind,
        order_id: view.order_id.to_string(),
        line_no: view.line_no.unwrap_or_default(),
        to_order_id: view.other_order_id.map(|id| id.to_string()).unwrap_or_default(),
        to_line_no: view.other_line_no.unwrap_or_default(),
        sku: view.sku,
        lot: view.lot,
        place: view.place,
        quantity: view.quantity.map(number).unwrap_or_default(),
        from_priority: view.from_priority.unwrap_or_default(),
        to_priority: view.to_priority.unwrap_or_default(),
        reason: view.reason,
        approved_by: view.approved_by,
        done_by: view.done_by,
        done_at: Some(proto::to_timestamp(view.done_at)),
    }
}
