//! The order as commands see it, and the moves they are made of.

use rust_decimal::Decimal;
use time::OffsetDateTime;
use types::Currency;
use uuid::Uuid;

use super::{
    Allocation, Cause, Entry, Fact, FulfilmentState, Line, LineChange, LineKind, Log, Machine, OrderState, Part,
    PaymentState, Refused, Shipment, Transition,
};

/// An order, locked and read as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Id.
    pub id: Uuid,
    /// Human number, without its letter.
    pub number: i64,
    /// Currency of all its money.
    pub currency: Currency,
    /// Where it came from.
    pub channel: String,
    /// When the buyer placed it.
    pub placed_at: OffsetDateTime,
    /// Customer, once known.
    pub customer_id: Option<Uuid>,
    /// Region.
    pub region: String,
    /// Delivery method.
    pub delivery_method: String,
    /// Priority.
    pub priority: i32,
    /// Warehouse asked for.
    pub warehouse: String,
    /// Hold of the warehouse whose goods it takes over.
    pub hold_id: Option<Uuid>,
    /// What the buyer was to pay.
    pub total: Decimal,
    /// Cancelled since.
    pub cancelled_amount: Decimal,
    /// Returned since.
    pub returned_amount: Decimal,
    /// Payments in.
    pub paid: Decimal,
    /// Refunds out.
    pub refunded: Decimal,
    /// The deal.
    pub state: OrderState,
    /// The money.
    pub payment_state: PaymentState,
    /// The goods.
    pub fulfilment_state: FulfilmentState,
    /// What a person should look at.
    pub flags: Vec<String>,
    /// Number of facts published so far.
    pub version: i64,
    /// Lines by number; none when they were not read.
    pub lines: Vec<Line>,
    /// What is held now, when that came without the lines having been read.
    pub allocation: Option<Vec<Allocation>>,
    /// Shipments.
    pub shipments: Vec<Shipment>,
    /// What happened since it was read.
    pub log: Log,
}

impl Order {
    /// What is due in all: the total without what was cancelled and returned.
    #[must_use]
    pub fn due(&self) -> Decimal {
        self.total - self.cancelled_amount - self.returned_amount
    }

    /// Still to be paid; negative when the buyer has credit.
    #[must_use]
    pub fn balance(&self) -> Decimal {
        self.due() - (self.paid - self.refunded)
    }

