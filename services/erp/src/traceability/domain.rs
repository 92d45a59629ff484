//! How far lots are from each other, and whether their quantities add up.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use time::Date;
use uuid::Uuid;

/// Lots of one trace or recall at most.
pub const MOST_LOTS: usize = 500;

/// What the papers say of a lot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Certificate number.
    pub certificate: String,
    /// Its date.
    pub certified_on: Option<Date>,
    /// Country of origin, two capitals or nothing.
    pub country: String,
    /// Manufacturer.
    pub manufacturer: String,
    /// Date of manufacture.
    pub made_on: Option<Date>,
}

/// Whether a text can be a country: nothing, or two capitals.
#[must_use]
pub fn is_country(text: &str) -> bool {
    text.is_empty() || (text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase()))
}

/// Which lots a person means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// These, by item and number.
    Lots(Vec<(String, String)>),
    /// All that came in under a supplier's lot number, of any supplier when none is named.
    SupplierLot {
        /// Supplier's lot number.
        number: String,
        /// Supplier code; may be empty.
        supplier: String,
    },
}

/// What a lot is to those asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Relation {
    /// Asked for.
    Root,
    /// Made of one asked for.
    Output,
    /// One asked for was made of it.
    Input,
}

/// Steps along `edges` (from, to) from the nearest root to each lot that can be reached; roots have 0.
#[must_use]
pub fn levels(roots: &[Uuid], edges: &[(Uuid, Uuid)]) -> BTreeMap<Uuid, i32> {
    let mut next: BTreeMap<Uuid, BTreeSet<Uuid>> = BTreeMap::new();
    for (from, to) in edges {
        next.entry(*from).or_default().insert(*to);
    }
    let mut found: BTreeMap<Uuid, i32> = roots.iter().map(|root| (*root, 0)).collect();
    let mut here: Vec<Uuid> = found.keys().copied().collect();
    let mut level = 0;
    while !here.is_empty() {
        level += 1;
        let reached = here.iter().filter_map(|lot| next.get(lot)).flatten().copied();
        let new: BTreeSet<Uuid> = reached.filter(|lot| !found.contains_key(lot)).collect();
        found.extend(new.iter().map(|lot| (*lot, level)));
        here = new.into_iter().collect();
    }
    found
}

/// The lots of a trace, nearest first: those asked for, then what was made of them and what they were made of. A lot that
/// is both was made of them. Cut at [`MOST_LOTS`]; true when something was left out.
#[must_use]
pub fn arrange(inputs: &BTreeMap<Uuid, i32>, outputs: &BTreeMap<Uuid, i32>) -> (Vec<(Uuid, Relation, i32)>, bool) {
    let mut lots: BTreeMap<Uuid, (i32, Relation)> = BTreeMap::new();
    for (lot, level) in inputs {
        lots.insert(*lot, (*level, if *level == 0 { Relation::Root } else { Relation::Input }));
    }
    for (lot, level) in outputs {
        lots.insert(*lot, (*level, if *level == 0 { Relation::Root } else { Relation::Output }));
    }
    let mut lots: Vec<_> = lots.into_iter().map(|(lot, (level, relation))| (lot, relation, level)).collect();
    lots.sort_by_key(|(lot, relation, level)| (*level, *relation, *lot));
    let truncated = lots.len() > MOST_LOTS;
    lots.truncate(MOST_LOTS);
    (lots, truncated)
}

/// Everything that ever came into a lot, everything that went, and what is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MassBalance {
    /// From suppliers.
    pub received: Decimal,
    /// From production.
    pub made: Decimal,
    /// From buyers.
    pub returned: Decimal,
    /// Found by counting.
    pub counted_up: Decimal,
    /// In own places, by the balances.
    pub on_hand: Decimal,
    /// To buyers.
    pub shipped: Decimal,
    /// To losses.
    pub written_off: Decimal,
    /// Into production.
    pub consumed: Decimal,
    /// Missed by counting.
    pub counted_down: Decimal,
    /// Back to suppliers.
    pub sent_back: Decimal,
}

impl MassBalance {
    /// What came in less what went less what is there: 0.
    #[must_use]
    pub fn difference(&self) -> Decimal {
        let came = self.received + self.made + self.returned + self.counted_up;
        let went = self.shipped + self.written_off + self.consumed + self.counted_down + self.sent_back;
        came - went - self.on_hand
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rust_decimal::dec;

    fn lot(n: u128) -> Uuid {
        Uuid::from_u128(n)
    }

    #[test]
    fn a_circle_is_walked_once() {
        let edges = [(lot(1), lot(2)), (lot(2), lot(3)), (lot(3), lot(1)), (lot(1), lot(3))];
        assert_eq!(levels(&[lot(1)], &edges), BTreeMap::from([(lot(1), 0), (lot(2), 1), (lot(3), 1)]));
    }

    #[test]
    fn a_missing_piece_shows() {
        let whole = MassBalance {
            received: dec!(10),
            shipped: dec!(7),
            returned: dec!(1),
            on_hand: dec!(4),
            ..MassBalance::default()
        };
        assert_eq!(whole.difference(), dec!(0));
        assert_eq!(MassBalance { on_hand: dec!(3), ..whole }.difference(), dec!(1));
    }

    #[test]
    fn countries_are_two_capitals() {
        assert!(is_country("") && is_country("RU"));
        assert!(["ru", "R", "RUS", "Р"].iter().all(|text| !is_country(text)));
    }

    #[test]
    fn what_is_too_far_is_left_out() {
        let chain: Vec<_> = (0..600).map(|n| (lot(n), lot(n + 1))).collect();
        let (lots, truncated) = arrange(&levels(&[lot(0)], &[]), &levels(&[lot(0)], &chain));
        assert_eq!((lots.len(), truncated, lots[0]), (MOST_LOTS, true, (lot(0), Relation::Root, 0)));
        assert_eq!(lots[MOST_LOTS - 1].2, 499);
    }

    proptest! {
        #[test]
        fn each_lot_is_one_step_further_than_the_nearest_it_is_made_of(
            edges in prop::collection::vec((0u128..12, 0u128..12), 0..30), root in 0u128..12,
        ) {
            let edges: Vec<_> = edges.into_iter().map(|(a, b)| (lot(a), lot(b))).collect();
            let found = levels(&[lot(root)], &edges);
            for (one, level) in &found {
                if *level == 0 {
                    prop_assert_eq!(*one, lot(root));
                } else {
                    let nearest = edges.iter().filter(|(_, to)| to == one).filter_map(|(from, _)| found.get(from)).min();
                    prop_assert_eq!(nearest.copied(), Some(level - 1));
                }
            }
            for (from, to) in &edges {
                prop_assert!(!found.contains_key(from) || found.contains_key(to));
            }
        }
    }
}
