//! How an order takes what the warehouse tells. Nothing here is refused: goods that moved have moved; what does not fit
//! the order's state is noted and flagged for a person.

use rust_decimal::Decimal;
use uuid::Uuid;

pub use crate::life::domain::Allocation;
use crate::life::domain::{
    Cause, FulfilmentState, Machine, Order, OrderState, Shipment, ShipmentState, close_goods, settle_delivery,
};

/// Raised when goods left although the order had been cancelled: the messages crossed.
pub const SHIPPED_AFTER_CANCEL: &str = "SHIPPED_AFTER_CANCEL";

/// A quantity of a line that left or came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Number of the line.
    pub line_no: i32,
    /// How much.
    pub quantity: Decimal,
}

/// What the warehouse told of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// The present reservation.
    Allocated(Vec<Allocation>),
    /// Nothing is held any more.
    Released,
    /// Picking of a shipment began.
    Picking(Uuid),
    /// A shipment is packed.
    Packed(Uuid),
    /// A shipment left.
    Shipped {
        /// Which.
        shipment: Uuid,
        /// What, lots of a line may be apart.
        lines: Vec<Moved>,
        /// Carrier.
        carrier: String,
        /// The carrier's number.
        tracking_number: String,
    },
    /// A shipment arrived.
    Delivered {
        /// Which.
        shipment: Uuid,
        /// Erp says that it was the last.
        last: bool,
    },
    /// A shipment was not taken and is back.
    Failed {
        /// Which.
        shipment: Uuid,
        /// What.
        lines: Vec<Moved>,
    },
    /// A return is booked.
    Booked(Uuid),
}

/// Applies one fact of the warehouse.
pub fn apply(order: &mut Order, told: &Told, cause: &Cause) {
    match told {
        Told::Allocated(lines) => allocated(order, lines, cause),
        Told::Released => released(order, cause),
        Told::Picking(shipment) => {
            if advance(order, *shipment, ShipmentState::Picking).is_some() {
                move_or_note(order, FulfilmentState::Picking, cause);
            }
        }
        Told::Packed(shipment) => {
            if advance(order, *shipment, ShipmentState::Packed).is_some() {
                move_or_note(order, FulfilmentState::Packed, cause);
            }
        }
        Told::Shipped { shipment, lines, carrier, tracking_number } => {
            if let Some(row) = advance(order, *shipment, ShipmentState::Shipped) {
                row.carrier.clone_from(carrier);
                row.tracking_number.clone_from(tracking_number);
                row.shipped_at = Some(cause.at);
                shipped(order, lines, cause);
            }
        }
        Told::Delivered { shipment, last } => {
            if let Some(row) = advance(order, *shipment, ShipmentState::Delivered) {
                row.ended_at = Some(cause.at);
                delivered(order, *last, cause);
            }
        }
        Told::Failed { shipment, lines } => {
            if let Some(row) = advance(order, *shipment, ShipmentState::Failed) {
                row.ended_at = Some(cause.at);
                failed(order, lines, cause);
            }
        }
        Told::Booked(_) => order.note(cause),
    }
}

/// Brings a shipment to a later state; `None` when it was there already.
fn advance(order: &mut Order, id: Uuid, to: ShipmentState) -> Option<&mut Shipment> {
    let known = order.shipments.iter().position(|shipment| shipment.id == id);
    let index = known.unwrap_or(order.shipments.len());
    if known.is_none() {
        order.shipments.push(Shipment {
            id,
            state: to,
            carrier: String::new(),
            tracking_number: String::new(),
            shipped_at: None,
            ended_at: None,
            dirty: true,
        });
    }
    let row = &mut order.shipments[index];
    if known.is_some() && (row.ended_at.is_some() || to <= row.state) {
        return None;
    }
    row.state = to;
    row.dirty = true;
    Some(row)
}

