//! What demand was like, and how much covers it.
//!
//! The one place of erp with floating point: square roots and quantiles have no exact decimals, and what they give are
//! estimates, not stock or money. Sums come in exactly, results leave as decimals of at most six digits, so they are
//! the same on every machine.
//!
//! Sources: E. A. Silver, D. F. Pyke, D. J. Thomas, *Inventory and Production Management in Supply Chains*, 4th ed.,
//! chapter 6 (normal lead-time demand; negative binomial and gamma where it is seldom or uneven); A. A. Syntetos,
//! J. E. Boylan, J. D. Croston, *On the categorization of demand patterns*, JORS 56 (2005); A. A. Syntetos, J. E. Boylan,
//! *Intermittent Demand Forecasting* (2021), chapter 5 (the negative binomial is a compound Poisson demand).

use rust_decimal::{
    Decimal,
    prelude::{FromPrimitive as _, ToPrimitive as _},
};
use statrs::distribution::{ContinuousCDF as _, DiscreteCDF as _, Gamma, NegativeBinomial, Normal, Poisson};

use super::domain::Class;
use crate::demand_history::domain::History;

/// How an item's demand was spread over its days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spread {
    /// Mean of a day.
    pub mean: Decimal,
    /// Sample standard deviation of a day.
    pub sigma: Decimal,
    /// Days for each day with demand.
    pub adi: Decimal,
    /// Squared coefficient of variation of the quantities of days with demand.
    pub cv_squared: Decimal,
}

/// What has to be covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Risk {
    /// Mean demand of a day.
    pub mean: Decimal,
    /// Its standard deviation.
    pub sigma: Decimal,
    /// Mean days from one look at the stock until what was then ordered is there: lead time and review period.
    pub days: Decimal,
    /// Standard deviation of the lead time.
    pub sigma_days: Decimal,
    /// Probability that it is covered.
    pub service_level: Decimal,
}

/// How the demand of these days is distributed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Often and even, or so long that it evens out.
    Normal,
    /// Seldom or uneven, in whole units.
    Counts,
    /// Seldom or uneven, in any quantity.
    Amounts,
}

/// How much covers a risk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cover {
    /// Name of the distribution that was used.
    pub formula: &'static str,
    /// Standard normal quantile of the service level.
    pub z: Decimal,
    /// Beyond the mean.
    pub safety_stock: Decimal,
    /// Mean and safety stock.
    pub reorder_point: Decimal,
}

/// From so many units on, in the mean or the deviation, whole ones are as good as a continuum.
const MANY: f64 = 500.0;
/// A gamma distribution of this shape is a normal one.
const ROUND: f64 = 10_000.0;

fn float(value: Decimal) -> f64 {
    value.to_f64().unwrap_or_default()
}

/// Six digits, half away from zero. Figures too large for a decimal count as the largest.
fn exact(value: f64) -> Decimal {
    Decimal::from_f64(value).map_or(Decimal::MAX, |value| types::round_half_away(value, 6)).normalize()
}

/// How the demand of a history is spread; none when nothing was wanted or fewer than two days count.
#[must_use]
pub fn spread(history: &History) -> Option<Spread> {
    if history.demand_days < 1 || history.days < 2 {
        return None;
    }
    let (days, demand_days) = (f64::from(history.days), f64::from(history.demand_days));
    // Exact until here: n·Σx² − (Σx)² in floats would lose what little even demand varies.
    let deviation = |count: i32| {
        let count = Decimal::from(count);
        let scaled = count.checked_mul(history.squares)?.checked_sub(history.total.checked_mul(history.total)?)?;
        Some(float(scaled.max(Decimal::ZERO)))
    };
    let total = float(history.total);
    let variance = deviation(history.days)? / (days * (days - 1.0));
    let cv_squared = match history.demand_days {
        1 => 0.0,
        count => deviation(count)? / (demand_days * (demand_days - 1.0)) / (total / demand_days).powi(2),
    };
    Some(Spread {
        mean: exact(total / days),
        sigma: exact(variance.sqrt()),
        adi: exact(days / demand_days),
        cv_squared: exact(cv_squared),
    })
}

/// The class of a demand.
#[must_use]
pub fn classify(spread: &Spread) -> Class {
    let seldom = spread.adi >= Decimal::new(132, 2);
    let uneven = spread.cv_squared >= Decimal::new(49, 2);
    match (seldom, uneven) {
        (false, false) => Class::Smooth,
        (true, false) => Class::Intermittent,
        (false, true) => Class::Erratic,
        (true, true) => Class::Lumpy,
    }
}

