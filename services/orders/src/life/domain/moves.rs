//! What people do to an order: confirm, cancel, complete.

use rust_decimal::Decimal;
use time::OffsetDateTime;

use super::{
    Cause, Fact, FulfilmentState, LineChange, LineKind, Machine, Order, OrderState, Part, Refused, ShipmentState,
};

/// Releases a held order for fulfilment.
///
/// # Errors
/// [`Refused::Forbidden`] unless the order is new.
pub fn confirm(order: &mut Order, cause: &Cause) -> Result<(), Refused> {
    if order.state.may_become(OrderState::Confirmed) {
        order.tell(cause.at, Fact::Confirmed);
    }
    order.move_order(OrderState::Confirmed, cause)
}

/// Cancels everything not shipped, and the charges too when nothing is.
///
/// # Errors
/// [`Refused::Forbidden`] when the order is closed, [`Refused::NothingToCancel`] when all of it is shipped.
pub fn cancel_rest(order: &mut Order, cancelled_at: OffsetDateTime, cause: &Cause) -> Result<Vec<LineChange>, Refused> {
    forbid_closed(order)?;
    let shipped = order.anything_shipped();
    let parts: Vec<_> = order
        .lines
        .iter()
        .filter(|line| (line.kind == LineKind::Goods || !shipped) && line.open() > Decimal::ZERO)
        .map(|line| Part { line_no: line.line_no, quantity: line.open(), amount: None })
        .collect();
    if parts.is_empty() {
        return Err(Refused::NothingToCancel);
    }
    let lines = order.take_parts(&parts, false)?;
    order.tell(cause.at, Fact::Cancelled { cancelled_at, reason: cause.reason.clone(), lines: lines.clone() });
    if shipped {
        order.note(cause);
    } else {
        order.move_order(OrderState::Cancelled, cause)?;
    }
    close_goods(order, cause);
    Ok(lines)
}

/// Cancels parts of lines before shipment. When nothing of the order is left, the order is cancelled.
///
/// # Errors
/// [`Refused::Forbidden`] when the order is closed (charges of a completed order may still be taken off),
/// [`Refused::QuantityExceeded`], [`Refused::AmountExceeded`], [`Refused::NoSuchLine`].
pub fn cancel_lines(
    order: &mut Order,
    parts: &[Part],
    cancelled_at: OffsetDateTime,
    cause: &Cause,
) -> Result<Vec<LineChange>, Refused> {
    let is_charge =
        |part: &Part| order.lines.iter().any(|line| line.line_no == part.line_no && line.kind == LineKind::Charge);
    let charges_only = parts.iter().all(is_charge);
    if !(charges_only && order.state == OrderState::Completed) {
        forbid_closed(order)?;
    }
    let lines = order.take_parts(parts, false)?;
    let nothing_left = order.lines.iter().all(|line| line.open().is_zero()) && !order.anything_shipped();
    if nothing_left && order.state != OrderState::Completed {
        order.tell(cause.at, Fact::Cancelled { cancelled_at, reason: cause.reason.clone(), lines: lines.clone() });
        order.move_order(OrderState::Cancelled, cause)?;
    } else {
        order.tell(cause.at, Fact::LinesCancelled { cancelled_at, reason: cause.reason.clone(), lines: lines.clone() });
        order.note(cause);
    }
    close_goods(order, cause);
    Ok(lines)
}

/// Completes a delivered order whatever is still owed.
///
/// # Errors
/// [`Refused::Forbidden`] unless it is confirmed, [`Refused::NotDelivered`] while goods are outstanding.
pub fn complete(order: &mut Order, cause: &Cause) -> Result<(), Refused> {
    if order.state == OrderState::Confirmed && !order.goods_are_done() {
        return Err(Refused::NotDelivered);
    }
    order.move_order(OrderState::Completed, cause)
}

fn forbid_closed(order: &Order) -> Result<(), Refused> {
    if order.state.may_become(OrderState::Cancelled) {
        return Ok(());
    }
    let (from, to) = (order.state.code(), OrderState::Cancelled.code());
    Err(Refused::Forbidden { machine: OrderState::NAME, from, to })
}

/// After quantities went: the fulfilment, payment and order machines follow where that closed something.
pub fn close_goods(order: &mut Order, cause: &Cause) {
    let follow = Cause { source: "orders", code: "state_changed", ..cause.clone() };
    let has_goods = order.goods().next().is_some();
    if has_goods && order.goods().all(|line| line.open().is_zero()) {
        let to = if order.anything_shipped() {
            FulfilmentState::Shipped
        } else if order.fulfilment_state.may_become(FulfilmentState::Cancelled) {
            FulfilmentState::Cancelled
        } else {
            FulfilmentState::NotCollected
        };
        if order.fulfilment_state.may_become(to) {
            // Asked for just above.
            let _ = order.move_fulfilment(to, &follow);
        }
        settle_delivery(order, &follow);
    }
    order.settle_payment(&follow);
    order.complete_if_done(&follow);
}

/// A fully shipped order is delivered, not collected or returned once none of its shipments is on the way any more.
pub fn settle_delivery(order: &mut Order, cause: &Cause) {
    if order.fulfilment_state != FulfilmentState::Shipped {
        return;
    }
    let any = |state| order.shipments.iter().any(|shipment| shipment.state == state);
    if any(ShipmentState::Shipped) {
        return;
    }
    let to = match (any(ShipmentState::Delivered), any(ShipmentState::Failed)) {
        (true, _) => FulfilmentState::Delivered,
        (false, true) => FulfilmentState::NotCollected,
        (false, false) => return,
    };
    // Both are arrows from shipped.
    let _ = order.move_fulfilment(to, cause);
}