fn move_or_note(order: &mut Order, to: FulfilmentState, cause: &Cause) {
    if order.state == OrderState::Cancelled || order.move_fulfilment(to, cause).is_err() {
        order.note(cause);
    }
}

fn allocated(order: &mut Order, lines: &[Allocation], cause: &Cause) {
    if order.state == OrderState::Cancelled {
        order.note(cause);
        return;
    }
    let (mut reserved, mut backordered) = (Decimal::ZERO, Decimal::ZERO);
    let unread = order.lines.is_empty();
    let mut allocation = Vec::with_capacity(lines.len());
    for told in lines {
        let now = Allocation {
            line_no: told.line_no,
            reserved: told.reserved.max(Decimal::ZERO),
            backordered: told.backordered.max(Decimal::ZERO),
        };
        if !unread {
            let Some(line) = order.line_mut(told.line_no) else { continue };
            (line.reserved, line.backordered, line.held_dirty) = (now.reserved, now.backordered, true);
        }
        reserved += now.reserved;
        backordered += now.backordered;
        allocation.push(now);
    }
    if unread {
        order.allocation = Some(allocation);
    }
    let to = match (reserved.is_zero(), backordered.is_zero()) {
        (true, true) => order.fulfilment_state,
        (false, true) => FulfilmentState::Reserved,
        (true, false) => FulfilmentState::Backordered,
        (false, false) => FulfilmentState::PartiallyReserved,
    };
    move_or_note(order, to, cause);
}

fn released(order: &mut Order, cause: &Cause) {
    for line in &mut order.lines {
        line.held_dirty |= !line.reserved.is_zero() || !line.backordered.is_zero();
        line.reserved = Decimal::ZERO;
        line.backordered = Decimal::ZERO;
    }
    move_or_note(order, FulfilmentState::None, cause);
}

fn shipped(order: &mut Order, lines: &[Moved], cause: &Cause) {
    for moved in lines {
        let Some(line) = order.line_mut(moved.line_no) else { continue };
        line.shipped = (line.shipped + moved.quantity).min(line.quantity);
        line.reserved = (line.reserved - moved.quantity).max(Decimal::ZERO);
        (line.dirty, line.held_dirty) = (true, true);
    }
    if order.state == OrderState::Cancelled {
        order.flag(SHIPPED_AFTER_CANCEL);
        order.note(cause);
        return;
    }
    let whole = order.goods().all(|line| line.open().is_zero());
    let to = if whole { FulfilmentState::Shipped } else { FulfilmentState::PartiallyShipped };
    move_or_note(order, to, cause);
}

fn delivered(order: &mut Order, last: bool, cause: &Cause) {
    let before = order.log.entries.len();
    if last && order.fulfilment_state == FulfilmentState::Shipped && order.state != OrderState::Cancelled {
        move_or_note(order, FulfilmentState::Delivered, cause);
    } else {
        settle_delivery(order, cause);
    }
    if order.log.entries.len() == before {
        order.note(cause);
    }
    order.complete_if_done(cause);
}

fn failed(order: &mut Order, lines: &[Moved], cause: &Cause) {
    for moved in lines {
        let Some(line) = order.line_mut(moved.line_no) else { continue };
        line.failed = (line.failed + moved.quantity).min(line.shipped - line.returned);
        line.dirty = true;
    }
    let before = order.log.entries.len();
    settle_delivery(order, cause);
    if order.log.entries.len() == before {
        order.note(cause);
    }
}

/// After a return: everything shipped is back when nothing returnable and nothing open is left.
pub fn settle_return(order: &mut Order, cause: &Cause) {
    let goods_back = order.goods().all(|line| line.returnable().is_zero() && line.open().is_zero());
    if goods_back && order.fulfilment_state.may_become(FulfilmentState::Returned) {
        // Asked for just above.
        let _ = order.move_fulfilment(FulfilmentState::Returned, cause);
    }
    close_goods(order, cause);
}
