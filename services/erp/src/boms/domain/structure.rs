//! What may be part of what: no product contains itself on any day.

use std::collections::{BTreeMap, BTreeSet};

use time::Date;

use super::{MAX_ITEMS, MAX_LEVELS, Refusal};

/// What a version is made of, and from when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Product.
    pub sku: String,
    /// Version.
    pub number: i32,
    /// First day it may be in effect.
    pub valid_from: Date,
    /// Its components.
    pub components: Vec<String>,
}

/// Whether a version may be put in effect beside those that are active: on every day it would be in effect, nothing
/// below its product contains the product.
///
/// `active` are all active versions of the product and of everything below it, of every day.
///
/// # Errors
/// [`Refusal::Cycle`] with the way from the product to itself; [`Refusal::TooDeep`]; [`Refusal::TooLarge`].
pub fn check(candidate: &Version, active: &[Version]) -> Result<(), Refusal> {
    let others: Vec<_> =
        active.iter().filter(|one| (&one.sku, one.number) != (&candidate.sku, candidate.number)).collect();
    let changes: BTreeSet<Date> =
        others.iter().map(|one| one.valid_from).filter(|day| *day > candidate.valid_from).collect();
    for day in std::iter::once(candidate.valid_from).chain(changes) {
        let mut effective: BTreeMap<&str, &Version> = BTreeMap::new();
        for version in others.iter().copied().filter(|one| one.valid_from <= day) {
            let first = effective.entry(&version.sku).or_insert(version);
            if (version.valid_from, version.number) > (first.valid_from, first.number) {
                *first = version;
            }
        }
        let follower = effective.get(candidate.sku.as_str());
        if follower.is_some_and(|one| one.valid_from > candidate.valid_from) {
            // From here on another version is in effect, which was checked when it was activated.
            break;
        }
        effective.insert(&candidate.sku, candidate);
        let mut walk = Walk { effective: &effective, product: &candidate.sku, depths: BTreeMap::new() };
        walk.depth(&candidate.sku, &mut Vec::new())?;
        if walk.depths.len() > MAX_ITEMS {
            return Err(Refusal::TooLarge(candidate.sku.clone()));
        }
    }
    Ok(())
}

struct Walk<'a> {
    effective: &'a BTreeMap<&'a str, &'a Version>,
    product: &'a str,
    /// Levels below the items that have been looked at.
    depths: BTreeMap<&'a str, usize>,
}

impl<'a> Walk<'a> {
    /// Levels below an item; `way` leads to it from the product.
    fn depth(&mut self, sku: &'a str, way: &mut Vec<&'a str>) -> Result<usize, Refusal> {
        if sku == self.product && !way.is_empty() {
            let names = way.iter().chain([&sku]);
            return Err(Refusal::Cycle(names.map(|name| (*name).to_owned()).collect()));
        }
        if let Some(depth) = self.depths.get(sku) {
            return self.bounded(*depth, way);
        }
        self.bounded(0, way)?;
        let mut depth = 0;
        if let Some(version) = self.effective.get(sku).copied() {
            way.push(sku);
            for component in &version.components {
                depth = depth.max(self.depth(component, way)? + 1);
            }
            way.pop();
        }
        self.depths.insert(sku, depth);
        Ok(depth)
    }

