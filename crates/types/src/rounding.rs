//! Rounding and exact splitting.

use rust_decimal::{Decimal, RoundingStrategy};

/// Rounds to `digits` decimals, half away from zero ("commercial rounding"), the rule for all money here.
///
/// The result carries exactly `digits` decimals, so that its text form is canonical (`18.00`, not `18`).
#[must_use]
pub fn round_half_away(value: Decimal, digits: u32) -> Decimal {
    let mut rounded = value.round_dp_with_strategy(digits, RoundingStrategy::MidpointAwayFromZero);
    rounded.rescale(digits);
    rounded
}

/// Splits `total` over `weights` so that the parts add up to `total` exactly (largest remainder, or Hamilton, method).
///
/// Each part is first rounded towards zero to `digits`; the units left over go one by one to the parts that lost most,
/// ties to the earlier one. `total` itself is rounded half away from zero first. Weights are taken as they are and must
/// not be negative; if all are zero the split is equal. An empty slice gives an empty vector.
///
/// Source: M. L. Balinski, H. P. Young, *Fair Representation* (1982), "method of Hamilton".
#[must_use]
pub fn split_largest_remainder(total: Decimal, weights: &[Decimal], digits: u32) -> Vec<Decimal> {
    if weights.is_empty() {
        return Vec::new();
    }
    let total = round_half_away(total, digits);
    let equal = vec![Decimal::ONE; weights.len()];
    let weights = if weights.iter().all(Decimal::is_zero) { &equal } else { weights };
    let sum: Decimal = weights.iter().sum();

    let mut parts: Vec<Decimal> = Vec::with_capacity(weights.len());
    let mut lost: Vec<(usize, Decimal)> = Vec::with_capacity(weights.len());
    for (index, weight) in weights.iter().enumerate() {
        let exact = total * weight / sum;
        let mut part = exact.round_dp_with_strategy(digits, RoundingStrategy::ToZero);
        part.rescale(digits);
        lost.push((index, (exact - part).abs()));
        parts.push(part);
    }
    let unit = Decimal::new(if total.is_sign_negative() { -1 } else { 1 }, digits);
    let mut rest = total - parts.iter().sum::<Decimal>();
    lost.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    // Division may have rounded in the 28th digit, so the rest is handed out by what is really left, in both directions.
    for (index, _) in lost.iter().cycle().take(weights.len() * 2) {
        if rest.is_zero() {
            break;
        }
        let step = if rest.is_sign_negative() == unit.is_sign_negative() { unit } else { -unit };
        parts[*index] += step;
        rest -= step;
    }
    parts
}

/// Reads a plain decimal number: optional `-`, digits, optionally `.` and digits. No exponent, grouping, blanks or `+`.
///
/// At most 18 digits before and 10 after the point, so that sums of many millions of them cannot overflow.
#[must_use]
pub fn parse_decimal(text: &str) -> Option<Decimal> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |part: &str, most: usize| {
        !part.is_empty() && part.len() <= most && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    if !plain(whole, 18) || !plain(fraction, 10) {
        return None;
    }
    let value: Decimal = text.parse().ok()?;
    Some(if value.is_zero() { value.abs() } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rust_decimal::dec;

    #[test]
    fn m3_a_hundred_over_three_equal_lines() {
        let parts = split_largest_remainder(dec!(100), &[dec!(1); 3], 2);
        assert_eq!(parts, [dec!(33.34), dec!(33.33), dec!(33.33)]);
    }

    #[test]
    fn half_goes_away_from_zero_on_both_sides() {
        assert_eq!(round_half_away(dec!(2.345), 2), dec!(2.35));
        assert_eq!(round_half_away(dec!(-2.345), 2), dec!(-2.35));
        assert_eq!(round_half_away(dec!(5), 2).to_string(), "5.00");
    }

    #[test]
    fn only_plain_decimals_are_read() {
        for bad in ["", "-", "1e3", "+1", " 1", "1,5", ".5", "5.", "0x1", "1_000", "NaN", "1234567890123456789", "٣"] {
            assert_eq!(parse_decimal(bad), None, "{bad:?}");
        }
        assert_eq!(parse_decimal("-0.00").map(|zero| zero.is_sign_negative()), Some(false));
        assert_eq!(parse_decimal("-12.3400"), Some(dec!(-12.34)));
    }

    proptest! {
        #[test]
        fn a_split_adds_up_and_each_part_is_within_one_unit_of_its_share(
            total in -1_000_000_000i64..1_000_000_000,
            weights in prop::collection::vec(0u32..1_000_000, 1..60),
        ) {
            let total = Decimal::new(total, 2);
            let weights: Vec<Decimal> = weights.into_iter().map(Decimal::from).collect();
            let parts = split_largest_remainder(total, &weights, 2);
            prop_assert_eq!(parts.iter().sum::<Decimal>(), total);
            let sum: Decimal = weights.iter().sum();
            if !sum.is_zero() {
                for (part, weight) in parts.iter().zip(&weights) {
                    prop_assert!((part - total * weight / sum).abs() < dec!(0.0100001));
                }
            }
        }
    }
}
