//! Where goods should go.

use std::collections::{BTreeSet, HashMap, HashSet};

use rust_decimal::Decimal;
use uuid::Uuid;

use crate::bins::domain::{Capacity, Fill};

/// Which goods belong where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Code, unique in the warehouse.
    pub code: String,
    /// For this item; empty for others.
    pub sku: String,
    /// For items of this category; empty for others.
    pub category: String,
    /// To pick and bulk bins of this zone; empty when a bin is named.
    pub zone: String,
    /// To this bin.
    pub place: Option<i64>,
    /// Higher is tried first.
    pub priority: i32,
}

impl Rule {
    fn is_for(&self, goods: &Goods) -> bool {
        (self.sku.is_empty() || self.sku == goods.sku) && (self.category.is_empty() || self.category == goods.category)
    }

    /// How much a rule is for all and sundry: item, category, any.
    fn breadth(&self) -> u8 {
        match (self.sku.is_empty(), self.category.is_empty()) {
            (false, _) => 0,
            (true, false) => 1,
            (true, true) => 2,
        }
    }

    fn leads_to(&self, bin: &Bin) -> bool {
        match self.place {
            Some(place) => place == bin.place,
            None => bin.stores && bin.zone == self.zone,
        }
    }
}

/// A lot that waits to be put away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Goods {
    /// Item.
    pub sku: String,
    /// Its category.
    pub category: String,
    /// Lot.
    pub lot: Uuid,
    /// How much, above zero.
    pub quantity: Decimal,
    /// Weight of one unit, if known.
    pub unit_weight: Option<Decimal>,
    /// Decimals of the unit.
    pub digits: u32,
}

/// A bin that takes goods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bin {
    /// Place.
    pub place: i64,
    /// Zone.
    pub zone: String,
    /// For storage (pick or bulk), so that rules of its zone lead to it.
    pub stores: bool,
    /// What fits.
    pub capacity: Capacity,
    /// What is in it.
    pub fill: Fill,
}

/// What lies where already, of the goods in question.
#[derive(Clone, Debug, Default)]
pub struct There {
    lots: HashSet<(i64, Uuid)>,
    items: HashMap<String, HashSet<i64>>,
}

impl There {
    /// Notes that a lot lies in a place.
    pub fn add(&mut self, place: i64, sku: &str, lot: Uuid) {
        self.lots.insert((place, lot));
        self.items.entry(sku.to_owned()).or_default().insert(place);
    }

    /// Why goods would rather go to this bin than to others.
    fn reason(&self, bin: &Bin, goods: &Goods) -> Reason {
        if self.lots.contains(&(bin.place, goods.lot)) {
            Reason::SameLot
        } else if self.items.get(&goods.sku).is_some_and(|places| places.contains(&bin.place)) {
            Reason::SameItem
        } else if bin.fill.quantity.is_zero() {
            Reason::Empty
        } else {
            Reason::Room
        }
    }
}

/// Why a bin is suggested, the best reason first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The same lot lies there.
    SameLot,
    /// The same item lies there.
    SameItem,
    /// It is empty.
    Empty,
    /// There is room.
    Room,
}

/// A bin for a part of the goods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Bin.
    pub place: i64,
    /// How much, above zero.
    pub quantity: Decimal,
    /// The rule that led there.
    pub rule: String,
    /// Why this bin of all.
    pub reason: Reason,
}

/// Where goods should go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// Bins, in the order they are to be filled.
    pub parts: Vec<Part>,
    /// What no rule has room for.
    pub left: Decimal,
}

