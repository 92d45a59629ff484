//! Spreading charges over lines.

use rust_decimal::{Decimal, RoundingStrategy};
use types::round_half_away;

/// Spreads a total over weights by cumulative rounding: what the lines so far have got is always their exact share, cut
/// off at the minor unit. So the parts add up exactly, none has the other sign, none is a whole unit away from its exact
/// share, and of equal lines the later ones take what is left over: 123.22 over three is 41.07, 41.07, 41.08. The
/// weights must not be negative; if all are zero it is spread equally.
#[must_use]
pub fn spread(total: Decimal, weights: &[Decimal], digits: u32) -> Vec<Decimal> {
    let ones = vec![Decimal::ONE; weights.len()];
    let weights = if weights.iter().all(Decimal::is_zero) { &ones } else { weights };
    let (total, sum) = (round_half_away(total, digits), weights.iter().sum::<Decimal>());
    let (mut so_far, mut given) = (Decimal::ZERO, round_half_away(Decimal::ZERO, digits));
    let part = |weight: &Decimal| {
        so_far += *weight;
        // Exact products first; only figures too large for 28 digits are divided first.
        let exact = || total.checked_mul(so_far).and_then(|all| all.checked_div(sum)).unwrap_or(total / sum * so_far);
        let mut due =
            if so_far == sum { total } else { exact().round_dp_with_strategy(digits, RoundingStrategy::ToZero) };
        due.rescale(digits);
        let part = due - given;
        given = due;
        part
    };
    weights.iter().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rust_decimal::dec;

    #[test]
    fn s6_three_equal_lines_and_the_last_takes_what_is_left() {
        assert_eq!(spread(dec!(123.22), &[dec!(1); 3], 2), [dec!(41.07), dec!(41.07), dec!(41.08)]);
        assert_eq!(spread(dec!(-123.22), &[dec!(1); 3], 2), [dec!(-41.07), dec!(-41.07), dec!(-41.08)]);
        assert_eq!(spread(dec!(1), &[dec!(0), dec!(0)], 2), [dec!(0.50), dec!(0.50)]);
        assert_eq!(spread(dec!(1), &[], 2), []);
    }

    proptest! {
        #[test]
        fn parts_add_up_and_are_never_a_unit_away_from_their_share(
            total in -100_000_000i64..100_000_000, weights in prop::collection::vec(0i64..1_000_000, 1..40),
        ) {
            let (total, weights) = (Decimal::new(total, 2), weights.into_iter().map(Decimal::from).collect::<Vec<_>>());
            let parts = spread(total, &weights, 2);
            prop_assert_eq!(parts.iter().sum::<Decimal>(), total);
            let sum: Decimal = weights.iter().sum();
            for (part, weight) in parts.iter().zip(&weights) {
                prop_assert!((*part * total) >= Decimal::ZERO);
                if !sum.is_zero() {
                    prop_assert!((*part - total * *weight / sum).abs() < dec!(0.010001));
                }
            }
        }
    }
}
