//! Rules and slow items in wire form, and back.

use std::collections::BTreeMap;

use proto::{
    common::v1::Money,
    erp::v1::{
        DiscountStep, ErpEvent, ItemMovingAgain, ItemSlowMoving, SlowLot, SlowMover, SlowMoverRule, SlowMoverTotal,
        SummarizeSlowMoversResponse, erp_event::Event,
    },
};
use rust_decimal::Decimal;
use service::Check;
use time::{Date, OffsetDateTime};
use types::{Currency, round_half_away};

use super::{
    domain::{Rule, Slow, Step},
    queries::SlowView,
    store::RuleRow,
};
use crate::ledger::convert::{money, number, quantity};

/// Days of demand looked at when the rule does not say.
const DEMAND_DAYS: i32 = 90;
/// Ages and covers are below this: a hundred years.
const LONGEST: i32 = 36_500;
/// Totals listed at most.
const TOTALS: usize = 1000;

/// Whether a text can be the code of a rule.
pub(super) fn is_code(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=40).contains(&text.len()) && text.bytes().all(plain)
}

fn days(check: &mut Check, field: &str, value: i32) -> i32 {
    check.require((0..=LONGEST).contains(&value), field, format!("must be 0 to {LONGEST}"));
    value
}

fn amount(check: &mut Check, field: &str, wire: &Option<Money>, currency: Currency) -> Option<Decimal> {
    let given = check.optional_money(field, wire)?;
    check.require(given.currency == currency, field, format!("must be in {}", currency.code()));
    check.require(!given.is_negative(), field, "must not be negative");
    Some(given.amount)
}

/// Reads a rule.
pub(super) fn rule(check: &mut Check, wire: Option<&SlowMoverRule>, currency: Currency) -> Rule {
    let nothing = SlowMoverRule::default();
    check.require(wire.is_some(), "rule", "is missing");
    let wire = wire.unwrap_or(&nothing);
    check.require(is_code(&wire.code), "rule.code", "must be 1 to 40 lower-case letters, digits or _");
    check.require((0..=1000).contains(&wire.priority), "rule.priority", "must be 0 to 1000");
    check.len("rule.categories", wire.categories.len(), 0..=50);
    let categories = wire.categories.iter().take(50).enumerate();
    let categories =
        categories.map(|(index, path)| check.text(&format!("rule.categories[{index}]"), path, 1..=200)).collect();
    let demand_days = if wire.demand_days == 0 { DEMAND_DAYS } else { wire.demand_days };
    check.require((7..=1095).contains(&demand_days), "rule.demand_days", "must be 7 to 1095, or 0");
    check.len("rule.steps", wire.steps.len(), 0..=20);
    let steps = wire.steps.iter().take(20).enumerate().map(|(index, wire)| step(check, index, wire)).collect();
    check.require((0..=500).contains(&wire.max_tasks), "rule.max_tasks", "must be 0 to 500");
    check.require(wire.version >= 0, "rule.version", "must not be negative");
    Rule {
        code: wire.code.clone(),
        name: check.text("rule.name", &wire.name, 1..=200),
        enabled: wire.enabled,
        priority: wire.priority,
        categories,
        min_age_days: days(check, "rule.min_age_days", wire.min_age_days),
        min_cover_days: days(check, "rule.min_cover_days", wire.min_cover_days),
        min_value: amount(check, "rule.min_value", &wire.min_value, currency),
        min_unit_cost: amount(check, "rule.min_unit_cost", &wire.min_unit_cost, currency),
        max_unit_cost: amount(check, "rule.max_unit_cost", &wire.max_unit_cost, currency),
        demand_days,
        steps,
        below_cost: wire.below_cost,
        max_tasks: wire.max_tasks,
        version: wire.version,
    }
}

fn step(check: &mut Check, index: usize, wire: &DiscountStep) -> Step {
    let at = |field: &str| format!("rule.steps[{index}].{field}");
    let discount = check.decimal(&at("discount_percent"), &wire.discount_percent);
    let fits = discount > Decimal::ZERO && discount <= Decimal::ONE_HUNDRED && discount.normalize().scale() <= 2;
    check.require(fits, at("discount_percent"), "must be above 0 and at most 100, with at most two digits");
    Step {
        min_age_days: days(check, &at("min_age_days"), wire.min_age_days),
        min_cover_days: days(check, &at("min_cover_days"), wire.min_cover_days),
        discount,
    }
}

