//! Numbers of which few are common and many are rare, as goods in a shop are.

use rand::Rng;

/// Numbers from 0, number n with a weight of 1/(n+1)^s.
#[derive(Debug, Clone)]
pub struct Zipf {
    /// Sums of the weights up to each number, ending with 1.
    sums: Vec<f64>,
}

impl Zipf {
    /// `count` numbers with the exponent `s`.
    pub fn new(count: usize, s: f64) -> Self {
        let weights = (1..=count.max(1)).map(|n| (n as f64).powf(-s));
        let mut sums: Vec<f64> = weights
            .scan(0.0, |sum, weight| {
                *sum += weight;
                Some(*sum)
            })
            .collect();
        let all = sums.last().copied().unwrap_or(1.0);
        sums.iter_mut().for_each(|sum| *sum /= all);
        Self { sums }
    }

    /// Draws one.
    pub fn draw(&self, random: &mut impl Rng) -> usize {
        let at: f64 = random.random();
        self.sums.partition_point(|sum| *sum <= at).min(self.sums.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;
    use rand::rngs::StdRng;

    use super::*;

    #[test]
    fn frequencies_fall_as_the_exponent_says() {
        let (zipf, mut random) = (Zipf::new(1000, 1.1), StdRng::seed_from_u64(1));
        let mut counts = vec![0_u32; 1000];
        for _ in 0..200_000 {
            counts[zipf.draw(&mut random)] += 1;
        }
        let ratio = |a: usize, b: usize| f64::from(counts[a]) / f64::from(counts[b]);
        assert!((ratio(0, 1) - 2_f64.powf(1.1)).abs() < 0.1, "{}", ratio(0, 1));
        assert!((ratio(0, 9) - 10_f64.powf(1.1)).abs() < 1.0, "{}", ratio(0, 9));
        assert!(counts[990..].iter().sum::<u32>() > 0);
    }

    #[test]
    fn one_number_is_always_drawn() {
        assert_eq!(Zipf::new(1, 1.1).draw(&mut StdRng::seed_from_u64(1)), 0);
    }
}
