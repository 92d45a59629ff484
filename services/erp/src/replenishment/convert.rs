//! Policies, levels and calculations in wire form, and back.

use prost::Message as _;
use proto::erp::v1::{
    CalculateSafetyStockRequest, DemandClass, DemandDay, ErpEvent, LevelCalculation, ReplenishmentMethod,
    ReplenishmentPolicy, ReplenishmentTarget, StockBelowReorderPoint, StockLevel, StockRecovered, erp_event::Event,
    replenishment_target::Of,
};
use rust_decimal::Decimal;
use service::Check;
use time::{Date, Duration, OffsetDateTime};
use types::round_half_away;

use super::{
    domain::{COMPANY, Calculation, Class, Level, Method, Policy, Stock, Target},
    queries::ItemView,
    statistics::{Cover, Risk},
};
use crate::{
    demand_history::queries::DayView,
    ledger::convert::{number, quantity},
};

/// Days of history when the policy does not say.
const HISTORY_DAYS: i32 = 365;
/// Quantities are below this.
const MOST: i64 = 1_000_000_000_000;

/// Reads what a policy is for: the target and the code of the warehouse.
pub(super) fn target(check: &mut Check, field: &str, wire: Option<&ReplenishmentTarget>) -> (Target, String) {
    let nowhere = (Target::Category(String::new()), String::new());
    let Some(wire) = wire else {
        check.wrong(field, "is missing");
        return nowhere;
    };
    let warehouse = check.optional_text(&format!("{field}.warehouse"), &wire.warehouse, 32);
    let target = match &wire.of {
        Some(Of::Sku(sku)) => Target::Item(check.text(&format!("{field}.sku"), sku, 1..=64)),
        Some(Of::Category(path)) => Target::Category(check.optional_text(&format!("{field}.category"), path, 200)),
        None => {
            check.wrong(field, "sku or category is needed");
            return nowhere;
        }
    };
    (target, warehouse)
}

/// Reads a decimal within bounds; an empty one is zero.
fn between(check: &mut Check, field: &str, text: &str, most: i64, digits: u32) -> Decimal {
    if text.is_empty() {
        return Decimal::ZERO;
    }
    let value = check.decimal(field, text);
    let fits = value >= Decimal::ZERO && value <= Decimal::from(most) && value.normalize().scale() <= digits;
    check.require(fits, field, format!("must be 0 to {most} with at most {digits} digits"));
    value
}

fn days(check: &mut Check, field: String, value: i32, most: i32) -> i32 {
    check.require((0..=most).contains(&value), field, format!("must be 0 to {most}"));
    value
}

fn service_level(check: &mut Check, field: &str, text: &str) -> Decimal {
    let level = check.decimal(field, text);
    let fits = level >= Decimal::new(5, 1) && level <= Decimal::new(9999, 4);
    check.require(fits, field, "must be 0.5 to 0.9999");
    level
}

/// Reads a policy and the code of its warehouse.
pub(super) fn policy(check: &mut Check, index: usize, wire: &ReplenishmentPolicy) -> (Policy, String) {
    let at = |field: &str| format!("policies[{index}].{field}");
    let (target, warehouse) = target(check, &at("target"), wire.target.as_ref());
    let method = match wire.method() {
        ReplenishmentMethod::Unspecified => {
            check.wrong(at("method"), "is missing");
            Method::None
        }
        ReplenishmentMethod::None => Method::None,
        ReplenishmentMethod::Fixed => Method::Fixed,
        ReplenishmentMethod::MinMax => Method::MinMax,
        ReplenishmentMethod::Statistical => Method::Statistical,
    };
    let mut policy = Policy {
        target,
        warehouse: COMPANY,
        method,
        safety_stock: Decimal::ZERO,
        reorder_point: Decimal::ZERO,
        maximum: None,
        service_level: Decimal::new(95, 2),
        review_days: 0,
        history_days: HISTORY_DAYS,
        lead_time_days: Decimal::ZERO,
        lead_time_sigma_days: Decimal::ZERO,
        cover_days: None,
    };
    match method {
        Method::None => {}
        Method::Fixed => {
            policy.safety_stock = between(check, &at("safety_stock"), &wire.safety_stock, MOST, 6);
            policy.reorder_point = between(check, &at("reorder_point"), &wire.reorder_point, MOST, 6);
            let above = policy.reorder_point >= policy.safety_stock;
            check.require(above, at("reorder_point"), "must not be below the safety stock");
        }
        Method::MinMax => {
            policy.reorder_point = between(check, &at("reorder_point"), &wire.reorder_point, MOST, 6);
            let maximum = between(check, &at("maximum"), &wire.maximum, MOST, 6);
            let above = !wire.maximum.is_empty() && maximum >= policy.reorder_point;
            check.require(above, at("maximum"), "must not be below the minimum");
            policy.maximum = Some(maximum);
        }
        Method::Statistical => statistical(check, index, wire, &mut policy),
    }
    (policy, warehouse)
}

