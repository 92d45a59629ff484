//! How a quantity in one of an item's units becomes one in its own.

use std::collections::HashMap;

use rust_decimal::Decimal;
use types::{Ratio, RatioError, Unit};

/// A quantity as somebody named it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entered {
    /// Item.
    pub sku: String,
    /// Lot number; empty when not known.
    pub lot: String,
    /// Unit named.
    pub unit: String,
    /// How many.
    pub quantity: Decimal,
}

/// Why a quantity is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It lies between two amounts that exist.
    #[error(
        "{quantity} {unit} of {sku} is no whole number of what it is counted in: nearest are {below} and {above} {base}"
    )]
    Inexact {
        /// Item.
        sku: String,
        /// As named.
        quantity: Decimal,
        /// As named.
        unit: String,
        /// Next smaller amount.
        below: Decimal,
        /// Next larger amount.
        above: Decimal,
        /// The item's own unit.
        base: String,
    },
    /// It has too many digits.
    #[error("{quantity} {unit} of {sku} is too much")]
    TooMuch {
        /// Item.
        sku: String,
        /// As named.
        quantity: Decimal,
        /// As named.
        unit: String,
    },
    /// The unit converts by itself.
    #[error("{unit} of {sku} converts to {base} by itself")]
    Fixed {
        /// Item.
        sku: String,
        /// Unit named.
        unit: String,
        /// The item's own unit.
        base: String,
    },
}

impl Refusal {
    /// The code the caller is told.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Inexact { .. } => "UNIT_INEXACT",
            Self::TooMuch { .. } => "QUANTITY_TOO_LARGE",
            Self::Fixed { .. } => "UNIT_FIXED",
        }
    }
}

/// Largest quantity in an item's own unit.
const LARGEST: Decimal = rust_decimal::dec!(1_000_000_000_000);

/// Ratios by item, unit and lot; the empty lot stands for all that have none of their own.
pub type Ratios = HashMap<(String, String, String), Ratio>;

/// Whether a unit converts to an item's own without being told.
#[must_use]
pub fn is_fixed(unit: &str, base: &str) -> bool {
    unit == base || fixed(unit, base).is_some()
}

/// The ratio of two units of the same measure: a kilogram is 1,000 grams.
fn fixed(unit: &str, base: &str) -> Option<Ratio> {
    let (unit, base) = (Unit::parse(unit).ok()?, Unit::parse(base).ok()?);
    let times = |unit: Unit, other: Unit| {
        let ratio = unit.convert(Decimal::ONE, other).filter(|ratio| ratio.fract().is_zero());
        ratio.and_then(|ratio| i64::try_from(ratio).ok())
    };
    match (times(unit, base), times(base, unit)) {
        (Some(many), _) => Ratio::new(many, 1).ok(),
        (None, Some(parts)) => Ratio::new(1, parts).ok(),
        (None, None) => None,
    }
}

/// The ratio of a unit: of the lot, else of all lots, else by nature. None when the item has no such unit.
#[must_use]
pub fn ratio(entered: &Entered, base: &str, known: &Ratios) -> Option<Ratio> {
    if entered.unit == base {
        return Ratio::new(1, 1).ok();
    }
    let told = |lot: &str| known.get(&(entered.sku.clone(), entered.unit.clone(), lot.to_owned())).copied();
    told(&entered.lot).or_else(|| told("")).or_else(|| fixed(&entered.unit, base))
}

/// The quantity in the item's own unit, exactly.
///
/// # Errors
/// [`Refusal::Inexact`], [`Refusal::TooMuch`].
pub fn in_base(entered: &Entered, base: &str, ratio: Ratio) -> Result<Decimal, Refusal> {
    let digits = Unit::parse(base).map_or(0, Unit::digits);
    let too_much =
        || Refusal::TooMuch { sku: entered.sku.clone(), quantity: entered.quantity, unit: entered.unit.clone() };
    match ratio.convert(entered.quantity, digits) {
        Ok(amount) if amount <= LARGEST => Ok(amount),
        Ok(_) | Err(RatioError::TooLarge | RatioError::OutOfRange) => Err(too_much()),
        Err(RatioError::Inexact { below, above }) => Err(Refusal::Inexact {
            sku: entered.sku.clone(),
            quantity: entered.quantity.normalize(),
            unit: entered.unit.clone(),
            below,
            above,
            base: base.to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rust_decimal::dec;

    fn entered(quantity: Decimal, unit: &str, lot: &str) -> Entered {
        Entered { sku: "A".into(), lot: lot.into(), unit: unit.into(), quantity }
    }

    fn come_to(entered: &Entered, base: &str, known: &Ratios) -> Option<Result<Decimal, Refusal>> {
        ratio(entered, base, known).map(|ratio| in_base(entered, base, ratio))
    }

    #[test]
    fn s4_two_thousand_grams_are_two_kilograms() {
        let none = Ratios::new();
        assert_eq!(come_to(&entered(dec!(2000), "g", ""), "kg", &none), Some(Ok(dec!(2))));
        assert_eq!(come_to(&entered(dec!(2.5), "kg", ""), "g", &none), Some(Ok(dec!(2500))));
        assert_eq!(come_to(&entered(dec!(2.5), "kg", ""), "kg", &none), Some(Ok(dec!(2.5))));
        assert_eq!(come_to(&entered(dec!(1), "kg", ""), "pcs", &none), None);
        assert_eq!(come_to(&entered(dec!(1), "box", ""), "pcs", &none), None);
    }

    #[test]
    fn a_lot_has_its_own_weight_of_a_piece() {
        let key = |lot: &str| ("A".to_owned(), "fish".to_owned(), lot.to_owned());
        let known = Ratios::from([(key(""), Ratio::new(1, 1).unwrap()), (key("L"), Ratio::new(1237, 1000).unwrap())]);
        assert_eq!(come_to(&entered(dec!(3), "fish", "L"), "kg", &known), Some(Ok(dec!(3.711))));
        assert_eq!(come_to(&entered(dec!(3), "fish", "M"), "kg", &known), Some(Ok(dec!(3))));
    }

    #[test]
    fn a_part_of_a_box_that_is_no_piece_is_refused_with_its_neighbours() {
        let known = Ratios::from([(("A".into(), "box".into(), String::new()), Ratio::new(25, 1).unwrap())]);
        assert_eq!(come_to(&entered(dec!(0.4), "box", ""), "pcs", &known), Some(Ok(dec!(10))));
        let refused = come_to(&entered(dec!(0.5), "box", ""), "pcs", &known).unwrap().unwrap_err();
        assert_eq!(refused.reason(), "UNIT_INEXACT");
        assert!(refused.to_string().ends_with("nearest are 12 and 13 pcs"), "{refused}");
        let huge = come_to(&entered(dec!(100_000_000_000), "box", ""), "pcs", &known).unwrap().unwrap_err();
        assert_eq!(huge.reason(), "QUANTITY_TOO_LARGE");
    }

    proptest! {
        #[test]
        fn what_is_accepted_converts_back_to_what_was_entered(
            n in 1i64..100_000, d in 1i64..1000, mantissa in 0i64..1_000_000_000, scale in 0u32..=6,
            base in prop::sample::select(vec!["pcs", "kg", "m"]),
        ) {
            let ratio = Ratio::new(n, d).unwrap();
            let one = entered(Decimal::new(mantissa, scale), "unit", "");
            if let Ok(amount) = in_base(&one, base, ratio) {
                prop_assert_eq!(ratio.inverse().convert(amount, 6), Ok(one.quantity.normalize()));
            }
        }
    }
}
