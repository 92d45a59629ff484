//! What goes into a kit, which lots are taken, and what the parts of a kit are worth.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use time::Date;
use types::split_largest_remainder;
use uuid::Uuid;

use crate::ledger::domain::Place;

/// A component of a kit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    /// Item.
    pub sku: String,
    /// How much goes into one kit, above zero.
    pub quantity: Decimal,
    /// Unit code of the quantity.
    pub unit: String,
    /// Share of the kit's value, relative to the others'.
    pub weight: Decimal,
}

/// What a kit is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kit {
    /// Item of the kit.
    pub sku: String,
    /// Components, each item once.
    pub components: Vec<Component>,
    /// Number of the last change.
    pub version: i64,
}

impl Kit {
    /// Items of the kit and its components.
    #[must_use]
    pub fn skus(&self) -> BTreeSet<String> {
        self.components.iter().map(|one| one.sku.clone()).chain([self.sku.clone()]).collect()
    }

    /// What so many kits need of each component.
    #[must_use]
    pub fn needs(&self, kits: Decimal) -> Vec<(String, Decimal)> {
        self.components.iter().map(|one| (one.sku.clone(), one.quantity * kits)).collect()
    }

    /// A kit's value over its components by their weights, in the minor unit's digits; adds up exactly.
    #[must_use]
    pub fn split(&self, value: Decimal, digits: u32) -> Vec<Decimal> {
        let weights: Vec<_> = self.components.iter().map(|one| one.weight).collect();
        split_largest_remainder(value, &weights, digits)
    }
}

/// The free part of a lot in a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Free {
    /// Item.
    pub sku: String,
    /// Lot.
    pub lot: Uuid,
    /// Lot number.
    pub number: String,
    /// Last day of use.
    pub expires_on: Option<Date>,
    /// Where it lies.
    pub place: Place,
    /// Code of the place.
    pub place_code: String,
    /// How much is free, above zero.
    pub quantity: Decimal,
}

/// A lot that was named to be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Item.
    pub sku: String,
    /// Lot number.
    pub lot: String,
    /// Unit code of the quantity.
    pub unit: String,
    /// How much.
    pub quantity: Decimal,
}

/// Why the components cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Less is free than needed: item, missing quantity.
    Missing(Vec<(String, Decimal)>),
    /// Less of a lot is free than was named.
    LotTooSmall {
        /// Item.
        sku: String,
        /// Lot number.
        lot: String,
        /// What is free of it.
        free: Decimal,
    },
    /// What was named of a component is not what is needed: item, needed quantity.
    NotInFull(String, Decimal),
    /// What was named is no component.
    NoComponent(String),
}

/// Takes up to `quantity` of an item (and lot) from what is free, in its order. Says what is missing.
fn take(free: &mut [Free], sku: &str, lot: Option<&str>, quantity: Decimal) -> (Vec<Free>, Decimal) {
    let (mut taken, mut left) = (Vec::new(), quantity);
    for one in free.iter_mut().filter(|one| one.sku == sku && lot.is_none_or(|lot| one.number == lot)) {
        let part = one.quantity.min(left);
        if part > Decimal::ZERO {
            one.quantity -= part;
            left -= part;
            taken.push(Free { quantity: part, ..one.clone() });
        }
    }
    (taken, left)
}

/// Which lots cover the needs: those named, otherwise what is free in its order (first to expire first).
///
/// # Errors
/// Everything that is missing, or the first lot named wrongly.
pub fn choose(needs: &[(String, Decimal)], mut free: Vec<Free>, named: &[Named]) -> Result<Vec<Free>, Refusal> {
    let stranger = named.iter().find(|one| !needs.iter().any(|(sku, _)| *sku == one.sku));
    if let Some(stranger) = stranger {
        return Err(Refusal::NoComponent(stranger.sku.clone()));
    }
    let (mut taken, mut missing) = (Vec::new(), Vec::new());
    for (sku, need) in needs {
        let lots: Vec<_> = named.iter().filter(|one| one.sku == *sku).collect();
        if lots.is_empty() {
            let (parts, left) = take(&mut free, sku, None, *need);
            taken.extend(parts);
            if left > Decimal::ZERO {
                missing.push((sku.clone(), left));
            }
            continue;
        }
        if lots.iter().map(|one| one.quantity).sum::<Decimal>() != *need {
            return Err(Refusal::NotInFull(sku.clone(), *need));
        }
        for one in lots {
            let (parts, left) = take(&mut free, sku, Some(&one.lot), one.quantity);
            if left > Decimal::ZERO {
                let (sku, lot, free) = (sku.clone(), one.lot.clone(), one.quantity - left);
                return Err(Refusal::LotTooSmall { sku, lot, free });
            }
            taken.extend(parts);
        }
    }
    if missing.is_empty() { Ok(taken) } else { Err(Refusal::Missing(missing)) }
}

/// The first day on which any of the parts is no longer of use; none when none expires.
#[must_use]
pub fn earliest(parts: &[Free]) -> Option<Date> {
    parts.iter().filter_map(|part| part.expires_on).min()
}

