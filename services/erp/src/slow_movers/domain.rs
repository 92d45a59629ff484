//! Rules, what they find, and what of it is new.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::{Decimal, RoundingStrategy};
use time::OffsetDateTime;

/// A step of a promotion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// From this age on.
    pub min_age_days: i32,
    /// From this cover on.
    pub min_cover_days: i32,
    /// Percent.
    pub discount: Decimal,
}

/// A rule. Its conditions on category, age, cover, value and cost are judged by the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Code.
    pub code: String,
    /// Name for people.
    pub name: String,
    /// Looks for items.
    pub enabled: bool,
    /// Higher goes first.
    pub priority: i32,
    /// Category paths; none for all.
    pub categories: Vec<String>,
    /// Lots of this age on; 0 for any.
    pub min_age_days: i32,
    /// Items whose stock lasts so long; 0 for any.
    pub min_cover_days: i32,
    /// Lots worth at least this.
    pub min_value: Option<Decimal>,
    /// A unit costs at least this.
    pub min_unit_cost: Option<Decimal>,
    /// A unit costs at most this.
    pub max_unit_cost: Option<Decimal>,
    /// Days of demand looked at.
    pub demand_days: i32,
    /// Promotion.
    pub steps: Vec<Step>,
    /// The price may go below cost.
    pub below_cost: bool,
    /// Items with a task at most.
    pub max_tasks: i32,
    /// Optimistic lock.
    pub version: i64,
}

impl Rule {
    /// The highest discount of the steps reached; stock nobody wants lasts for ever.
    #[must_use]
    pub fn discount(&self, age_days: i32, cover_days: Option<Decimal>) -> Option<Decimal> {
        let reached = |step: &&Step| {
            age_days >= step.min_age_days && cover_days.is_none_or(|cover| cover >= Decimal::from(step.min_cover_days))
        };
        self.steps.iter().filter(reached).map(|step| step.discount).max()
    }

    /// The price a promotion must not go below: the mean cost of a unit, rounded up to the minor unit; none when it may.
    #[must_use]
    pub fn floor_price(&self, quantity: Decimal, value: Decimal, digits: u32) -> Option<Decimal> {
        let cost = value.checked_div(quantity).filter(|_| !self.below_cost)?;
        Some(cost.round_dp_with_strategy(digits, RoundingStrategy::ToPositiveInfinity))
    }
}

/// A lot a rule found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lot {
    /// Number.
    pub number: String,
    /// Quantity.
    pub quantity: Decimal,
    /// Value.
    pub value: Decimal,
    /// Days since it came in.
    pub age_days: i32,
}

/// An item a rule found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Item.
    pub sku: String,
    /// Code of the rule.
    pub rule: String,
    /// Quantity of the lots.
    pub quantity: Decimal,
    /// Value of the lots.
    pub value: Decimal,
    /// Age of the oldest.
    pub age_days: i32,
    /// Days the stock lasts; none when nobody wants it.
    pub cover_days: Option<Decimal>,
    /// Mean daily demand.
    pub daily_demand: Decimal,
    /// Lots, oldest first.
    pub lots: Vec<Lot>,
}

/// What is remembered of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slow {
    /// Rule that found it; none while it moves.
    pub rule: Option<String>,
    /// Quantity of the lots.
    pub quantity: Decimal,
    /// Their value.
    pub value: Decimal,
    /// Age of the oldest.
    pub age_days: i32,
    /// Days the stock lasts; none when nobody wants it.
    pub cover_days: Option<Decimal>,
    /// Mean daily demand.
    pub daily_demand: Decimal,
    /// Proposed discount.
    pub discount: Option<Decimal>,
    /// Price not to go below.
    pub floor_price: Option<Decimal>,
    /// One of those with a task.
    pub with_task: bool,
    /// Since when it is as it is: slow, or moving.
    pub since: OffsetDateTime,
    /// Number of events so far.
    pub version: i64,
}

