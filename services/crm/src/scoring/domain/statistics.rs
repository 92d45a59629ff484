//! The one place of crm with floating point: a standard deviation needs a square root, and its result is a statistic,
//! not money. The result is rounded to four digits, so it is the same on every machine.

use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive as _;

/// Coefficient of variation (population standard deviation by mean) of intervals in seconds; `None` for fewer than two
/// intervals or a mean of zero.
pub(super) fn coefficient_of_variation(intervals: &[i64]) -> Option<Decimal> {
    if intervals.len() < 2 {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "intervals of centuries in seconds are far below 2^53")]
    let values: Vec<f64> = intervals.iter().map(|seconds| *seconds as f64).collect();
    #[expect(clippy::cast_precision_loss, reason = "at most some hundred intervals")]
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    if mean <= 0.0 {
        return None;
    }
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
    Decimal::from_f64(variance.sqrt() / mean).map(|cv| types::round_half_away(cv, 4))
}

#[cfg(test)]
mod tests {
    use rust_decimal::dec;

    use super::*;

    #[test]
    fn equal_intervals_do_not_vary() {
        assert_eq!(coefficient_of_variation(&[7, 7, 7]), Some(dec!(0)));
    }

    #[test]
    fn a_known_case() {
        // Mean 5, population deviation 2: the textbook set 2 4 4 4 5 5 7 9.
        assert_eq!(coefficient_of_variation(&[2, 4, 4, 4, 5, 5, 7, 9]), Some(dec!(0.4)));
    }

    #[test]
    fn one_interval_or_orders_at_one_moment_say_nothing() {
        assert_eq!(coefficient_of_variation(&[5]), None);
        assert_eq!(coefficient_of_variation(&[0, 0, 0]), None);
    }
}
