//! What crm remembers of an order, how events change it, and what it adds to its customer's figures.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use types::Currency;
use uuid::Uuid;

/// A goods line: its number, category path and what is left of its amount.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactLine(pub i32, pub String, pub Decimal);

/// Part of an order that no longer counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinePart {
    /// Line of the order.
    pub line_no: i32,
    /// Share of the line's total.
    pub amount: Decimal,
    /// Share of the line's discount.
    pub discount: Decimal,
    /// Share of the line's tax.
    pub tax: Decimal,
}

/// What `OrderPlaced` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// When the buyer placed it.
    pub placed_at: OffsetDateTime,
    /// Channel code.
    pub channel: String,
    /// Region code.
    pub region: String,
    /// Currency of all amounts.
    pub currency: String,
    /// Total before discounts.
    pub gross: Decimal,
    /// All discounts.
    pub discount: Decimal,
    /// All tax.
    pub tax: Decimal,
    /// What the buyer pays.
    pub total: Decimal,
    /// The goods lines.
    pub lines: Vec<FactLine>,
}

/// What can happen to an order, as far as crm cares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderChange {
    /// It was placed.
    Placed(Placement),
    /// The rest was cancelled.
    Cancelled(Vec<LinePart>),
    /// Some of it was cancelled.
    LinesCancelled(Vec<LinePart>),
    /// It was completed.
    Completed,
    /// Goods came back.
    Returned {
        /// What came back.
        parts: Vec<LinePart>,
        /// Because they were faulty.
        defect: bool,
    },
    /// A shipment left, at this cost.
    Shipped(Decimal),
    /// A shipment was refused or not collected; the cost came back.
    ShipmentFailed(Decimal),
    /// Returned goods are back in stock, at this cost.
    StockReturned(Decimal),
}

/// An order as crm remembers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderFact {
    /// Order id.
    pub order_id: Uuid,
    /// Customer, when known.
    pub customer_id: Option<Uuid>,
    /// When orders asked whose it is.
    pub resolved_at: Option<OffsetDateTime>,
    /// It made the customer known.
    pub customer_created: bool,
    /// Notes of the answer.
    pub resolve_notes: Vec<String>,
    /// When it was placed; `None` until `OrderPlaced` arrives.
    pub placed_at: Option<OffsetDateTime>,
    /// Channel code.
    pub channel: String,
    /// Region code.
    pub region: String,
    /// Currency code.
    pub currency: String,
    /// Total before discounts.
    pub gross: Decimal,
    /// All discounts.
    pub discount: Decimal,
    /// All tax.
    pub tax: Decimal,
    /// What the buyer was to pay.
    pub total: Decimal,
    /// Sum cancelled.
    pub cancelled_amount: Decimal,
    /// Discount on what was cancelled.
    pub cancelled_discount: Decimal,
    /// Tax on what was cancelled.
    pub cancelled_tax: Decimal,
    /// Sum returned.
    pub returned_amount: Decimal,
    /// Tax on what was returned.
    pub returned_tax: Decimal,
    /// The rest was cancelled.
    pub cancelled: bool,
    /// It is completed.
    pub completed: bool,
    /// Number of returns.
    pub returns: i32,
    /// Number of returns for a defect.
    pub defect_returns: i32,
    /// Number of shipments.
    pub shipments: i32,
    /// Number of shipments that came back unopened.
    pub failed_shipments: i32,
    /// Cost of the goods that are with the buyer.
    pub cost: Decimal,
    /// Goods lines.
    pub lines: Vec<FactLine>,
}

impl OrderFact {
    /// An order nothing is known of yet.
    #[must_use]
    pub fn unknown(order_id: Uuid) -> Self {
        Self {
            order_id,
            customer_id: None,
            resolved_at: None,
            customer_created: false,
            resolve_notes: Vec::new(),
            placed_at: None,
            channel: String::new(),
            region: String::new(),
            currency: String::new(),
            gross: Decimal::ZERO,
            discount: Decimal::ZERO,
            tax: Decimal::ZERO,
            total: Decimal::ZERO,
            cancelled_amount: Decimal::ZERO,
            cancelled_discount: Decimal::ZERO,
            cancelled_tax: Decimal::ZERO,
            returned_amount: Decimal::ZERO,
            returned_tax: Decimal::ZERO,
            cancelled: false,
            completed: false,
            returns: 0,
            defect_returns: 0,
            shipments: 0,
            failed_shipments: 0,
            cost: Decimal::ZERO,
            lines: Vec::new(),
        }
    }