/// Which of the items found by a rule get a task: those that have one, then the most valuable, as many as the rule says.
fn with_task<'a>(rules: &[Rule], found: &'a [Found], before: &BTreeMap<String, Slow>) -> BTreeSet<&'a str> {
    let mut chosen = BTreeSet::new();
    for rule in rules {
        let had = |one: &Found| {
            before.get(&one.sku).is_some_and(|slow| slow.with_task && slow.rule.as_ref() == Some(&rule.code))
        };
        let mut of_rule: Vec<_> = found.iter().filter(|one| one.rule == rule.code).collect();
        of_rule.sort_by(|a, b| had(b).cmp(&had(a)).then(b.value.cmp(&a.value)).then(a.sku.cmp(&b.sku)));
        let most = usize::try_from(rule.max_tasks).unwrap_or_default();
        chosen.extend(of_rule.into_iter().take(most).map(|one| one.sku.as_str()));
    }
    chosen
}

/// What an evaluation changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Rows to write, by item.
    pub changed: BTreeMap<String, Slow>,
    /// Of them those to be told of.
    pub told: BTreeSet<String>,
    /// Items that are slow now.
    pub slow: usize,
    /// Of them those that were not.
    pub became_slow: usize,
    /// Items that move again.
    pub moving_again: usize,
}

/// Compares what was found with what is remembered. Told is what became slow or moves again, what another rule found,
/// and whose turn for a task came or went.
#[must_use]
pub fn compare(
    rules: &[Rule],
    found: &[Found],
    before: &BTreeMap<String, Slow>,
    digits: u32,
    now: OffsetDateTime,
) -> Outcome {
    let tasks = with_task(rules, found, before);
    let by_code: BTreeMap<_, _> = rules.iter().map(|rule| (rule.code.as_str(), rule)).collect();
    let mut outcome = Outcome { slow: found.len(), ..Outcome::default() };
    for one in found {
        let Some(rule) = by_code.get(one.rule.as_str()) else { continue };
        let old = before.get(&one.sku);
        let was_slow = old.is_some_and(|old| old.rule.is_some());
        outcome.became_slow += usize::from(!was_slow);
        let new = Slow {
            rule: Some(one.rule.clone()),
            quantity: one.quantity,
            value: one.value,
            age_days: one.age_days,
            cover_days: one.cover_days,
            daily_demand: one.daily_demand,
            discount: rule.discount(one.age_days, one.cover_days),
            floor_price: rule.floor_price(one.quantity, one.value, digits),
            with_task: tasks.contains(one.sku.as_str()),
            since: old.filter(|_| was_slow).map_or(now, |old| old.since),
            version: old.map_or(0, |old| old.version),
        };
        outcome.note(&one.sku, old, new);
    }
    let slow: BTreeSet<_> = found.iter().map(|one| one.sku.as_str()).collect();
    for (sku, old) in before.iter().filter(|(sku, old)| old.rule.is_some() && !slow.contains(sku.as_str())) {
        outcome.moving_again += 1;
        let moving = Slow {
            rule: None,
            quantity: Decimal::ZERO,
            value: Decimal::ZERO,
            discount: None,
            floor_price: None,
            with_task: false,
            since: now,
            ..old.clone()
        };
        outcome.note(sku, Some(old), moving);
    }
    outcome
}