    /// The goods lines.
    pub fn goods(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| line.kind == LineKind::Goods)
    }

    /// Is anything with the buyer or on the way, or was it and came back by a return?
    #[must_use]
    pub fn anything_shipped(&self) -> bool {
        self.goods().any(|line| line.shipped > line.failed)
    }

    /// A line by its number.
    pub fn line_mut(&mut self, line_no: i32) -> Option<&mut Line> {
        self.lines.iter_mut().find(|line| line.line_no == line_no)
    }

    /// What is held now, of lines that hold or want anything, if that changed since the order was read.
    #[must_use]
    pub fn new_allocation(&self) -> Option<Vec<Allocation>> {
        let of =
            |line: &Line| Allocation { line_no: line.line_no, reserved: line.reserved, backordered: line.backordered };
        let mut lines = match &self.allocation {
            Some(lines) => lines.clone(),
            None if self.lines.iter().any(|line| line.held_dirty) => self.lines.iter().map(of).collect(),
            None => return None,
        };
        lines.retain(|line| !line.reserved.is_zero() || !line.backordered.is_zero());
        Some(lines)
    }

    /// Adds a history entry without a move.
    pub fn note(&mut self, cause: &Cause) {
        self.log.entries.push(Entry { cause: cause.clone(), transition: None });
    }

    /// Raises a flag once.
    pub fn flag(&mut self, flag: &str) {
        if !self.flags.iter().any(|known| known == flag) {
            self.log.head_changed = true;
            self.flags.push(flag.to_owned());
        }
    }

    /// Adds a fact to publish.
    pub fn tell(&mut self, at: OffsetDateTime, fact: Fact) {
        self.log.facts.push((at, fact));
        self.log.head_changed = true;
    }

    fn record<M: Machine>(&mut self, from: M, to: M, cause: &Cause) -> Result<(), Refused> {
        if !from.may_become(to) {
            return Err(Refused::Forbidden { machine: M::NAME, from: from.code(), to: to.code() });
        }
        let transition = Transition { machine: M::NAME, from: from.code(), to: to.code() };
        let reason = if cause.reason.is_empty() { cause.code.to_owned() } else { cause.reason.clone() };
        self.tell(cause.at, Fact::Moved { transition: transition.clone(), reason });
        self.log.entries.push(Entry { cause: cause.clone(), transition: Some(transition) });
        Ok(())
    }

    /// Moves the order machine.
    ///
    /// # Errors
    /// [`Refused::Forbidden`] when there is no such arrow.
    pub fn move_order(&mut self, to: OrderState, cause: &Cause) -> Result<(), Refused> {
        self.record(self.state, to, cause)?;
        self.state = to;
        if to == OrderState::Completed {
            self.tell(cause.at, Fact::Completed);
        }
        Ok(())
    }

    /// Moves the fulfilment machine.
    ///
    /// # Errors
    /// [`Refused::Forbidden`] when there is no such arrow.
    pub fn move_fulfilment(&mut self, to: FulfilmentState, cause: &Cause) -> Result<(), Refused> {
        self.record(self.fulfilment_state, to, cause)?;
        self.fulfilment_state = to;
        Ok(())
    }

    /// Takes the quantity and money of `parts` off the lines, as cancelled or as returned.
    ///
    /// # Errors
    /// When a part is more than there is; the order is then half changed and must be thrown away.
    pub fn take_parts(&mut self, parts: &[Part], returned: bool) -> Result<Vec<LineChange>, Refused> {
        let digits = self.currency.minor_digits();
        let mut changes = Vec::with_capacity(parts.len());
        for part in parts {
            let line = self.line_mut(part.line_no).ok_or(Refused::NoSuchLine(part.line_no))?;
            let left = if returned { line.returnable() } else { line.open() };
            if part.quantity > left {
                return Err(Refused::QuantityExceeded { line_no: part.line_no, left: left.normalize() });
            }
            let worth = line.take(part, digits)?;
            let (quantity, sum) = if returned {
                (&mut line.returned, &mut line.returned_worth)
            } else {
                (&mut line.cancelled, &mut line.cancelled_worth)
            };
            *quantity += part.quantity;
            sum.amount += worth.amount;
            sum.discount += worth.discount;
            sum.tax += worth.tax;
            if !returned {
                let open = line.open();
                line.backordered = line.backordered.min(open);
                line.reserved = line.reserved.min(open);
                line.held_dirty = true;
            }
            line.dirty = true;
            let change = LineChange {
                line_no: line.line_no,
                kind: line.kind,
                sku: line.sku.clone(),
                unit: line.unit,
                quantity: part.quantity,
                worth,
            };
            if returned {
                self.returned_amount += worth.amount;
            } else {
                self.cancelled_amount += worth.amount;
            }
            changes.push(change);
        }
        Ok(changes)
    }

    /// Brings the payment machine to where the sums say.
    pub fn settle_payment(&mut self, cause: &Cause) {
        let to = self.payment_state_by_sums();
        // The sums only ever move along arrows; should they not, the state stays and the sums still tell.
        if to != self.payment_state && self.record(self.payment_state, to, cause).is_ok() {
            self.payment_state = to;
        }
    }

    fn payment_state_by_sums(&self) -> PaymentState {
        let due = self.due();
        if self.refunded > Decimal::ZERO {
            return if self.refunded == self.paid { PaymentState::Refunded } else { PaymentState::PartiallyRefunded };
        }
        if self.paid.is_zero() {
            return self.payment_state;
        }
        match self.paid.cmp(&due) {
            std::cmp::Ordering::Less => PaymentState::PartiallyPaid,
            std::cmp::Ordering::Equal => PaymentState::Paid,
            std::cmp::Ordering::Greater => PaymentState::Overpaid,
        }
    }

    /// Completes an order that is delivered (or all back, or had no goods) and owes nothing.
    pub fn complete_if_done(&mut self, cause: &Cause) {
        if self.state == OrderState::Confirmed && self.goods_are_done() && self.balance() <= Decimal::ZERO {
            let cause = Cause { source: "orders", code: "state_changed", ..cause.clone() };
            // Confirmed to completed is an arrow.
            let _ = self.move_order(OrderState::Completed, &cause);
        }
    }

    /// Nothing more will be shipped, and what was is with the buyer or back.
    #[must_use]
    pub fn goods_are_done(&self) -> bool {
        match self.fulfilment_state {
            FulfilmentState::Delivered | FulfilmentState::Returned => true,
            FulfilmentState::None | FulfilmentState::Cancelled => self.goods().all(|line| line.open().is_zero()),
            _ => false,
        }
    }
}
