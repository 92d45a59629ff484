#![doc = "Reproducible random numbers: SplitMix64, seeded by purpose and record number."]

/// A stream of numbers that is the same on every machine, compiler and version.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// The stream of one record: what for (a short word), which record.
    pub fn new(seed: u64, purpose: &str, record: u64) -> Self {
        let mut state = seed ^ 0x9e37_79b9_7f4a_7c15;
        for byte in purpose.bytes() {
            state = mix(state ^ u64::from(byte));
        }
        Self(mix(state ^ record.wrapping_mul(0xd134_2543_de82_ef95)))
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number from 0 to `bound - 1`; 0 when the bound is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        // The high half of a 128-bit product: even enough for a demo, and without a modulo's slowness.
        ((u128::from(self.bits()) * u128::from(bound)) >> 64) as u64
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// A number below `bound` that is small more often than large: some customers and goods are favourites.
    pub fn favourite(&mut self, bound: u64) -> u64 {
        let (a, b) = (self.below(bound), self.below(bound));
        a.min(b).min(self.below(bound))
    }

    /// One of the items.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len() as u64) as usize]
    }

    /// True in `per_mille` of a thousand cases.
    pub fn happens(&mut self, per_mille: u64) -> bool {
        self.below(1_000) < per_mille
    }
}

const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_depends_on_seed_purpose_and_record_only() {
        let first = |seed, purpose, record| Chance::new(seed, purpose, record).bits();
        assert_eq!(first(1, "a", 1), first(1, "a", 1));
        assert_ne!(first(1, "a", 1), first(2, "a", 1));
        assert_ne!(first(1, "a", 1), first(1, "b", 1));
        assert_ne!(first(1, "a", 1), first(1, "a", 2));
    }

    #[test]
    fn numbers_stay_below_the_bound_and_reach_every_value() {
        let mut chance = Chance::new(7, "bound", 0);
        let mut seen = [0_u32; 10];
        for _ in 0..10_000 {
            seen[chance.below(10) as usize] += 1;
        }
        assert!(seen.iter().all(|n| (800..1_200).contains(n)), "{seen:?}");
    }
}
