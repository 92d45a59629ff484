//! What stock is worth: methods, pools and layers of cost, and the one fold that values every movement.

mod fold;
mod spread;
#[cfg(test)]
mod tests;

pub use fold::{Fold, Shortage, Valued};
use rust_decimal::Decimal;
pub use spread::spread;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::ledger::domain::Worth;

/// How the goods of an item are valued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Moving average within the lot in the warehouse.
    Lot,
    /// Moving average of the item in the warehouse.
    Average,
    /// Within the lot in the warehouse, what came in first goes out first.
    Fifo,
    /// At the standard cost; what a receipt differs from it goes to PRICE_VARIANCE.
    Standard,
}

impl Method {
    /// Reads the stored code; what is not known is by lot.
    #[must_use]
    pub fn parse(code: &str) -> Self {
        match code {
            "average" => Self::Average,
            "fifo" => Self::Fifo,
            "standard" => Self::Standard,
            _ => Self::Lot,
        }
    }

    /// The stored code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Lot => "lot",
            Self::Average => "average",
            Self::Fifo => "fifo",
            Self::Standard => "standard",
        }
    }

    /// The pool a lot in a warehouse belongs to.
    #[must_use]
    pub fn pool(self, warehouse: Uuid, lot: Uuid) -> Pool {
        match self {
            Self::Lot | Self::Fifo => Pool { warehouse, lot },
            Self::Average | Self::Standard => Pool { warehouse, lot: Uuid::nil() },
        }
    }
}

/// How an item is valued from some moment on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Basis {
    /// Method.
    pub method: Method,
    /// Cost of one unit by the method standard; zero by the others.
    pub standard: Decimal,
}

impl Basis {
    /// A basis; none for the method standard without a standard cost.
    #[must_use]
    pub fn new(method: Method, standard: Option<Decimal>) -> Option<Self> {
        let standard = if method == Method::Standard { standard? } else { Decimal::ZERO };
        Some(Self { method, standard })
    }
}

/// Goods of an item that are valued together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pool {
    /// Warehouse; nil for goods in transit.
    pub warehouse: Uuid,
    /// Lot; nil for all lots.
    pub lot: Uuid,
}

/// A part of a pool: all of it, or by the method fifo what one movement brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CostLayer {
    /// The movement that brought it; 0 unless fifo.
    pub opened_by: i64,
    /// When it came.
    pub opened_at: OffsetDateTime,
    /// Quantity.
    pub quantity: Decimal,
    /// Value of all of it.
    pub value: Decimal,
}

/// A movement as valuation sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Number in the ledger.
    pub id: i64,
    /// When.
    pub at: OffsetDateTime,
    /// Warehouse it leaves (nil: transit); none when the goods were not ours.
    pub from: Option<Uuid>,
    /// Warehouse it arrives at; none when the goods are not ours any more.
    pub to: Option<Uuid>,
    /// Lot.
    pub lot: Uuid,
    /// Quantity, above zero.
    pub quantity: Decimal,
    /// Where its value comes from.
    pub worth: Worth,
    /// It comes from a supplier or from production: its unit cost is what the lot last came in at.
    pub sets_cost: bool,
}

/// From this moment on an item is valued otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revaluation {
    /// Document.
    pub id: Uuid,
    /// When.
    pub at: OffsetDateTime,
    /// How.
    pub basis: Basis,
}
