//! What an order is made of, what is told of it, and how a rule says no.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use time::OffsetDateTime;
use types::{Currency, Unit};
use uuid::Uuid;

use super::{Money3, share, share_for_amount};

/// Goods or charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LineKind {
    /// Reserved, picked, shipped.
    Goods,
    /// Money only.
    Charge,
}

impl LineKind {
    /// Name as stored.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Goods => "goods",
            Self::Charge => "charge",
        }
    }
}

/// A line and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Number within the order.
    pub line_no: i32,
    /// Goods or charge.
    pub kind: LineKind,
    /// Sku or charge code.
    pub sku: String,
    /// Unit.
    pub unit: Unit,
    /// Ordered.
    pub quantity: Decimal,
    /// Price of one before discount.
    pub unit_price: Decimal,
    /// Price of the list at the time.
    pub list_price: Option<Decimal>,
    /// What the line is worth.
    pub worth: Money3,
    /// Share of the order's discount within the discount.
    pub order_discount: Decimal,
    /// VAT rate in percent.
    pub tax_rate: Decimal,
    /// Category at the time.
    pub category: String,
    /// Brand at the time.
    pub brand: String,
    /// Cancelled quantity.
    pub cancelled: Decimal,
    /// What was cancelled with it.
    pub cancelled_worth: Money3,
    /// Held in stock.
    pub reserved: Decimal,
    /// Wanted but not in stock.
    pub backordered: Decimal,
    /// Left the warehouse.
    pub shipped: Decimal,
    /// Left, was not taken, and is back.
    pub failed: Decimal,
    /// Came back from the buyer.
    pub returned: Decimal,
    /// What was returned with it.
    pub returned_worth: Money3,
    /// Changed since it was read; of what is held for it see the next.
    pub dirty: bool,
    /// What is held or wanted in vain changed since it was read.
    pub held_dirty: bool,
}

impl Line {
    /// Neither with the buyer or on the way, nor cancelled: what can still be cancelled.
    #[must_use]
    pub fn open(&self) -> Decimal {
        (self.quantity - self.cancelled - (self.shipped - self.failed)).max(Decimal::ZERO)
    }

    /// With the buyer or on the way: what can be returned.
    #[must_use]
    pub fn returnable(&self) -> Decimal {
        self.shipped - self.failed - self.returned
    }

    /// What goes with `part` of the quantity.
    pub(super) fn take(&self, part: &Part, digits: u32) -> Result<Money3, Refused> {
        let (worth, gone) = (self.worth, self.cancelled + self.returned);
        let given = Money3 {
            amount: self.cancelled_worth.amount + self.returned_worth.amount,
            discount: self.cancelled_worth.discount + self.returned_worth.discount,
            tax: self.cancelled_worth.tax + self.returned_worth.tax,
        };
        let by_quantity =
            |total: Decimal, given: Decimal| share(total, given, self.quantity, gone, part.quantity, digits);
        let Some(amount) = part.amount else {
            return Ok(Money3 {
                amount: by_quantity(worth.amount, given.amount),
                discount: by_quantity(worth.discount, given.discount),
                tax: by_quantity(worth.tax, given.tax),
            });
        };
        let rest = worth.amount - given.amount;
        if amount.abs() > rest.abs() || (!amount.is_zero() && amount.is_sign_negative() != rest.is_sign_negative()) {
            return Err(Refused::AmountExceeded { line_no: self.line_no, rest });
        }
        Ok(Money3 {
            amount,
            discount: by_quantity(worth.discount, given.discount),
            tax: share_for_amount(worth.tax, given.tax, worth.amount, given.amount, amount, digits),
        })
    }
}

/// What the stock holds for a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allocation {
    /// Number of the line.
    pub line_no: i32,
    /// Held.
    pub reserved: Decimal,
    /// Wanted in vain.
    pub backordered: Decimal,
}

/// Part of a line to cancel or return.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Number of the line.
    pub line_no: i32,
    /// How much.
    pub quantity: Decimal,
    /// Money that goes with it when not the proportional share.
    pub amount: Option<Decimal>,
}

/// Quantity and money that no longer count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineChange {
    /// Number of the line.
    pub line_no: i32,
    /// Goods or charge.
    pub kind: LineKind,
    /// Sku or charge code.
    pub sku: String,
    /// Unit.
    pub unit: Unit,
    /// How much.
    pub quantity: Decimal,
    /// What goes with it.
    pub worth: Money3,
}

/// Where a shipment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ShipmentState {
    /// Being picked.
    Picking,
    /// Packed.
    Packed,
    /// On the way.
    Shipped,
    /// With the buyer.
    Delivered,
    /// Not taken.
    Failed,
}

