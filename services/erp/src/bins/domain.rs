//! What a bin is for, what fits into it, and why something is refused there.

use rust_decimal::{Decimal, RoundingStrategy};

/// What a bin is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Goods are picked from it.
    Pick,
    /// Reserve stock.
    Bulk,
    /// Goods arrive here.
    Receiving,
    /// Returned goods wait for inspection.
    Returns,
    /// Goods wait for a decision.
    Quarantine,
}

impl Purpose {
    /// Reads the stored code.
    #[must_use]
    pub fn parse(code: &str) -> Self {
        match code {
            "bulk" => Self::Bulk,
            "receiving" => Self::Receiving,
            "returns" => Self::Returns,
            "quarantine" => Self::Quarantine,
            _ => Self::Pick,
        }
    }

    /// The stored code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Pick => "pick",
            Self::Bulk => "bulk",
            Self::Receiving => "receiving",
            Self::Returns => "returns",
            Self::Quarantine => "quarantine",
        }
    }

    /// The kind of place that serves it: it never changes once the place is made.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::Pick | Self::Bulk | Self::Receiving => "stock",
            Self::Returns | Self::Quarantine => "quarantine",
        }
    }
}

/// A bin as it is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BinChange {
    /// Code inside the warehouse.
    pub code: String,
    /// Zone.
    pub zone: String,
    /// Barcode; empty when it has none.
    pub barcode: String,
    /// Turn on the route.
    pub pick_sequence: i32,
    /// What it is for.
    pub purpose: Purpose,
    /// What fits in.
    pub capacity: Capacity,
}

/// What a bin is to be blocked for; empty texts leave it open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Blocks {
    /// Why nothing is put in.
    pub put_away: String,
    /// Why nothing is given to orders.
    pub picking: String,
}

/// What fits into a bin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capacity {
    /// Most it holds, summed over all goods in their units.
    pub quantity: Option<Decimal>,
    /// Most it bears.
    pub weight_grams: Option<Decimal>,
}

/// What is in a bin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fill {
    /// Sum over all goods in their units.
    pub quantity: Decimal,
    /// Weight of those whose weight is known.
    pub weight_grams: Decimal,
}

impl Fill {
    /// Adds goods of a unit weight.
    pub fn add(&mut self, quantity: Decimal, unit_weight: Option<Decimal>) {
        self.quantity += quantity;
        self.weight_grams += quantity * unit_weight.unwrap_or_default();
    }
}

impl Capacity {
    /// How much of an item still fits, in steps of its unit; none when there is no limit.
    #[must_use]
    pub fn room(&self, fill: &Fill, unit_weight: Option<Decimal>, digits: u32) -> Option<Decimal> {
        let by_quantity = self.quantity.map(|most| most - fill.quantity);
        let heavy = unit_weight.filter(|weight| *weight > Decimal::ZERO);
        let by_weight = self.weight_grams.zip(heavy).map(|(most, weight)| (most - fill.weight_grams) / weight);
        let least = match (by_quantity, by_weight) {
            (Some(a), Some(b)) => a.min(b),
            (a, b) => a.or(b)?,
        };
        Some(least.max(Decimal::ZERO).round_dp_with_strategy(digits, RoundingStrategy::ToZero))
    }
}

/// Why something about a bin is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Another bin has the barcode.
    #[error("{place} has the barcode {barcode}")]
    BarcodeTaken {
        /// Barcode.
        barcode: String,
        /// Who has it.
        place: String,
    },
    /// The purpose would make goods sellable, or not.
    #[error("{0} cannot change between selling and not selling; make another bin")]
    PurposeFixed(String),
    /// A default bin is to be blocked.
    #[error("{0} is the default bin of its warehouse")]
    DefaultBin(String),
    /// Nothing may be put in.
    #[error("{place} is blocked: {reason}")]
    Blocked {
        /// Bin.
        place: String,
        /// Why.
        reason: String,
    },
    /// Too much for the bin.
    #[error("{place} has room for {room} more")]
    Full {
        /// Bin.
        place: String,
        /// What still fits.
        room: String,
    },
    /// Several items have the barcode.
    #[error("several items have the barcode {0}; name the sku")]
    AmbiguousBarcode(String),
    /// It is not clear which lot is meant.
    #[error("the lot of {0} must be named")]
    LotNeeded(String),
}

impl Refusal {
    /// The code callers act on.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::BarcodeTaken { .. } => "BARCODE_TAKEN",
            Self::PurposeFixed(_) => "BIN_PURPOSE_FIXED",
            Self::DefaultBin(_) => "DEFAULT_BIN",
            Self::Blocked { .. } => "BIN_BLOCKED",
            Self::Full { .. } => "BIN_FULL",
            Self::AmbiguousBarcode(_) => "AMBIGUOUS_BARCODE",
            Self::LotNeeded(_) => "LOT_NEEDED",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rust_decimal::dec;

    #[test]
    fn the_tighter_limit_decides_and_a_full_bin_has_no_room() {
        let fill = Fill { quantity: dec!(6), weight_grams: dec!(900) };
        let both = Capacity { quantity: Some(dec!(10)), weight_grams: Some(dec!(1000)) };
        assert_eq!(both.room(&fill, Some(dec!(30)), 0), Some(dec!(3)));
        assert_eq!(both.room(&fill, None, 0), Some(dec!(4)), "what weighs nothing we know of is only counted");
        assert_eq!(both.room(&Fill { quantity: dec!(11), weight_grams: dec!(0) }, None, 0), Some(dec!(0)));
        assert_eq!(Capacity::default().room(&fill, Some(dec!(30)), 0), None);
    }

    #[test]
    fn codes_of_purposes_are_read_back() {
        for purpose in [Purpose::Pick, Purpose::Bulk, Purpose::Receiving, Purpose::Returns, Purpose::Quarantine] {
            assert_eq!(Purpose::parse(purpose.code()), purpose);
        }
    }

    proptest! {
        #[test]
        fn what_there_is_room_for_fits_and_one_step_more_does_not(
            most in 1i64..1000, heaviest in 1i64..100_000, there in 0i64..500, weight in 1i64..500, digits in 0u32..3,
        ) {
            let weight = Decimal::from(weight);
            let mut fill = Fill::default();
            fill.add(there.into(), Some(weight));
            let capacity = Capacity { quantity: Some(most.into()), weight_grams: Some(heaviest.into()) };
            let room = capacity.room(&fill, Some(weight), digits).unwrap();
            let fits = |quantity: Decimal| {
                let mut after = fill;
                after.add(quantity, Some(weight));
                after.quantity <= most.into() && after.weight_grams <= heaviest.into()
            };
            prop_assert!(room.is_zero() || fits(room));
            prop_assert!(!fits(room + Decimal::new(1, digits)));
        }
    }
}