/// Which item a lot named for a component goes by: each component at most once, and nothing else.
///
/// # Errors
/// The first that is no component, or named twice.
pub fn named_once<'a>(kit: &Kit, named: &'a [(String, String)]) -> Result<BTreeMap<&'a str, &'a str>, String> {
    let mut lots = BTreeMap::new();
    for (sku, lot) in named {
        let component = kit.components.iter().any(|one| one.sku == *sku);
        if !component || lots.insert(sku.as_str(), lot.as_str()).is_some() {
            return Err(sku.clone());
        }
    }
    Ok(lots)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::domain::PlaceKind;
    use proptest::prelude::*;
    use rust_decimal::dec;
    use time::macros::date;

    fn free(sku: &str, number: &str, quantity: i64) -> Free {
        Free {
            sku: sku.into(),
            lot: Uuid::new_v5(&Uuid::NAMESPACE_OID, number.as_bytes()),
            number: number.into(),
            expires_on: None,
            place: Place { id: 100, kind: PlaceKind::Stock },
            place_code: "MAIN/DEFAULT".into(),
            quantity: quantity.into(),
        }
    }

    fn name(sku: &str, lot: &str, quantity: i64) -> Named {
        Named { sku: sku.into(), lot: lot.into(), unit: "pcs".into(), quantity: quantity.into() }
    }

    fn kit(weights: &[i64]) -> Kit {
        let component = |(n, weight): (usize, &i64)| Component {
            sku: n.to_string(),
            quantity: dec!(1),
            unit: "pcs".into(),
            weight: (*weight).into(),
        };
        Kit { sku: "K".into(), components: weights.iter().enumerate().map(component).collect(), version: 1 }
    }

    #[test]
    fn everything_missing_is_told_at_once() {
        let needs = [("A".to_owned(), dec!(5)), ("B".to_owned(), dec!(2)), ("C".to_owned(), dec!(1))];
        let refused = choose(&needs, vec![free("A", "1", 3), free("C", "1", 1)], &[]).unwrap_err();
        assert_eq!(refused, Refusal::Missing(vec![("A".into(), dec!(2)), ("B".into(), dec!(2))]));
    }

    #[test]
    fn a_component_that_is_named_is_named_in_full() {
        let needs = [("A".to_owned(), dec!(5)), ("B".to_owned(), dec!(1))];
        let there = || vec![free("A", "1", 3), free("A", "2", 4), free("B", "1", 1)];
        let taken = choose(&needs, there(), &[name("A", "2", 4), name("A", "1", 1)]).unwrap();
        let taken: Vec<_> = taken.iter().map(|one| (one.number.as_str(), one.quantity)).collect();
        assert_eq!(taken, [("2", dec!(4)), ("1", dec!(1)), ("1", dec!(1))]);
        let refuse = |named: &[Named]| choose(&needs, there(), named).unwrap_err();
        assert_eq!(refuse(&[name("A", "2", 4)]), Refusal::NotInFull("A".into(), dec!(5)));
        assert_eq!(
            refuse(&[name("A", "2", 5)]),
            Refusal::LotTooSmall { sku: "A".into(), lot: "2".into(), free: dec!(4) }
        );
        assert_eq!(refuse(&[name("Z", "2", 5)]), Refusal::NoComponent("Z".into()));
    }

    #[test]
    fn a_kit_lives_as_long_as_its_shortest_lived_part() {
        let part = |expires_on| Free { expires_on, ..free("A", "1", 1) };
        let parts = [part(None), part(Some(date!(2027 - 01 - 01))), part(Some(date!(2026 - 06 - 01)))];
        assert_eq!(earliest(&parts), Some(date!(2026 - 06 - 01)));
        assert_eq!(earliest(&parts[..1]), None);
    }

    #[test]
    fn one_rouble_over_three_equal_parts_loses_nothing() {
        assert_eq!(kit(&[1, 1, 1]).split(dec!(1.00), 2), [dec!(0.34), dec!(0.33), dec!(0.33)]);
        assert_eq!(kit(&[3, 1, 0]).split(dec!(10.01), 2), [dec!(7.51), dec!(2.50), dec!(0.00)]);
    }

    proptest! {
        #[test]
        fn the_parts_are_worth_the_kit(value in 0i64..10_000_000, weights in prop::collection::vec(0i64..1000, 1..20)) {
            let value = Decimal::new(value, 2);
            let parts = kit(&weights).split(value, 2);
            prop_assert_eq!(parts.iter().sum::<Decimal>(), value);
            prop_assert!(parts.iter().all(|part| *part >= Decimal::ZERO));
        }

        #[test]
        fn exactly_what_is_needed_is_taken_and_never_more_than_is_free(
            lots in prop::collection::vec((0usize..3, 1i64..20), 0..12), needs in prop::collection::vec(1i64..30, 1..4),
        ) {
            let skus = ["A", "B", "C"];
            let there: Vec<_> =
                lots.iter().enumerate().map(|(n, (sku, quantity))| free(skus[*sku], &n.to_string(), *quantity)).collect();
            let needs: Vec<_> = needs.iter().zip(skus).map(|(need, sku)| (sku.to_owned(), Decimal::from(*need))).collect();
            let sum = |sku: &str, of: &[Free]| of.iter().filter(|one| one.sku == sku).map(|one| one.quantity).sum::<Decimal>();
            match choose(&needs, there.clone(), &[]) {
                Ok(taken) => {
                    for (sku, need) in &needs {
                        prop_assert_eq!(sum(sku, &taken), *need);
                    }
                    for part in &taken {
                        let of = there.iter().find(|one| one.number == part.number).unwrap();
                        prop_assert!(part.quantity <= of.quantity);
                    }
                }
                Err(Refusal::Missing(missing)) => {
                    for (sku, left) in missing {
                        let need = needs.iter().find(|(one, _)| *one == sku).unwrap().1;
                        prop_assert_eq!(need - sum(&sku, &there), left);
                        prop_assert!(left > Decimal::ZERO);
                    }
                }
                Err(other) => prop_assert!(false, "{other:?}"),
            }
        }
    }
}
