//! What demand was like, and how much covers it.
//!
//! The one place of erp with floating point: square roots and quantiles have no exact decimals, and what they give are
//! estimates, not stock or money. Sums come in exactly, results leave as decimals of at most six digits, so they are
//! the same on every machine.
//!
//! Sources: E. A. Silver, D. F. Pyke, D. J. Thomas, *Inventory and Production Management in Supply Chains*, 4th ed.,
//! chapter 6 (normal lead-time demand; negative binomial and gamma where it is seldom or uneven); A. A. Syntetos,
//! J. E. Boylan, J. D. Croston, *On the categorization of demand patterns*, JORS 56 (2005); A. A. Syntetos, J. E. Boylan,
//! *Intermittent Demand Forecasting* (2021), chapter 5 (the negative binomial is a compound Poisson demand); M. J.
//! Wichura, algorithm AS 241, Applied Statistics 37 (1988); W. H. Press et al., *Numerical Recipes*, 3rd ed., 6.1-6.2.

use rust_decimal::{
    Decimal,
    prelude::{FromPrimitive as _, ToPrimitive as _},
};

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

/// Coefficients of AS 241 near the middle of the distribution, further out and in its tails: above and below the line.
const CENTRE: ([f64; 8], [f64; 8]) = (
    [
        3.387_132_872_796_366_5,
        133.141_667_891_784_38,
        1_971.590_950_306_551_3,
        13_731.693_765_509_46,
        45_921.953_931_549_87,
        67_265.770_927_008_7,
        33_430.575_583_588_13,
        2_509.080_928_730_122_7,
    ],
    [
        1.0,
        42.313_330_701_600_91,
        687.187_007_492_057_9,
        5_394.196_021_424_751,
        21_213.794_301_586_597,
        39_307.895_800_092_71,
        28_729.085_735_721_943,
        5_226.495_278_852_545,
    ],
);
const MIDDLE: ([f64; 8], [f64; 8]) = (
    [
        1.423_437_110_749_683_5,
        4.630_337_846_156_546,
        5.769_497_221_460_691,
        3.647_848_324_763_204_5,
        1.270_458_252_452_368_4,
        0.241_780_725_177_450_6,
        0.022_723_844_989_269_184,
        7.745_450_142_783_414e-4,
    ],
    [
        1.0,
        2.053_191_626_637_759,
        1.676_384_830_183_803_8,
        0.689_767_334_985_1,
        0.148_103_976_427_480_08,
        0.015_198_666_563_616_457,
        5.475_938_084_995_345e-4,
        1.050_750_071_644_416_9e-9,
    ],
);
const TAIL: ([f64; 8], [f64; 8]) = (
    [
        6.657_904_643_501_103,
        5.463_784_911_164_114,
        1.784_826_539_917_291_3,
        0.296_560_571_828_504_9,
        0.026_532_189_526_576_124,
        0.001_242_660_947_388_078_4,
        2.711_555_568_743_487_6e-5,
        2.010_334_399_292_288_1e-7,
    ],
    [
        1.0,
        0.599_832_206_555_888,
        0.136_929_880_922_735_8,
        0.014_875_361_290_850_615,
        7.868_691_311_456_133e-4,
        1.846_318_317_510_054_7e-5,
        1.421_511_758_316_446e-7,
        2.044_263_103_389_939_8e-15,
    ],
);

/// The standard normal quantile of 0 < p < 1 (AS 241, PPND16: about sixteen digits).
fn normal_quantile(p: f64) -> f64 {
    let ratio = |(above, below): &([f64; 8], [f64; 8]), x: f64| {
        let at = |terms: &[f64; 8]| terms.iter().rev().fold(0.0, |sum, term| sum * x + term);
        at(above) / at(below)
    };
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        return q * ratio(&CENTRE, 0.180_625 - q * q);
    }
    let r = (-p.min(1.0 - p).ln()).sqrt();
    let size = if r <= 5.0 { ratio(&MIDDLE, r - 1.6) } else { ratio(&TAIL, r - 5.0) };
    size.copysign(q)
}

/// Smallest whole number whose probability of not being exceeded reaches the level; `next` gives the probability of k + 1
/// from that of k.
fn count_quantile(first: f64, level: f64, next: impl Fn(f64, f64) -> f64) -> f64 {
    let (mut probability, mut sum, mut k) = (first, first, 0.0);
    // Mean and deviation are at most `MANY`; a million is beyond every tail that is not mere rounding.
    while sum < level && k < 1e6 {
        probability = next(probability, k);
        sum += probability;
        k += 1.0;
    }
    k
}

fn poisson_quantile(mean: f64, level: f64) -> f64 {
    count_quantile((-mean).exp(), level, |probability, k| probability * mean / (k + 1.0))
}

fn negative_binomial_quantile(mean: f64, variance: f64, level: f64) -> f64 {
    let size = mean * mean / (variance - mean);
    let success = mean / variance;
    let first = (size * success.ln()).exp();
    count_quantile(first, level, |probability, k| probability * (k + size) / (k + 1.0) * (1.0 - success))
}

fn gamma_quantile(mean: f64, variance: f64, level: f64) -> f64 {
    let (shape, scale) = (mean * mean / variance, variance / mean);
    if shape > ROUND {
        return mean + normal_quantile(level) * variance.sqrt();
    }
    let (mut low, mut high) = (0.0, shape.max(1.0));
    while lower_gamma(shape, high) < level && high < 1e12 {
        high *= 2.0;
    }
    for _ in 0..100 {
        let middle = f64::midpoint(low, high);
        if lower_gamma(shape, middle) < level { low = middle } else { high = middle }
    }
    high * scale
}

/// The regularised lower incomplete gamma function P(a, x).
fn lower_gamma(a: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    let weight = (a * x.ln() - x - ln_gamma(a)).exp();
    if x < a + 1.0 {
        let (mut term, mut sum, mut n) = (1.0 / a, 1.0 / a, a);
        while term > sum * 1e-15 && n < a + 1e5 {
            n += 1.0;
            term *= x / n;
            sum += term;
        }
        return sum * weight;
    }
    // Lentz's method for the continued fraction of the upper function.
    let tiny = 1e-300;
    let mut b = x + 1.0 - a;
    let (mut c, mut d) = (1.0 / tiny, 1.0 / b);
    let (mut fraction, mut i) = (d, 1.0);
    while i < 1e5 {
        let an = -i * (i - a);
        b += 2.0;
        d = an * d + b;
        c = b + an / c;
        d = if d.abs() < tiny { 1.0 / tiny } else { 1.0 / d };
        c = if c.abs() < tiny { tiny } else { c };
        fraction *= d * c;
        if (d * c - 1.0).abs() < 1e-15 {
            break;
        }
        i += 1.0;
    }
    1.0 - weight * fraction
}

/// ln Γ(x) of x > 0 (Lanczos, g = 7, nine terms).
fn ln_gamma(x: f64) -> f64 {
    const TERMS: [f64; 8] = [
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    if x < 0.5 {
        return (std::f64::consts::PI / (std::f64::consts::PI * x).sin()).ln() - ln_gamma(1.0 - x);
    }
    let x = x - 1.0;
    let mut sum = 0.999_999_999_999_809_9;
    let mut n = 1.0;
    for term in TERMS {
        sum += term / (x + n);
        n += 1.0;
    }
    let t = x + 7.5;
    0.5 * (2.0 * std::f64::consts::PI).ln() + (x + 0.5) * t.ln() - t + sum.ln()
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
        assert!((ln_gamma(10.0) - 362_880f64.ln()).abs() < 1e-12);
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