/// How much covers a risk whose demand has a shape.
#[must_use]
pub fn cover(risk: &Risk, shape: Shape) -> Cover {
    let (mean, sigma) = (float(risk.mean), float(risk.sigma));
    let (days, sigma_days) = (float(risk.days), float(risk.sigma_days));
    let level = float(risk.service_level).clamp(0.5, 0.9999);
    let z = normal_quantile(level);
    let expected = mean * days;
    let variance = days * sigma * sigma + mean * mean * sigma_days * sigma_days;
    let normal = || ("normal", expected + z * variance.sqrt());
    let (formula, needed) = match shape {
        Shape::Normal => normal(),
        _ if expected <= 0.0 || variance <= 0.0 => normal(),
        Shape::Counts if expected <= MANY && variance <= expected * (1.0 + 1e-9) => {
            ("poisson", poisson_quantile(expected, level))
        }
        Shape::Counts if expected <= MANY && variance <= MANY * MANY => {
            ("negative_binomial", negative_binomial_quantile(expected, variance, level))
        }
        Shape::Counts | Shape::Amounts => ("gamma", gamma_quantile(expected, variance, level)),
    };
    let safety = (needed - expected).max(0.0);
    Cover { formula, z: exact(z), safety_stock: exact(safety), reorder_point: exact(expected + safety) }
}

/// The standard normal quantile of a probability.
fn normal_quantile(p: f64) -> f64 {
    Normal::standard().inverse_cdf(p)
}

/// Smallest whole number that is not exceeded with the probability. All that distributions refuse is ruled out by
/// [`cover`]: what has neither mean nor variance is not asked about.
fn poisson_quantile(mean: f64, level: f64) -> f64 {
    Poisson::new(mean).map_or(mean, |demand| demand.inverse_cdf(level) as f64)
}

fn negative_binomial_quantile(mean: f64, variance: f64, level: f64) -> f64 {
    let demand = NegativeBinomial::new(mean * mean / (variance - mean), mean / variance);
    demand.map_or(mean, |demand| demand.inverse_cdf(level) as f64)
}