impl ShipmentState {
    /// Name as stored and sent.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Picking => "picking",
            Self::Packed => "packed",
            Self::Shipped => "shipped",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }

    /// Reads a stored name.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        [Self::Picking, Self::Packed, Self::Shipped, Self::Delivered, Self::Failed]
            .into_iter()
            .find(|state| state.code() == code)
    }
}

/// A shipment of the order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shipment {
    /// Its id in erp.
    pub id: Uuid,
    /// Where it stands.
    pub state: ShipmentState,
    /// Carrier.
    pub carrier: String,
    /// The carrier's number.
    pub tracking_number: String,
    /// When it left.
    pub shipped_at: Option<OffsetDateTime>,
    /// When it arrived or failed.
    pub ended_at: Option<OffsetDateTime>,
    /// Changed since it was read.
    pub dirty: bool,
}

/// Who did something to an order, when and why: what each history entry says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// When it happened.
    pub at: OffsetDateTime,
    /// Service that said so.
    pub source: &'static str,
    /// Employee, key or service.
    pub actor: String,
    /// What happened, as a text code.
    pub code: &'static str,
    /// Why.
    pub reason: String,
    /// Values for the text.
    pub params: BTreeMap<&'static str, String>,
}

/// A machine's move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// Which machine.
    pub machine: &'static str,
    /// State before.
    pub from: &'static str,
    /// State after.
    pub to: &'static str,
}

/// A history entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Who, when, why.
    pub cause: Cause,
    /// The move it made, if any.
    pub transition: Option<Transition>,
}

/// What is published of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// Released for fulfilment.
    Confirmed,
    /// The rest was cancelled.
    Cancelled {
        /// When it was called off.
        cancelled_at: OffsetDateTime,
        /// Reason code.
        reason: String,
        /// What.
        lines: Vec<LineChange>,
    },
    /// A part was cancelled.
    LinesCancelled {
        /// When it was called off.
        cancelled_at: OffsetDateTime,
        /// Reason code.
        reason: String,
        /// What.
        lines: Vec<LineChange>,
    },
    /// A machine moved.
    Moved {
        /// How.
        transition: Transition,
        /// Why.
        reason: String,
    },
    /// It is completed.
    Completed,
    /// Money moved.
    Paid {
        /// When the money moved.
        paid_at: OffsetDateTime,
        /// Payment id.
        payment_id: Uuid,
        /// Method.
        method: String,
        /// Amount, negative for a refund.
        amount: Decimal,
        /// Sum after it.
        paid_total: Decimal,
        /// Payment state after it.
        state: &'static str,
    },
    /// Goods came back from the buyer.
    Returned {
        /// When they came back.
        returned_at: OffsetDateTime,
        /// Return id.
        return_id: Uuid,
        /// Reason code.
        reason: String,
        /// `restock`, `write_off`, `repair`.
        outcome: &'static str,
        /// What.
        lines: Vec<LineChange>,
    },
}

/// What happened to an order since it was read: stored and published with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log {
    /// For the history.
    pub entries: Vec<Entry>,
    /// For the others, each with when.
    pub facts: Vec<(OffsetDateTime, Fact)>,
    /// A fact was told or a flag raised, so that the order itself is to be stored and not only its history.
    pub head_changed: bool,
}

/// Why a rule says no.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The machine has no such arrow.
    #[error("the {machine} state {from} cannot become {to}")]
    Forbidden {
        /// Which machine.
        machine: &'static str,
        /// Present state.
        from: &'static str,
        /// Wanted state.
        to: &'static str,
    },
    /// Everything is shipped or cancelled.
    #[error("nothing is left to cancel")]
    NothingToCancel,
    /// The order has no such line.
    #[error("the order has no line {0}")]
    NoSuchLine(i32),
    /// More than there is.
    #[error("line {line_no} has only {left} left")]
    QuantityExceeded {
        /// Which line.
        line_no: i32,
        /// What there is.
        left: Decimal,
    },
    /// More money than there is, or of the wrong sign.
    #[error("line {line_no} has only {rest} of money left")]
    AmountExceeded {
        /// Which line.
        line_no: i32,
        /// What there is.
        rest: Decimal,
    },
    /// A refund above what was paid.
    #[error("only {left} was paid and not refunded")]
    RefundExceedsPaid {
        /// What there is.
        left: Decimal,
    },
    /// The order is paid in another currency.
    #[error("the order's currency is {0}")]
    OtherCurrency(Currency),
    /// Not in the hands of the buyer.
    #[error("the order is not delivered")]
    NotDelivered,
}
