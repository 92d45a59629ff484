//! The share of a line's money that goes with a part of its quantity, such that the parts add up exactly.

use rust_decimal::Decimal;
use types::round_half_away;

/// What a part of a line is worth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Money3 {
    /// Share of the total.
    pub amount: Decimal,
    /// Share of the discount.
    pub discount: Decimal,
    /// Share of the tax.
    pub tax: Decimal,
}

/// The share of `total` that goes with `take` more of `quantity`, when `gone` went before with `given` of the money.
///
/// Cumulative rounding: after each step what was given is the rounded share of what is gone, so the last piece takes
/// exactly what is left, whatever the pieces were. Works for credits (negative totals) too.
#[must_use]
pub fn share(total: Decimal, given: Decimal, quantity: Decimal, gone: Decimal, take: Decimal, digits: u32) -> Decimal {
    let rest = total - given;
    let after = gone + take;
    if after >= quantity {
        return rest;
    }
    let due = round_half_away(total * after / quantity, digits) - given;
    between_zero_and(due, rest)
}

/// The share of `part_total` (discount or tax) when `amount` of the line's `total` was asked for by name.
#[must_use]
pub fn share_for_amount(
    part_total: Decimal,
    part_given: Decimal,
    total: Decimal,
    given: Decimal,
    amount: Decimal,
    digits: u32,
) -> Decimal {
    share(part_total, part_given, total.abs(), given.abs(), amount.abs(), digits)
}

fn between_zero_and(value: Decimal, limit: Decimal) -> Decimal {
    if limit.is_sign_negative() { value.clamp(limit, Decimal::ZERO) } else { value.clamp(Decimal::ZERO, limit) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rust_decimal::dec;

    #[test]
    fn m2_ten_pieces_one_by_one_give_back_the_line_and_no_more() {
        let mut given = Decimal::ZERO;
        for gone in 0..10 {
            given += share(dec!(179.25), given, dec!(10), Decimal::from(gone), dec!(1), 2);
        }
        assert_eq!(given, dec!(179.25));
        assert_eq!(share(dec!(179.25), given, dec!(10), dec!(10), dec!(0), 2), dec!(0));
    }

    proptest! {
        #[test]
        fn pieces_of_any_size_add_up_exactly_and_none_is_negative(
            cents in 0i64..100_000_000,
            takes in prop::collection::vec(1u32..50, 1..40),
            credit in any::<bool>(),
        ) {
            let total = Decimal::new(if credit { -cents } else { cents }, 2);
            let quantity = Decimal::from(takes.iter().sum::<u32>());
            let (mut given, mut gone) = (Decimal::ZERO, Decimal::ZERO);
            for take in takes {
                let part = share(total, given, quantity, gone, take.into(), 2);
                prop_assert!(part.is_zero() || part.is_sign_negative() == credit);
                prop_assert!(part.scale() <= 2);
                given += part;
                gone += Decimal::from(take);
                let exact = total * gone / quantity;
                prop_assert!((given - exact).abs() <= dec!(0.005), "{given} is further than half a unit from {exact}");
            }
            prop_assert_eq!(given, total);
        }

        #[test]
        fn shares_by_amount_never_exceed_what_there_is(
            tax in 0i64..1_000_000, total in 1i64..10_000_000, amounts in prop::collection::vec(0i64..3_000_000, 1..10),
        ) {
            let (tax, total) = (Decimal::new(tax, 2), Decimal::new(total, 2));
            let (mut given, mut tax_given) = (Decimal::ZERO, Decimal::ZERO);
            for amount in amounts {
                let amount = Decimal::new(amount, 2).min(total - given);
                let part = share_for_amount(tax, tax_given, total, given, amount, 2);
                given += amount;
                tax_given += part;
                prop_assert!(part >= Decimal::ZERO && tax_given <= tax);
            }
            if given == total { prop_assert_eq!(tax_given, tax); }
        }
    }
}