    fn bounded(&self, depth: usize, way: &[&str]) -> Result<usize, Refusal> {
        if way.len() + depth > MAX_LEVELS { Err(Refusal::TooDeep(self.product.to_owned())) } else { Ok(depth) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::{Duration, macros::date};

    use super::*;

    const DAY: Date = date!(2026 - 01 - 01);

    fn version(sku: &str, number: i32, day: i64, components: &[&str]) -> Version {
        Version {
            sku: sku.into(),
            number,
            valid_from: DAY + Duration::days(day),
            components: components.iter().map(|sku| (*sku).to_owned()).collect(),
        }
    }

    fn way(words: &[&str]) -> Result<(), Refusal> {
        Err(Refusal::Cycle(words.iter().map(|word| (*word).to_owned()).collect()))
    }

    #[test]
    fn p10_a_product_within_itself_is_refused_with_the_way() {
        assert_eq!(check(&version("A", 1, 0, &["X", "A"]), &[]), way(&["A", "A"]));
        let active = [version("B", 1, 0, &["X", "C"]), version("C", 1, 0, &["D", "A"])];
        assert_eq!(check(&version("A", 1, 0, &["X", "B"]), &active), way(&["A", "B", "C", "A"]));
        assert_eq!(check(&version("A", 1, 0, &["X"]), &active), Ok(()));
    }

    #[test]
    fn versions_that_are_never_in_effect_together_make_no_circle() {
        // Until day 10 B was made of A; from then on of X.
        let active = [version("B", 1, 0, &["A"]), version("B", 2, 10, &["X"])];
        assert_eq!(check(&version("A", 1, 9, &["B"]), &active), way(&["A", "B", "A"]));
        assert_eq!(check(&version("A", 1, 10, &["B"]), &active), Ok(()));
        // From day 20 on it will be again; unless A has another version by then.
        let active = [&active[..], &[version("B", 3, 20, &["A"])]].concat();
        assert_eq!(check(&version("A", 1, 10, &["B"]), &active), way(&["A", "B", "A"]));
        let active = [&active[..], &[version("A", 7, 15, &["X"])]].concat();
        assert_eq!(check(&version("A", 8, 10, &["B"]), &active), Ok(()));
        assert_eq!(check(&version("A", 8, 15, &["B"]), &active), way(&["A", "B", "A"]));
    }

    #[test]
    fn of_the_same_day_the_higher_number_counts() {
        let active = [version("B", 1, 0, &["A"]), version("B", 2, 0, &["X"])];
        assert_eq!(check(&version("A", 1, 0, &["B"]), &active), Ok(()));
    }

    #[test]
    fn more_than_twenty_levels_are_refused() {
        let name = |n: usize| format!("L{n}");
        let chain: Vec<_> = (1..=19).map(|n| version(&name(n), 1, 0, &[&name(n + 1)])).collect();
        assert_eq!(check(&version("L0", 1, 0, &["L1"]), &chain), Ok(()));
        let longer = [&chain[..], &[version("L20", 1, 0, &["L21"])]].concat();
        assert_eq!(check(&version("L0", 1, 0, &["L1"]), &longer), Err(Refusal::TooDeep("L0".into())));
        // Also when the long way is found by a short one first.
        let short = version("L0", 1, 0, &["L10", "L1"]);
        assert_eq!(check(&short, &longer), Err(Refusal::TooDeep("L0".into())));
    }

    /// Whether any product reaches itself on a day, by plain following of all ways.
    fn circular(active: &[Version], day: Date) -> bool {
        let of = |sku: &str| {
            let found = active.iter().filter(|one| one.sku == sku && one.valid_from <= day);
            found.max_by_key(|one| (one.valid_from, one.number)).map(|one| one.components.clone()).unwrap_or_default()
        };
        active.iter().any(|start| {
            let mut seen = BTreeSet::new();
            let mut open = of(&start.sku);
            while let Some(sku) = open.pop() {
                if sku == start.sku {
                    return true;
                }
                if seen.insert(sku.clone()) {
                    open.extend(of(&sku));
                }
            }
            false
        })
    }

    proptest! {
        #[test]
        fn activations_that_pass_never_close_a_circle_and_those_refused_would(
            tries in proptest::collection::vec((0..6_u8, 0..6_i64, proptest::collection::vec(0..6_u8, 1..3)), 1..40)
        ) {
            let mut active: Vec<Version> = Vec::new();
            for (number, (sku, day, components)) in (1..).zip(tries) {
                let names: Vec<_> = components.iter().map(|n| format!("P{n}")).collect();
                let names: Vec<_> = names.iter().map(String::as_str).collect();
                let candidate = version(&format!("P{sku}"), number, day, &names);
                let passed = check(&candidate, &active).is_ok();
                active.push(candidate);
                let circles = (0..7).any(|day| circular(&active, DAY + Duration::days(day)));
                prop_assert_eq!(passed, !circles);
                if circles {
                    active.pop();
                }
            }
        }
    }
}