    /// Takes in what happened. Changes of different services may come in any relative order.
    pub fn apply(&mut self, change: &OrderChange) {
        match change {
            OrderChange::Placed(placement) => self.place(placement),
            OrderChange::Cancelled(parts) => {
                self.cancelled = true;
                self.cancel(parts);
            }
            OrderChange::LinesCancelled(parts) => self.cancel(parts),
            OrderChange::Completed => self.completed = true,
            OrderChange::Returned { parts, defect } => {
                self.returns += 1;
                self.defect_returns += i32::from(*defect);
                for part in parts {
                    self.returned_amount += part.amount;
                    self.returned_tax += part.tax;
                    self.reduce_line(part);
                }
            }
            OrderChange::Shipped(cost) => {
                self.shipments += 1;
                self.cost += cost;
            }
            OrderChange::ShipmentFailed(cost) => {
                self.failed_shipments += 1;
                self.cost -= cost;
            }
            OrderChange::StockReturned(cost) => self.cost -= cost,
        }
    }

    fn place(&mut self, placement: &Placement) {
        self.placed_at = Some(placement.placed_at);
        self.channel.clone_from(&placement.channel);
        self.region.clone_from(&placement.region);
        self.currency.clone_from(&placement.currency);
        self.gross = placement.gross;
        self.discount = placement.discount;
        self.tax = placement.tax;
        self.total = placement.total;
        self.lines.clone_from(&placement.lines);
    }

    fn cancel(&mut self, parts: &[LinePart]) {
        for part in parts {
            self.cancelled_amount += part.amount;
            self.cancelled_discount += part.discount;
            self.cancelled_tax += part.tax;
            self.reduce_line(part);
        }
    }

    fn reduce_line(&mut self, part: &LinePart) {
        if let Some(line) = self.lines.iter_mut().find(|line| line.0 == part.line_no) {
            line.2 -= part.amount;
        }
    }

    /// What the buyer kept or is to get, were everything collected.
    fn left(&self) -> Decimal {
        self.total - self.cancelled_amount - self.returned_amount
    }

    /// Cancelled with nothing left of it. An order that is cancelled because it was not collected stays one that was
    /// not collected.
    #[must_use]
    pub fn is_wholly_cancelled(&self) -> bool {
        let nothing_left = self.shipments == 0 || self.total <= self.cancelled_amount;
        self.cancelled && nothing_left && !self.is_not_collected()
    }

    /// Placed and not wholly cancelled.
    #[must_use]
    pub fn counts(&self) -> bool {
        self.placed_at.is_some() && !self.is_wholly_cancelled()
    }

    /// Everything that was shipped was refused or not collected.
    #[must_use]
    pub fn is_not_collected(&self) -> bool {
        self.shipments > 0 && self.failed_shipments >= self.shipments
    }

    /// What stays of the total: nothing of an order that is cancelled or was not collected.
    #[must_use]
    pub fn net(&self) -> Decimal {
        if self.counts() && !self.is_not_collected() { self.left() } else { Decimal::ZERO }
    }

