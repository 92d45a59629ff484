//! Spreading charges.

use rust_decimal::Decimal;
use time::Date;
use types::round_half_away;

use crate::{error::Error, valuation::domain::spread};

/// How a charge is spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// By what the lines cost.
    Value,
    /// By quantity.
    Quantity,
    /// By weight.
    Weight,
    /// By volume.
    Volume,
    /// Over the lines of one customs code, by what they cost.
    CustomsCode,
}

impl Basis {
    /// The stored code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::Quantity => "quantity",
            Self::Weight => "weight",
            Self::Volume => "volume",
            Self::CustomsCode => "customs_code",
        }
    }
}

/// A charge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// `duty`, `freight`, `broker` or `other`.
    pub kind: &'static str,
    /// How it is spread.
    pub basis: Basis,
    /// Amount in its own currency.
    pub amount: Decimal,
    /// That currency's code.
    pub currency: &'static str,
    /// Company currency for one unit of it.
    pub rate: Decimal,
    /// Day of the rate.
    pub rate_on: Option<Date>,
    /// Customs code it is for.
    pub customs_code: String,
}

impl Charge {
    /// What it is in the company currency, rounded half away from zero to the minor unit; none when it does not fit.
    #[must_use]
    pub fn cost(&self, digits: u32) -> Option<Decimal> {
        self.amount.checked_mul(self.rate).map(|exact| round_half_away(exact, digits))
    }
}

/// A line that takes part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Item.
    pub sku: String,
    /// What it cost, landed cost aside.
    pub value: Decimal,
    /// Quantity.
    pub quantity: Decimal,
    /// Weight, if it is known.
    pub weight: Option<Decimal>,
    /// Volume, if it is known.
    pub volume: Option<Decimal>,
    /// Customs code; may be empty.
    pub customs_code: String,
}

/// What each line takes of a charge, in the order of the lines.
///
/// # Errors
/// [`Error::WeightMissing`], [`Error::VolumeMissing`], [`Error::NoLineOfCode`].
pub fn shares(charge: &Charge, lines: &[Line], digits: u32) -> Result<Vec<Decimal>, Error> {
    let total = charge.cost(digits).unwrap_or_default();
    let takes_part = |line: &&Line| charge.basis != Basis::CustomsCode || line.customs_code == charge.customs_code;
    let taking: Vec<&Line> = lines.iter().filter(takes_part).collect();
    if taking.is_empty() {
        return Err(Error::NoLineOfCode(charge.customs_code.clone()));
    }
    let weight = |line: &&Line| match charge.basis {
        Basis::Value | Basis::CustomsCode => Ok(line.value),
        Basis::Quantity => Ok(line.quantity),
        Basis::Weight => line.weight.ok_or_else(|| Error::WeightMissing(line.sku.clone())),
        Basis::Volume => line.volume.ok_or_else(|| Error::VolumeMissing(line.sku.clone())),
    };
    let weights = taking.iter().map(weight).collect::<Result<Vec<_>, _>>()?;
    let mut parts = spread(total, &weights, digits).into_iter();
    let nothing = || round_half_away(Decimal::ZERO, digits);
    let part = |line: &Line| if takes_part(&line) { parts.next().unwrap_or_else(nothing) } else { nothing() };
    Ok(lines.iter().map(part).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rust_decimal::dec;

    fn line(value: Decimal, quantity: Decimal, code: &str) -> Line {
        Line { sku: "A".into(), value, quantity, weight: None, volume: Some(quantity), customs_code: code.into() }
    }

    fn charge(basis: Basis, amount: Decimal, rate: Decimal) -> Charge {
        let customs_code = "2106".into();
        Charge { kind: "duty", basis, amount, currency: "USD", rate, rate_on: None, customs_code }
    }

    #[test]
    fn a_charge_is_converted_rounded_and_spread_over_those_it_is_for() {
        let lines = [line(dec!(10), dec!(1), "2106"), line(dec!(30), dec!(1), ""), line(dec!(20), dec!(2), "2106")];
        let by = |basis| shares(&charge(basis, dec!(1), dec!(90.005)), &lines, 2);
        assert_eq!(by(Basis::Value).unwrap(), [dec!(15.00), dec!(45.00), dec!(30.01)]);
        assert_eq!(by(Basis::Quantity).unwrap(), [dec!(22.50), dec!(22.50), dec!(45.01)]);
        assert_eq!(by(Basis::CustomsCode).unwrap(), [dec!(30.00), dec!(0.00), dec!(60.01)]);
        assert!(matches!(by(Basis::Weight), Err(Error::WeightMissing(_))));
        assert!(matches!(
            shares(&charge(Basis::CustomsCode, dec!(1), dec!(1)), &lines[1..2], 2),
            Err(Error::NoLineOfCode(_))
        ));
    }

    proptest! {
        #[test]
        fn the_shares_of_a_charge_add_up_to_it(
            amount in 1i64..10_000_000, rate in 1i64..1_000_000, values in prop::collection::vec((0i64..100_000, any::<bool>()), 1..20),
        ) {
            let lines: Vec<_> = values
                .iter()
                .map(|(value, coded)| line(Decimal::new(*value, 2), dec!(1), if *coded { "2106" } else { "" }))
                .collect();
            for basis in [Basis::Value, Basis::Quantity, Basis::Volume, Basis::CustomsCode] {
                let charge = charge(basis, Decimal::new(amount, 2), Decimal::new(rate, 4));
                match shares(&charge, &lines, 2) {
                    Ok(parts) => prop_assert_eq!(parts.into_iter().sum::<Decimal>(), charge.cost(2).unwrap()),
                    Err(_) => prop_assert!(values.iter().all(|(_, coded)| !coded)),
                }
            }
        }
    }
}