fn statistical(check: &mut Check, index: usize, wire: &ReplenishmentPolicy, policy: &mut Policy) {
    let at = |field: &str| format!("policies[{index}].{field}");
    policy.service_level = service_level(check, &at("service_level"), &wire.service_level);
    policy.review_days = days(check, at("review_days"), wire.review_days, 365);
    policy.lead_time_days = between(check, &at("lead_time_days"), &wire.lead_time_days, 365, 6);
    policy.lead_time_sigma_days = between(check, &at("lead_time_sigma_days"), &wire.lead_time_sigma_days, 365, 6);
    if wire.history_days != 0 {
        check.require((28..=1095).contains(&wire.history_days), at("history_days"), "must be 28 to 1095, or 0");
        policy.history_days = wire.history_days;
    }
    let cover = days(check, at("cover_days"), wire.cover_days, 365);
    policy.cover_days = (cover > 0).then_some(cover);
}

/// What a policy is for in wire form.
pub(super) fn wire_target(target: &Target, warehouse: &str) -> ReplenishmentTarget {
    let of = match target {
        Target::Item(sku) => Of::Sku(sku.clone()),
        Target::Category(path) => Of::Category(path.clone()),
    };
    ReplenishmentTarget { of: Some(of), warehouse: warehouse.to_owned() }
}

fn wire_method(method: Method) -> ReplenishmentMethod {
    match method {
        Method::None => ReplenishmentMethod::None,
        Method::Fixed => ReplenishmentMethod::Fixed,
        Method::MinMax => ReplenishmentMethod::MinMax,
        Method::Statistical => ReplenishmentMethod::Statistical,
    }
}

/// A policy in wire form: only the figures its method knows.
pub(super) fn wire_policy(policy: &Policy, code: &str, changed: (OffsetDateTime, String)) -> ReplenishmentPolicy {
    let of = |methods: &[Method], value: Decimal| {
        if methods.contains(&policy.method) { number(value) } else { String::new() }
    };
    let (fixed, looks_back) = ([Method::Fixed], [Method::Statistical]);
    let statistical = policy.method == Method::Statistical;
    ReplenishmentPolicy {
        target: Some(wire_target(&policy.target, code)),
        method: wire_method(policy.method).into(),
        safety_stock: of(&fixed, policy.safety_stock),
        reorder_point: of(&[Method::Fixed, Method::MinMax], policy.reorder_point),
        maximum: policy.maximum.map(number).unwrap_or_default(),
        service_level: of(&looks_back, policy.service_level),
        review_days: policy.review_days,
        history_days: if statistical { policy.history_days } else { 0 },
        lead_time_days: of(&looks_back, policy.lead_time_days),
        lead_time_sigma_days: of(&looks_back, policy.lead_time_sigma_days),
        cover_days: policy.cover_days.unwrap_or_default(),
        updated_at: Some(proto::to_timestamp(changed.0)),
        updated_by: changed.1,
    }
}

/// A demand class in wire form.
fn wire_class(class: Option<Class>) -> DemandClass {
    match class {
        None => DemandClass::Unspecified,
        Some(Class::Smooth) => DemandClass::Smooth,
        Some(Class::Intermittent) => DemandClass::Intermittent,
        Some(Class::Erratic) => DemandClass::Erratic,
        Some(Class::Lumpy) => DemandClass::Lumpy,
    }
}

/// The stored code of a class asked for.
pub(super) fn class_code(class: DemandClass) -> Option<&'static str> {
    match class {
        DemandClass::Unspecified => None,
        DemandClass::Smooth => Some(Class::Smooth.code()),
        DemandClass::Intermittent => Some(Class::Intermittent.code()),
        DemandClass::Erratic => Some(Class::Erratic.code()),
        DemandClass::Lumpy => Some(Class::Lumpy.code()),
    }
}

fn two(value: Decimal) -> String {
    round_half_away(value, 2).to_string()
}

/// A calculation as it is stored; it looked at the days before `today`.
pub(super) fn stored(found: &Calculation, today: Date) -> Vec<u8> {
    let statistical = found.policy.method == Method::Statistical;
    let mut wire = LevelCalculation {
        formula: found.formula.to_owned(),
        safety_stock: two(found.safety_stock),
        reorder_point: two(found.reorder_point),
        cover_days: found.cover_days,
        note: found.note.clone(),
        demand_class: wire_class(found.class).into(),
        z: found.z.map(number).unwrap_or_default(),
        ..LevelCalculation::default()
    };
    if let Some(history) = found.history {
        wire.history_from = history.begins.map(|day| day.to_string()).unwrap_or_default();
        wire.history_to = (today - Duration::days(1)).to_string();
        (wire.days, wire.excluded_days, wire.demand_days) = (history.days, history.excluded, history.demand_days);
        wire.mean = number(found.mean);
    }
    if let Some(spread) = found.spread {
        (wire.sigma, wire.adi, wire.cv_squared) = (number(spread.sigma), number(spread.adi), number(spread.cv_squared));
    }
    if statistical {
        wire.service_level = number(found.policy.service_level);
        wire.lead_time_days = number(found.policy.lead_time_days);
        wire.lead_time_sigma_days = number(found.policy.lead_time_sigma_days);
        wire.review_days = found.policy.review_days;
    }
    wire.encode_to_vec()
}