    /// State in one word.
    #[must_use]
    pub fn state(&self) -> &'static str {
        if self.placed_at.is_none() {
            "unknown"
        } else if self.is_wholly_cancelled() {
            "cancelled"
        } else if self.is_not_collected() {
            "not_collected"
        } else if self.completed {
            "completed"
        } else {
            "placed"
        }
    }

    /// What the order adds to its customer's figures. Nothing before it is placed.
    #[must_use]
    pub fn figures(&self, company: Currency) -> Figures {
        let mut figures = Figures::default();
        if self.placed_at.is_none() {
            return figures;
        }
        figures.placed_orders = 1;
        figures.returns = i64::from(self.returns);
        figures.defect_returns = i64::from(self.defect_returns);
        figures.failed_shipments = i64::from(self.failed_shipments);
        if !self.counts() {
            return figures;
        }
        let collected = !self.is_not_collected();
        let something_stayed = self.returned_amount <= Decimal::ZERO || self.left() > Decimal::ZERO;
        figures.orders = 1;
        figures.shipped_orders = i64::from(self.shipments > 0);
        figures.not_collected_orders = i64::from(!collected);
        figures.successful_orders = i64::from(self.completed && collected && something_stayed);
        if self.currency != company.code() {
            figures.other_currency_orders = 1;
        } else if collected {
            figures.summed_orders = 1;
            figures.gross_sum = self.gross - self.cancelled_amount - self.cancelled_discount;
            figures.discount_sum = self.discount - self.cancelled_discount;
            figures.ordered_sum = self.total - self.cancelled_amount;
            figures.returned_sum = self.returned_amount;
            if self.shipments > 0 {
                let tax = self.tax - self.cancelled_tax - self.returned_tax;
                figures.margin_sum = self.left() - tax - self.cost;
            }
        }
        figures
    }
}

/// Sums over orders: of one order, of a customer, or the difference a change makes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Orders ever placed.
    pub placed_orders: i64,
    /// Orders that count.
    pub orders: i64,
    /// Orders completed of which something stayed with the buyer.
    pub successful_orders: i64,
    /// Orders of which something was shipped.
    pub shipped_orders: i64,
    /// Orders not collected.
    pub not_collected_orders: i64,
    /// Orders in other currencies than the company's.
    pub other_currency_orders: i64,
    /// Orders in the sums.
    pub summed_orders: i64,
    /// Returns.
    pub returns: i64,
    /// Returns for a defect.
    pub defect_returns: i64,
    /// Shipments refused or not collected.
    pub failed_shipments: i64,
    /// Prices before discount, without what was cancelled.
    pub gross_sum: Decimal,
    /// Discounts, without those on what was cancelled.
    pub discount_sum: Decimal,
    /// Totals without what was cancelled.
    pub ordered_sum: Decimal,
    /// Returned amounts.
    pub returned_sum: Decimal,
    /// Margin of shipped orders.
    pub margin_sum: Decimal,
}

impl Figures {
    /// Adds, `sign` 1, or takes away, `sign` -1.
    fn combine(&mut self, other: &Self, sign: i64) {
        let factor = Decimal::from(sign);
        self.placed_orders += sign * other.placed_orders;
        self.orders += sign * other.orders;
        self.successful_orders += sign * other.successful_orders;
        self.shipped_orders += sign * other.shipped_orders;
        self.not_collected_orders += sign * other.not_collected_orders;
        self.other_currency_orders += sign * other.other_currency_orders;
        self.summed_orders += sign * other.summed_orders;
        self.returns += sign * other.returns;
        self.defect_returns += sign * other.defect_returns;
        self.failed_shipments += sign * other.failed_shipments;
        self.gross_sum += factor * other.gross_sum;
        self.discount_sum += factor * other.discount_sum;
        self.ordered_sum += factor * other.ordered_sum;
        self.returned_sum += factor * other.returned_sum;
        self.margin_sum += factor * other.margin_sum;
    }

    /// Adds.
    pub fn add(&mut self, other: &Self) {
        self.combine(other, 1);
    }

    /// Takes away.
    pub fn subtract(&mut self, other: &Self) {
        self.combine(other, -1);
    }

    /// Order sum: what was ordered and neither cancelled, returned nor left uncollected.
    #[must_use]
    pub fn order_sum(&self) -> Decimal {
        self.ordered_sum - self.returned_sum
    }

    /// Order sum by order, `None` without orders; not rounded.
    #[must_use]
    pub fn average_check(&self) -> Option<Decimal> {
        (self.summed_orders > 0).then(|| self.order_sum() / Decimal::from(self.summed_orders))
    }
}

#[cfg(test)]
mod tests;
