//! Exact ratios between units of measure: a dozen is 12 ÷ 1 pieces, a fish of this lot 1,237 ÷ 1,000 kilograms.

use rust_decimal::Decimal;

/// How many of one unit another is: a fraction of two whole numbers, in lowest terms, so that there and back is identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ratio {
    numerator: i64,
    denominator: i64,
}

/// Why an amount has no exact counterpart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RatioError {
    /// Numerator or denominator is not 1 to [`Ratio::LARGEST`].
    #[error("numerator and denominator must be 1 to 1000000000")]
    OutOfRange,
    /// The result lies between two amounts that exist.
    #[error("lies between {below} and {above}")]
    Inexact {
        /// The next smaller amount.
        below: Decimal,
        /// The next larger amount.
        above: Decimal,
    },
    /// The result has too many digits.
    #[error("too large")]
    TooLarge,
}

impl Ratio {
    /// Largest numerator and denominator.
    pub const LARGEST: i64 = 1_000_000_000;

    /// A ratio of two numbers above zero.
    ///
    /// # Errors
    /// [`RatioError::OutOfRange`].
    pub fn new(numerator: i64, denominator: i64) -> Result<Self, RatioError> {
        let good = 1..=Self::LARGEST;
        if !good.contains(&numerator) || !good.contains(&denominator) {
            return Err(RatioError::OutOfRange);
        }
        let (mut a, mut b) = (numerator, denominator);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        Ok(Self { numerator: numerator / a, denominator: denominator / a })
    }

    /// The whole number above the line, in lowest terms.
    #[must_use]
    pub fn numerator(self) -> i64 {
        self.numerator
    }

    /// The whole number below the line, in lowest terms.
    #[must_use]
    pub fn denominator(self) -> i64 {
        self.denominator
    }

    /// The way back.
    #[must_use]
    pub fn inverse(self) -> Self {
        Self { numerator: self.denominator, denominator: self.numerator }
    }

    /// `value × numerator ÷ denominator`, if that has no more than `digits` decimals: nothing is ever rounded.
    ///
    /// # Errors
    /// [`RatioError::Inexact`] with the amounts of `digits` decimals around it; [`RatioError::TooLarge`].
    pub fn convert(self, value: Decimal, digits: u32) -> Result<Decimal, RatioError> {
        let value = value.normalize();
        // In whole numbers: mantissa × numerator × 10^digits ÷ (denominator × 10^scale).
        let power = |exponent: u32| 10_i128.checked_pow(exponent).ok_or(RatioError::TooLarge);
        let mut above = value.mantissa().checked_mul(self.numerator.into()).ok_or(RatioError::TooLarge)?;
        let mut below = i128::from(self.denominator);
        if digits >= value.scale() {
            above = above.checked_mul(power(digits - value.scale())?).ok_or(RatioError::TooLarge)?;
        } else {
            below = below.checked_mul(power(value.scale() - digits)?).ok_or(RatioError::TooLarge)?;
        }
        let amount = |whole: i128| {
            let amount = Decimal::try_from_i128_with_scale(whole, digits).map_err(|_| RatioError::TooLarge)?;
            Ok(amount.normalize())
        };
        let whole = above.div_euclid(below);
        if above.rem_euclid(below) == 0 {
            return amount(whole);
        }
        Err(RatioError::Inexact { below: amount(whole)?, above: amount(whole + 1)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rust_decimal::dec;

    #[test]
    fn a_dozen_is_twelve_and_a_piece_is_no_part_of_a_dozen() {
        let dozen = Ratio::new(12, 1).unwrap();
        assert_eq!(dozen.convert(dec!(2.5), 0), Ok(dec!(30)));
        let refused = RatioError::Inexact { below: dec!(14), above: dec!(15) };
        assert_eq!(dozen.convert(dec!(1.2), 0), Err(refused), "14.4 pieces are not 14");
        assert_eq!(dozen.inverse().convert(dec!(30), 6), Ok(dec!(2.5)));
        let between = RatioError::Inexact { below: dec!(0.083333), above: dec!(0.083334) };
        assert_eq!(dozen.inverse().convert(dec!(1), 6), Err(between));
    }

    #[test]
    fn ratios_are_in_lowest_terms_and_never_zero_or_huge() {
        assert_eq!(Ratio::new(2000, 1000), Ratio::new(2, 1));
        for (numerator, denominator) in [(0, 1), (1, 0), (-1, 1), (Ratio::LARGEST + 1, 1), (1, i64::MAX)] {
            assert_eq!(Ratio::new(numerator, denominator), Err(RatioError::OutOfRange));
        }
        assert_eq!(Ratio::new(Ratio::LARGEST, 1).unwrap().convert(Decimal::MAX, 6), Err(RatioError::TooLarge));
        assert_eq!(Ratio::new(1, Ratio::LARGEST).unwrap().convert(dec!(0), 0), Ok(dec!(0)));
    }

    proptest! {
        #[test]
        fn there_and_back_is_identity(
            n in 1..=Ratio::LARGEST, d in 1..=Ratio::LARGEST, mantissa in 0..10_i64.pow(12), scale in 0u32..=6,
        ) {
            let ratio = Ratio::new(n, d).unwrap();
            let value = Decimal::new(mantissa, scale);
            if let Ok(there) = ratio.convert(value, 6) {
                prop_assert_eq!(ratio.inverse().convert(there, 6), Ok(value.normalize()));
            }
        }

        #[test]
        fn what_is_refused_lies_between_its_neighbours(
            n in 1i64..5000, d in 1i64..5000, mantissa in 0i64..1_000_000, scale in 0u32..=3, digits in 0u32..=6,
        ) {
            let ratio = Ratio::new(n, d).unwrap();
            let value = Decimal::new(mantissa, scale);
            let scaled = value * Decimal::from(ratio.numerator());
            let times = |amount: Decimal| amount * Decimal::from(ratio.denominator());
            match ratio.convert(value, digits) {
                Ok(exact) => prop_assert_eq!(times(exact), scaled),
                Err(RatioError::Inexact { below, above }) => {
                    prop_assert!(times(below) < scaled && scaled < times(above));
                    prop_assert_eq!(above - below, Decimal::new(1, digits));
                }
                Err(other) => prop_assert!(false, "{}", other),
            }
        }
    }
}