/// Reads the figures of a trial.
pub(super) fn trial(check: &mut Check, request: &CalculateSafetyStockRequest) -> Risk {
    let lead_time_days = between(check, "lead_time_days", &request.lead_time_days, 365, 6);
    let review_days = days(check, "review_days".into(), request.review_days, 365);
    Risk {
        mean: between(check, "mean", &request.mean, MOST, 6),
        sigma: between(check, "sigma", &request.sigma, MOST, 6),
        days: lead_time_days + Decimal::from(review_days),
        sigma_days: between(check, "lead_time_sigma_days", &request.lead_time_sigma_days, 365, 6),
        service_level: service_level(check, "service_level", &request.service_level),
    }
}

/// The answer to a trial.
pub(super) fn tried(request: CalculateSafetyStockRequest, risk: &Risk, cover: &Cover) -> LevelCalculation {
    LevelCalculation {
        formula: cover.formula.to_owned(),
        mean: number(risk.mean),
        sigma: number(risk.sigma),
        service_level: number(risk.service_level),
        z: number(cover.z),
        lead_time_days: number(risk.days - Decimal::from(request.review_days)),
        lead_time_sigma_days: number(risk.sigma_days),
        review_days: request.review_days,
        safety_stock: two(cover.safety_stock),
        reorder_point: two(cover.reorder_point),
        ..LevelCalculation::default()
    }
}

/// A level in wire form, with or without its calculation.
pub(super) fn level(item: &ItemView, code: &str, level: &Level, stock: &Stock, whole: bool) -> StockLevel {
    let calculation = level.calculation.as_deref().filter(|_| whole);
    StockLevel {
        sku: item.sku.clone(),
        name: item.name.clone(),
        category: item.category.clone(),
        unit: item.unit.clone(),
        warehouse: code.to_owned(),
        method: wire_method(level.method).into(),
        policy: level.policy.as_ref().map(|policy| wire_target(policy, code)),
        available: number(stock.available),
        backordered: number(stock.backordered),
        on_order: number(stock.on_order),
        position: number(stock.position()),
        safety_stock: level.safety_stock.map(number).unwrap_or_default(),
        reorder_point: level.reorder_point.map(number).unwrap_or_default(),
        maximum: level.maximum.map(number).unwrap_or_default(),
        below: level.below_since.is_some(),
        below_since: level.below_since.map(proto::to_timestamp),
        demand_class: wire_class(level.class).into(),
        calculated_at: level.calculated_at.map(proto::to_timestamp),
        // What was stored by another version and cannot be read is left out, not invented.
        calculation: calculation.and_then(|bytes| LevelCalculation::decode(bytes).ok()),
    }
}

/// A day in wire form.
pub(super) fn day(view: DayView) -> DemandDay {
    DemandDay {
        day: view.day.to_string(),
        wanted: number(view.wanted),
        lines: view.lines,
        shipped: number(view.shipped),
        without_stock: view.without_stock,
    }
}

/// The fact that an item fell to its reorder point; item, code of the warehouse and unit.
pub(super) fn fell(
    (sku, warehouse, unit): (&str, &str, &str),
    level: &Level,
    stock: &Stock,
    at: OffsetDateTime,
) -> ErpEvent {
    let position = stock.position();
    let fact = StockBelowReorderPoint {
        sku: sku.to_owned(),
        warehouse: warehouse.to_owned(),
        position: Some(quantity(position, unit)),
        reorder_point: Some(quantity(level.reorder_point.unwrap_or_default(), unit)),
        safety_stock: Some(quantity(level.safety_stock.unwrap_or_default(), unit)),
        missing: Some(quantity(level.missing(position), unit)),
        at: Some(proto::to_timestamp(at)),
    };
    ErpEvent { event: Some(Event::StockBelowReorderPoint(fact)) }
}

/// The fact that an item has enough again.
pub(super) fn recovered((sku, warehouse, unit): (&str, &str, &str), stock: &Stock, at: OffsetDateTime) -> ErpEvent {
    let fact = StockRecovered {
        sku: sku.to_owned(),
        warehouse: warehouse.to_owned(),
        position: Some(quantity(stock.position(), unit)),
        at: Some(proto::to_timestamp(at)),
    };
    ErpEvent { event: Some(Event::StockRecovered(fact)) }
}
