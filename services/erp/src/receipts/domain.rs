//! Receipts before they are posted.

use rust_decimal::Decimal;
use time::{Date, OffsetDateTime};
use types::round_half_away;
use uuid::Uuid;

/// What a line cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// Each unit.
    Unit(Decimal),
    /// The whole line.
    Line(Decimal),
}

impl Cost {
    /// The line's cost, rounded half away from zero to the minor unit. None when it does not fit.
    #[must_use]
    pub fn of(self, quantity: Decimal, digits: u32) -> Option<Decimal> {
        match self {
            Self::Unit(cost) => cost.checked_mul(quantity).map(|exact| round_half_away(exact, digits)),
            Self::Line(cost) => Some(round_half_away(cost, digits)),
        }
    }
}

/// A line to post.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLine {
    /// Item.
    pub sku: String,
    /// Unit the quantity is entered in, then the item's own.
    pub unit: String,
    /// Quantity, above zero.
    pub quantity: Decimal,
    /// Cost of the line, zero or more, in the minor unit's digits.
    pub cost: Decimal,
    /// Lot number; generated when empty.
    pub lot: String,
    /// Last day of use.
    pub expires_on: Option<Date>,
    /// Supplier's lot number.
    pub supplier_lot: String,
    /// Expected receipt it fulfils, and whether nothing more of that will come.
    pub expected: Option<(Uuid, bool)>,
}

/// A receipt to post.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewReceipt {
    /// Warehouse code; empty means the default.
    pub warehouse: String,
    /// Supplier code.
    pub supplier: String,
    /// When the goods came in.
    pub received_at: OffsetDateTime,
    /// 1 to 1,000 lines.
    pub lines: Vec<NewLine>,
}

/// The number of a lot nobody named: the receipt's number and the line's.
#[must_use]
pub fn generated_lot(receipt: i64, line_no: usize) -> String {
    format!("R{receipt}-{line_no}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rust_decimal::dec;

    #[test]
    fn a_line_costs_quantity_times_unit_cost_rounded_once() {
        assert_eq!(Cost::Unit(dec!(0.335)).of(dec!(3), 2), Some(dec!(1.01)));
        assert_eq!(Cost::Line(dec!(10)).of(dec!(3), 2).map(|cost| cost.to_string()), Some("10.00".into()));
        assert_eq!(Cost::Unit(Decimal::MAX).of(dec!(2), 2), None);
    }
}
