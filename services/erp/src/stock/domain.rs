//! Corrections before they are posted.

use rust_decimal::Decimal;

/// Why a lot is corrected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdjustKind {
    /// So much was counted.
    Count,
    /// So much is lost.
    WriteOff,
}

/// A correction of one lot in one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adjustment {
    /// Warehouse code.
    pub warehouse: String,
    /// Place code; empty means the warehouse's default bin.
    pub place: String,
    /// Item.
    pub sku: String,
    /// Lot number.
    pub lot: String,
    /// Count or loss.
    pub kind: AdjustKind,
    /// Unit code of the quantity.
    pub unit: String,
    /// Counted or lost.
    pub quantity: Decimal,
    /// For people.
    pub reason: String,
    /// Cost of one unit of a surplus.
    pub unit_cost: Option<Decimal>,
}

impl Adjustment {
    /// Says the quantity in the item's own unit, in which a surplus costs what it costs in the unit named.
    pub fn in_unit(&mut self, unit: String, quantity: Decimal) {
        if unit != self.unit {
            let cost = self.unit_cost.and_then(|cost| cost.checked_mul(self.quantity)?.checked_div(quantity));
            self.unit_cost = self.unit_cost.and(cost);
        }
        (self.unit, self.quantity) = (unit, quantity);
    }

    /// The change of what is on hand.
    #[must_use]
    pub fn difference(&self, on_hand: Decimal) -> Decimal {
        match self.kind {
            AdjustKind::Count => self.quantity - on_hand,
            AdjustKind::WriteOff => -self.quantity,
        }
    }
}

/// A line of a transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferLine {
    /// Item.
    pub sku: String,
    /// Lot number.
    pub lot: String,
    /// Unit code of the quantity.
    pub unit: String,
    /// How much.
    pub quantity: Decimal,
}

/// A transfer between places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Place code the goods leave.
    pub from: String,
    /// Place code they go to.
    pub to: String,
    /// For people.
    pub reason: String,
    /// Lines.
    pub lines: Vec<TransferLine>,
}