/// A rule in wire form.
pub(super) fn wire_rule(row: RuleRow, currency: Currency) -> SlowMoverRule {
    let rule = row.rule();
    let amount = |value: Option<Decimal>| value.map(|value| types::Money::new(value, currency).into());
    let step = |step: Step| DiscountStep {
        min_age_days: step.min_age_days,
        min_cover_days: step.min_cover_days,
        discount_percent: number(step.discount),
    };
    SlowMoverRule {
        code: rule.code,
        name: rule.name,
        enabled: rule.enabled,
        priority: rule.priority,
        categories: rule.categories,
        min_age_days: rule.min_age_days,
        min_cover_days: rule.min_cover_days,
        min_value: amount(rule.min_value),
        min_unit_cost: amount(rule.min_unit_cost),
        max_unit_cost: amount(rule.max_unit_cost),
        demand_days: rule.demand_days,
        steps: rule.steps.into_iter().map(step).collect(),
        below_cost: rule.below_cost,
        max_tasks: rule.max_tasks,
        version: rule.version,
        updated_at: Some(proto::to_timestamp(row.updated_at)),
        updated_by: row.updated_by,
    }
}

/// Days as shown: one digit.
fn one_digit(value: Decimal) -> String {
    number(round_half_away(value, 1))
}

/// A slow item in wire form; values only for those who may see them.
pub(super) fn slow_mover(view: SlowView, shown: Option<Currency>) -> SlowMover {
    let worth = |value: Decimal| shown.map(|currency| money(value, currency));
    let figures = view.lot_quantities.into_iter().zip(view.lot_values).zip(view.lot_ages);
    let lots = view.lots.into_iter().zip(figures).map(|(lot, ((quantity, value), age_days))| SlowLot {
        lot,
        quantity: number(quantity),
        value: worth(value),
        age_days,
    });
    SlowMover {
        lots: lots.collect(),
        sku: view.sku,
        name: view.name,
        category: view.category,
        unit: view.unit,
        rule: view.rule,
        quantity: number(view.quantity),
        value: worth(view.value),
        age_days: view.age_days,
        cover_days: view.cover_days.map(one_digit).unwrap_or_default(),
        daily_demand: number(view.daily_demand),
        discount_percent: view.discount_percent.map(number).unwrap_or_default(),
        floor_price: view.floor_price.and_then(worth),
        since: Some(proto::to_timestamp(view.since)),
        with_task: view.with_task,
    }
}

/// Totals in wire form; values only for those who may see them.
pub(super) fn summary(
    totals: Vec<(String, String, i64, Decimal)>,
    shown: Option<Currency>,
    evaluated_on: Option<Date>,
) -> SummarizeSlowMoversResponse {
    let count = |items: i64| i32::try_from(items).unwrap_or(i32::MAX);
    let worth = |value: Decimal| shown.map(|currency| money(value, currency));
    let items = count(totals.iter().map(|(_, _, items, _)| items).sum());
    let value = worth(totals.iter().map(|(_, _, _, value)| *value).sum());
    let total =
        |(rule, category, items, value)| SlowMoverTotal { rule, category, items: count(items), value: worth(value) };
    SummarizeSlowMoversResponse {
        totals: totals.into_iter().take(TOTALS).map(total).collect(),
        items,
        value,
        evaluated_on: evaluated_on.map(|day| day.to_string()).unwrap_or_default(),
    }
}

/// The fact of an item as it is now; names of rules by code.
pub(super) fn fact(
    sku: &str,
    slow: &Slow,
    (unit, names): (&str, &BTreeMap<&str, &str>),
    at: OffsetDateTime,
) -> ErpEvent {
    let event = match &slow.rule {
        None => Event::ItemMovingAgain(ItemMovingAgain { sku: sku.to_owned(), at: Some(proto::to_timestamp(at)) }),
        Some(rule) => Event::ItemSlowMoving(ItemSlowMoving {
            sku: sku.to_owned(),
            rule: rule.clone(),
            rule_name: names.get(rule.as_str()).copied().unwrap_or_default().to_owned(),
            quantity: Some(quantity(slow.quantity, unit)),
            age_days: slow.age_days,
            cover_days: slow.cover_days.map(one_digit).unwrap_or_default(),
            discount_percent: number(slow.discount.unwrap_or_default()),
            with_task: slow.with_task,
            since: Some(proto::to_timestamp(slow.since)),
        }),
    };
    ErpEvent { event: Some(event) }
}
