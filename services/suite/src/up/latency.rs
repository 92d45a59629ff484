#![doc = "Quantiles out of the histograms of a /metrics page, as Prometheus computes them. Statistics, hence f64."]

use std::collections::BTreeMap;

/// A quantile (0 to 1) in seconds over all series of a histogram; `None` when nothing was recorded.
pub fn quantile(page: &str, histogram: &str, quantile: f64) -> Option<f64> {
    let mut buckets: BTreeMap<u64, f64> = BTreeMap::new();
    let prefix = format!("{histogram}_bucket{{");
    for line in page.lines().filter(|line| line.starts_with(&prefix)) {
        let (labels, value) = line.rsplit_once(' ')?;
        let bound = labels.split("le=\"").nth(1)?.split('"').next()?;
        let bound: f64 = if bound == "+Inf" { f64::INFINITY } else { bound.parse().ok()? };
        *buckets.entry(bound.to_bits()).or_default() += value.parse::<f64>().ok()?;
    }
    let total = buckets.values().copied().last().filter(|total| *total > 0.0)?;
    let rank = quantile * total;
    let (mut lower, mut below) = (0.0, 0.0);
    for (bits, count) in &buckets {
        let bound = f64::from_bits(*bits);
        if *count >= rank {
            if bound.is_infinite() {
                return Some(lower);
            }
            return Some(lower + (bound - lower) * (rank - below) / (count - below).max(1.0));
        }
        (lower, below) = (bound, *count);
    }
    Some(lower)
}

/// Seconds as people read them.
pub fn readable(seconds: f64) -> String {
    if seconds < 1.0 { format!("{:.0} ms", seconds * 1_000.0) } else { format!("{seconds:.1} s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "\
# TYPE lag_seconds histogram
lag_seconds_bucket{consumer=\"a\",le=\"0.01\"} 50
lag_seconds_bucket{consumer=\"a\",le=\"0.1\"} 90
lag_seconds_bucket{consumer=\"a\",le=\"+Inf\"} 90
lag_seconds_bucket{consumer=\"b\",le=\"0.01\"} 0
lag_seconds_bucket{consumer=\"b\",le=\"0.1\"} 10
lag_seconds_bucket{consumer=\"b\",le=\"+Inf\"} 10
lag_seconds_sum{consumer=\"a\"} 3
";

    #[test]
    fn series_are_added_up_and_the_bucket_is_cut_in_proportion() {
        assert_eq!(quantile(PAGE, "lag_seconds", 0.5), Some(0.01));
        let p75 = quantile(PAGE, "lag_seconds", 0.75).unwrap();
        assert!((p75 - 0.055).abs() < 1e-9, "{p75}");
        assert_eq!(quantile(PAGE, "other_seconds", 0.5), None);
    }

    #[test]
    fn what_is_over_the_last_bound_is_that_bound() {
        let page = "x_bucket{le=\"1\"} 1\nx_bucket{le=\"+Inf\"} 10\n";
        assert_eq!(quantile(page, "x", 0.9), Some(1.0));
    }
}
