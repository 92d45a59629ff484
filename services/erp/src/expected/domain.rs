//! Expected receipts, and what receipts make of them.

use rust_decimal::Decimal;
use time::Date;
use uuid::Uuid;

use crate::units::domain::Entered;

/// What an expected receipt is known by: who brings it, document and line.
pub type Key = (&'static str, String, i32);

/// Goods that are to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewExpected {
    /// What it is known by.
    pub key: Key,
    /// Item, unit and how much in all.
    pub entered: Entered,
    /// Warehouse code; empty means the default.
    pub warehouse: String,
    /// Day.
    pub expected_on: Date,
    /// Supplier code.
    pub supplier: String,
}

/// Why something about expected receipts is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It was received or cancelled.
    #[error("expected receipt {0} is {1}")]
    Ended(Uuid, String),
    /// It is of another item or warehouse.
    #[error("expected receipt {0} is of another item or warehouse")]
    Mismatch(Uuid),
}

impl Refusal {
    /// The code the caller is told.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Ended(..) => "EXPECTED_ENDED",
            Self::Mismatch(_) => "EXPECTED_MISMATCH",
        }
    }
}

/// The state of an expected receipt of so much when so much came; `ends` says that nothing more will.
#[must_use]
pub fn state(quantity: Decimal, received: Decimal, ends: bool) -> &'static str {
    if received >= quantity || (ends && received > Decimal::ZERO) {
        "received"
    } else if received > Decimal::ZERO {
        "partial"
    } else {
        "open"
    }
}

/// What came beyond what was expected, and what did not come although nothing more will.
#[must_use]
pub fn over_and_short(quantity: Decimal, received: Decimal, state: &str) -> (Decimal, Decimal) {
    let over = (received - quantity).max(Decimal::ZERO);
    let short = if state == "received" { (quantity - received).max(Decimal::ZERO) } else { Decimal::ZERO };
    (over, short)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rust_decimal::dec;

    #[test]
    fn more_and_less_than_expected_are_told_apart_from_what_is_still_to_come() {
        for (received, ends, expected) in [
            (dec!(0), false, ("open", dec!(0), dec!(0))),
            (dec!(4), false, ("partial", dec!(0), dec!(0))),
            (dec!(4), true, ("received", dec!(0), dec!(6))),
            (dec!(10), false, ("received", dec!(0), dec!(0))),
            (dec!(12), true, ("received", dec!(2), dec!(0))),
        ] {
            let state = state(dec!(10), received, ends);
            let (over, short) = over_and_short(dec!(10), received, state);
            assert_eq!((state, over, short), expected);
        }
    }
}