impl Outcome {
    fn note(&mut self, sku: &str, old: Option<&Slow>, mut new: Slow) {
        if old.is_none_or(|old| (&old.rule, old.with_task) != (&new.rule, new.with_task)) {
            new.version += 1;
            self.told.insert(sku.to_owned());
        }
        if old != Some(&new) {
            self.changed.insert(sku.to_owned(), new);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rust_decimal::dec;

    use super::*;

    fn rule(code: &str, max_tasks: i32) -> Rule {
        let step = |min_age_days, min_cover_days, discount| Step { min_age_days, min_cover_days, discount };
        Rule {
            code: code.into(),
            name: code.into(),
            enabled: true,
            priority: 1,
            categories: Vec::new(),
            min_age_days: 90,
            min_cover_days: 0,
            min_value: None,
            min_unit_cost: None,
            max_unit_cost: None,
            demand_days: 90,
            steps: vec![step(90, 0, dec!(10)), step(180, 0, dec!(25)), step(90, 365, dec!(15))],
            below_cost: false,
            max_tasks,
            version: 1,
        }
    }

    fn found(sku: &str, rule: &str, value: i64) -> Found {
        Found {
            sku: sku.into(),
            rule: rule.into(),
            quantity: dec!(3),
            value: value.into(),
            age_days: 100,
            cover_days: Some(dec!(50)),
            daily_demand: dec!(0.06),
            lots: Vec::new(),
        }
    }

    fn at(day: i64) -> OffsetDateTime {
        OffsetDateTime::UNIX_EPOCH + time::Duration::days(day)
    }

    #[test]
    fn the_highest_discount_of_the_steps_reached_is_proposed_and_cost_is_the_floor() {
        let rule = rule("old", 1);
        assert_eq!(rule.discount(80, Some(dec!(10))), None);
        assert_eq!(rule.discount(90, Some(dec!(364.9))), Some(dec!(10)));
        assert_eq!(rule.discount(100, Some(dec!(365))), Some(dec!(15)));
        assert_eq!(rule.discount(100, None), Some(dec!(15)), "nobody wants it");
        assert_eq!(rule.discount(180, None), Some(dec!(25)));
        assert_eq!(rule.floor_price(dec!(3), dec!(10), 2), Some(dec!(3.34)), "never under cost, so up");
        assert_eq!(Rule { below_cost: true, ..rule }.floor_price(dec!(3), dec!(10), 2), None);
    }

    #[test]
    fn only_changes_are_told() {
        let rules = [rule("old", 1), rule("dead", 0)];
        let first = compare(&rules, &[found("A", "old", 10), found("B", "old", 20)], &BTreeMap::new(), 2, at(0));
        assert_eq!((first.slow, first.became_slow, first.told.len()), (2, 2, 2));
        assert!(first.changed["B"].with_task && !first.changed["A"].with_task, "the more valuable");
        let again = compare(&rules, &[found("A", "old", 30), found("B", "old", 20)], &first.changed, 2, at(1));
        assert!(again.told.is_empty() && again.changed.len() == 1, "a task stays with its item: {again:?}");
        assert_eq!(again.changed["A"].since, at(0));
        let mut known = first.changed.clone();
        known.extend(again.changed);
        let gone = compare(&rules, &[found("A", "old", 30)], &known, 2, at(2));
        assert_eq!((gone.moving_again, gone.told.len()), (1, 2), "B moves, and it is A's turn");
        assert!(gone.changed["A"].with_task && gone.changed["B"].rule.is_none());
        known.extend(gone.changed);
        let other = compare(&rules, &[found("A", "dead", 30)], &known, 2, at(3));
        assert_eq!(other.told.len(), 1);
        assert!(!other.changed["A"].with_task && other.changed["A"].since == at(0));
        assert_eq!((other.changed["A"].version, known["B"].version), (3, 2));
    }

    proptest! {
        #[test]
        fn evaluating_twice_tells_nothing_new_and_tasks_stay_bounded(
            rounds in prop::collection::vec(prop::collection::btree_map(0..20_u8, (any::<bool>(), 1i64..100), 0..15), 1..8),
            most in 0..6_i32,
        ) {
            let rules = [rule("a", most), rule("b", most)];
            let mut known = BTreeMap::new();
            for (day, items) in (0..).zip(rounds) {
                let found: Vec<_> = items.iter()
                    .map(|(sku, (a, value))| found(&sku.to_string(), if *a { "a" } else { "b" }, *value)).collect();
                let versions: BTreeMap<_, _> = known.iter().map(|(sku, slow): (&String, &Slow)| (sku.clone(), slow.version)).collect();
                let outcome = compare(&rules, &found, &known, 2, at(day));
                known.extend(outcome.changed.clone());
                for (sku, slow) in &known {
                    let told = i64::from(outcome.told.contains(sku));
                    prop_assert_eq!(slow.version, versions.get(sku).copied().unwrap_or_default() + told);
                }
                for rule in &rules {
                    let of_rule = found.iter().filter(|one| one.rule == rule.code).count();
                    let tasks = known.values().filter(|slow| slow.with_task && slow.rule.as_ref() == Some(&rule.code)).count();
                    prop_assert_eq!(tasks, of_rule.min(usize::try_from(most).unwrap()));
                }
                let again = compare(&rules, &found, &known, 2, at(day + 1));
                prop_assert!(again.told.is_empty() && again.changed.is_empty() && again.became_slow == 0 && again.moving_again == 0);
            }
        }
    }
}