fn gamma_quantile(mean: f64, variance: f64, level: f64) -> f64 {
    let shape = mean * mean / variance;
    if shape > ROUND {
        return mean + normal_quantile(level) * variance.sqrt();
    }
    Gamma::new(shape, mean / variance).map_or(mean, |demand| demand.inverse_cdf(level))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rust_decimal::dec;

    fn history(days: i32, wanted: &[i64]) -> History {
        History {
            begins: None,
            days,
            excluded: 0,
            demand_days: i32::try_from(wanted.len()).unwrap(),
            total: wanted.iter().sum::<i64>().into(),
            squares: wanted.iter().map(|w| w * w).sum::<i64>().into(),
        }
    }

    fn risk(mean: Decimal, sigma: Decimal, days: Decimal, sigma_days: Decimal, service_level: Decimal) -> Risk {
        Risk { mean, sigma, days, sigma_days, service_level }
    }

    #[test]
    fn p9_safety_stock_and_reorder_point() {
        let two = |value| types::round_half_away(value, 2);
        let first = cover(&risk(dec!(75), dec!(15), dec!(7), dec!(1.5), dec!(0.95)), Shape::Normal);
        assert_eq!((two(first.safety_stock), two(first.reorder_point)), (dec!(196.22), dec!(721.22)));
        let second = cover(&risk(dec!(100), dec!(25), dec!(4), dec!(1), dec!(0.98)), Shape::Normal);
        assert_eq!((two(second.safety_stock), two(second.reorder_point)), (dec!(229.62), dec!(629.62)));
        assert_eq!((first.z, second.z), (dec!(1.644854), dec!(2.053749)), "the exact quantiles, not 1.65 and 2.05");
    }

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (p, z) in
            [(0.5, 0.0), (0.975, 1.959_963_984_540_054), (0.9999, 3.719_016_485_455_68), (1e-9, -5.997_807_015_007_686)]
        {
            assert!((normal_quantile(p) - z).abs() < 1e-12, "{p}");
        }
        // Poisson of mean 4: P(X ≤ 7) = 0.9489, P(X ≤ 8) = 0.9786.
        assert_eq!((poisson_quantile(4.0, 0.948), poisson_quantile(4.0, 0.95)), (7.0, 8.0));
        // Negative binomial with r = 1 is geometric: mean 9 and p = 0.1 give P(X ≤ k) = 1 − 0.9^(k+1).
        assert_eq!(negative_binomial_quantile(9.0, 90.0, 0.95), 28.0);
        // Gamma of shape 1 is exponential; of shape 5 and scale 1 half a chi square of ten degrees: 18.307 at 95 %.
        assert!((gamma_quantile(3.0, 9.0, 0.95) - 3.0 * 20f64.ln()).abs() < 1e-9);
        assert!((gamma_quantile(5.0, 5.0, 0.95) - 18.307_038_053_275_14 / 2.0).abs() < 1e-9);
        assert!((statrs::function::gamma::ln_gamma(10.0) - 362_880f64.ln()).abs() < 1e-12);
    }

    #[test]
    fn demand_is_classed_by_how_often_and_how_evenly_it_comes() {
        let class = |days, wanted: &[i64]| classify(&spread(&history(days, wanted)).unwrap());
        assert_eq!(class(10, &[5; 10]), Class::Smooth);
        assert_eq!(class(20, &[5; 10]), Class::Intermittent);
        assert_eq!(class(10, &[1, 1, 1, 1, 1, 1, 1, 1, 1, 20]), Class::Erratic);
        assert_eq!(class(40, &[1, 1, 1, 1, 1, 1, 1, 1, 1, 20]), Class::Lumpy);
        // On the borders: 132 days for 100 with demand is seldom; a CV² of exactly 0.49 is uneven.
        assert_eq!(class(132, &[5; 100]), Class::Intermittent);
        assert_eq!(class(131, &[5; 100]), Class::Smooth);
        assert_eq!(
            classify(&Spread { mean: dec!(1), sigma: dec!(1), adi: dec!(1), cv_squared: dec!(0.49) }),
            Class::Erratic
        );
    }

    #[test]
    fn the_spread_of_a_known_series() {
        // 2 4 4 4 5 5 7 9: mean 5, sample variance 32/7; over 16 days with 8 empty ones the mean halves.
        let even = spread(&history(8, &[2, 4, 4, 4, 5, 5, 7, 9])).unwrap();
        assert_eq!((even.mean, even.sigma, even.adi), (dec!(5), dec!(2.13809), dec!(1)));
        assert_eq!(even.cv_squared, dec!(0.182857));
        let thin = spread(&history(16, &[2, 4, 4, 4, 5, 5, 7, 9])).unwrap();
        assert_eq!((thin.mean, thin.adi, thin.cv_squared), (dec!(2.5), dec!(2), dec!(0.182857)));
        assert_eq!(spread(&history(30, &[])), None);
        assert_eq!(spread(&history(1, &[4])), None);
    }

    #[test]
    fn seldom_demand_is_covered_by_a_distribution_that_has_its_tail() {
        // Two a week on average, often none: mean 2, variance 6.
        let lumpy = risk(dec!(0.285714), dec!(0.92582), dec!(7), dec!(0), dec!(0.95));
        let (counts, normal) = (cover(&lumpy, Shape::Counts), cover(&lumpy, Shape::Normal));
        assert_eq!(counts.formula, "negative_binomial");
        assert_eq!(counts.reorder_point, dec!(7), "whole units");
        assert!(normal.reorder_point < counts.reorder_point, "the normal one forgets the tail");
        assert_eq!(cover(&lumpy, Shape::Amounts).formula, "gamma");
        let rare = risk(dec!(0.1), dec!(0.3), dec!(10), dec!(0), dec!(0.95));
        assert_eq!(
            (cover(&rare, Shape::Counts).formula, cover(&rare, Shape::Counts).reorder_point),
            ("poisson", dec!(3))
        );
        let none = risk(dec!(0), dec!(0), dec!(10), dec!(2), dec!(0.95));
        assert_eq!(cover(&none, Shape::Counts).reorder_point, dec!(0));
    }

    proptest! {
        #[test]
        fn more_service_never_needs_less_and_the_mean_is_always_covered(
            mean in 1i64..2_000_000, sigma in 0i64..2_000_000, days in 0i64..200, sigma_days in 0i64..20,
            low in 5_000i64..9_999, more in 0i64..999, shape in 0..3_u8,
        ) {
            let shape = [Shape::Normal, Shape::Counts, Shape::Amounts][usize::from(shape)];
            let risk = |level: i64| risk(Decimal::new(mean, 3), Decimal::new(sigma, 3), days.into(), sigma_days.into(),
                Decimal::new(level.min(9_999), 4));
            let (less, more) = (cover(&risk(low), shape), cover(&risk(low + more), shape));
            prop_assert!(less.reorder_point <= more.reorder_point, "{less:?} {more:?}");
            prop_assert!(less.safety_stock >= Decimal::ZERO);
            prop_assert!((less.reorder_point - Decimal::new(mean, 3) * Decimal::from(days) - less.safety_stock).abs() <= dec!(0.00001));
        }

        #[test]
        fn the_spread_agrees_with_a_plain_count(wanted in prop::collection::vec(1i64..1_000, 1..60), empty in 1i32..200) {
            let days = i32::try_from(wanted.len()).unwrap() + empty;
            let found = spread(&history(days, &wanted)).unwrap();
            let all: Vec<f64> = wanted.iter().map(|w| f64::from(i32::try_from(*w).unwrap()))
                .chain((0..empty).map(|_| 0.0)).collect();
            let mean = all.iter().sum::<f64>() / f64::from(days);
            let variance = all.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / f64::from(days - 1);
            prop_assert!((found.mean.to_f64().unwrap() - mean).abs() < 1e-6);
            prop_assert!((found.sigma.to_f64().unwrap() - variance.sqrt()).abs() < 1e-5);
        }
    }
}