/// Finds bins for goods, one after the other; what one gets is not there for the next. `bins` come along the route.
#[must_use]
pub fn suggest(goods: &[Goods], rules: &[Rule], mut bins: Vec<Bin>, mut there: There) -> Vec<Suggestion> {
    let mut suggestions = Vec::with_capacity(goods.len());
    for one in goods {
        let mut rules: Vec<_> = rules.iter().filter(|rule| rule.is_for(one)).collect();
        rules.sort_by_key(|rule| (-i64::from(rule.priority), rule.breadth(), &rule.code));
        let mut suggestion = Suggestion { parts: Vec::new(), left: one.quantity };
        let mut tried = BTreeSet::new();
        for rule in rules {
            let fits = |(index, bin): (usize, &Bin)| rule.leads_to(bin).then(|| (there.reason(bin, one), index));
            let mut found: Vec<_> = bins.iter().enumerate().filter_map(fits).collect();
            found.sort_unstable();
            for (reason, index) in found {
                if suggestion.left.is_zero() {
                    break;
                }
                if !tried.insert(index) {
                    continue;
                }
                let bin = &mut bins[index];
                let room = bin.capacity.room(&bin.fill, one.unit_weight, one.digits);
                let quantity = room.map_or(suggestion.left, |room| room.min(suggestion.left));
                if quantity > Decimal::ZERO {
                    bin.fill.add(quantity, one.unit_weight);
                    suggestion.left -= quantity;
                    suggestion.parts.push(Part { place: bin.place, quantity, rule: rule.code.clone(), reason });
                }
            }
        }
        suggestion.parts.iter().for_each(|part| there.add(part.place, &one.sku, one.lot));
        suggestions.push(suggestion);
    }
    suggestions
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn goods(sku: &str, lot: u128, quantity: i64) -> Goods {
        let (quantity, lot) = (quantity.into(), Uuid::from_u128(lot));
        Goods { sku: sku.into(), category: "c".into(), lot, quantity, unit_weight: None, digits: 0 }
    }

    fn rule(code: &str, sku: &str, zone: &str, priority: i32) -> Rule {
        let (code, sku, zone) = (code.into(), sku.into(), zone.into());
        Rule { code, sku, category: String::new(), zone, place: None, priority }
    }

    fn bin(place: i64, zone: &str, most: i64, there: i64) -> Bin {
        let capacity = Capacity { quantity: Some(most.into()), weight_grams: None };
        let fill = Fill { quantity: there.into(), weight_grams: Decimal::ZERO };
        Bin { place, zone: zone.into(), stores: true, capacity, fill }
    }

    fn places(suggestion: &Suggestion) -> Vec<(i64, i64, Reason)> {
        let part = |part: &Part| (part.place, part.quantity.mantissa() as i64, part.reason);
        suggestion.parts.iter().map(part).collect()
    }

    #[test]
    fn the_same_lot_attracts_most_then_the_item_then_emptiness() {
        let mut there = There::default();
        there.add(4, "A", Uuid::from_u128(1));
        there.add(3, "A", Uuid::from_u128(2));
        let bins = vec![bin(1, "Z", 5, 2), bin(2, "Z", 5, 0), bin(3, "Z", 5, 3), bin(4, "Z", 5, 4)];
        let found = suggest(&[goods("A", 1, 12)], &[rule("any", "", "Z", 0)], bins, there);
        let expected = [(4, 1, Reason::SameLot), (3, 2, Reason::SameItem), (2, 5, Reason::Empty), (1, 3, Reason::Room)];
        assert_eq!(places(&found[0]), expected);
        assert_eq!(found[0].left, Decimal::ONE);
    }

    #[test]
    fn priority_decides_before_exactness_and_exactness_before_the_code() {
        let bins = || vec![bin(1, "X", 1, 0), bin(2, "Y", 1, 0), bin(3, "Z", 1, 0)];
        let rules = [rule("b", "", "X", 0), rule("c", "A", "Y", 0), rule("a", "", "Z", 1)];
        let found = suggest(&[goods("A", 1, 3)], &rules, bins(), There::default());
        assert_eq!(found[0].parts.iter().map(|part| part.rule.as_str()).collect::<Vec<_>>(), ["a", "c", "b"]);
        let found = suggest(&[goods("B", 1, 3)], &rules, bins(), There::default());
        assert_eq!((found[0].parts.len(), found[0].left), (2, Decimal::ONE), "the rule of A is not for B");
    }

    #[test]
    fn what_one_lot_takes_is_not_there_for_the_next_and_draws_its_like() {
        let bins = vec![bin(1, "Z", 10, 1), bin(2, "Z", 10, 0)];
        let all = [goods("A", 1, 4), goods("A", 2, 8)];
        let found = suggest(&all, &[rule("any", "", "Z", 0)], bins, There::default());
        assert_eq!(places(&found[0]), [(2, 4, Reason::Empty)]);
        assert_eq!(places(&found[1]), [(2, 6, Reason::SameItem), (1, 2, Reason::Room)]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_no_bin_overflows(
            quantities in prop::collection::vec((0u8..3, 1i64..50), 1..12),
            bins in prop::collection::vec((0u8..2, 1i64..40, 0i64..20), 1..8),
        ) {
            let all: Vec<_> =
                quantities.iter().zip(1..).map(|((sku, n), lot)| goods(&sku.to_string(), lot, *n)).collect();
            let zone = |zone: u8| if zone == 0 { "X" } else { "Y" };
            let bins: Vec<_> = bins.iter().zip(1..).map(|((z, most, n), id)| bin(id, zone(*z), *most, *n)).collect();
            let rules = [rule("x", "0", "X", 1), rule("y", "", "Y", 0)];
            let found = suggest(&all, &rules, bins.clone(), There::default());
            for (one, suggestion) in all.iter().zip(&found) {
                let placed: Decimal = suggestion.parts.iter().map(|part| part.quantity).sum();
                prop_assert_eq!(placed + suggestion.left, one.quantity);
                prop_assert!(suggestion.parts.iter().all(|part| part.quantity > Decimal::ZERO));
            }
            for bin in bins {
                let parts = found.iter().flat_map(|one| &one.parts).filter(|part| part.place == bin.place);
                let added: Decimal = parts.map(|part| part.quantity).sum();
                prop_assert!(added.is_zero() || bin.fill.quantity + added <= bin.capacity.quantity.unwrap());
            }
        }
    }
}
