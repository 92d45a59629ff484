//! Policies, the level that follows from one, and when an item crosses it.

mod class;

use std::collections::HashMap;

use rust_decimal::{Decimal, RoundingStrategy};
use time::OffsetDateTime;
use types::Unit;
use uuid::Uuid;

pub use class::Class;

use super::statistics::{Cover, Risk, Shape, Spread, classify, cover, spread};
use crate::demand_history::domain::History;

/// The company as a whole, where a warehouse is asked for.
pub const COMPANY: Uuid = Uuid::nil();

/// Fewer days of history say too little.
pub const ENOUGH_DAYS: i32 = 28;
/// Demand on fewer days says too little.
pub const ENOUGH_DEMAND: i32 = 4;
/// From so many days on the sum of uneven days is even enough to be called normal.
const LONG_DAYS: i64 = 14;
/// Days of cover when no policy says any.
const COVER_DAYS: i32 = 14;

/// How a policy finds the reorder point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    /// Not at all.
    #[default]
    None,
    /// Given.
    Fixed,
    /// At the minimum up to the maximum.
    MinMax,
    /// From service level, history and lead time.
    Statistical,
}

impl Method {
    /// The stored code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Fixed => "fixed",
            Self::MinMax => "min_max",
            Self::Statistical => "statistical",
        }
    }

    /// Reads the stored code.
    #[must_use]
    pub fn parse(code: &str) -> Self {
        [Self::Fixed, Self::MinMax, Self::Statistical]
            .into_iter()
            .find(|method| method.code() == code)
            .unwrap_or_default()
    }
}

/// Which items a policy is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    /// All of a category path and below; the empty path is all items.
    Category(String),
    /// One.
    Item(String),
}

impl Target {
    /// The stored code of the kind.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Category(_) => "category",
            Self::Item(_) => "item",
        }
    }

    /// Category path or sku.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Category(name) | Self::Item(name) => name,
        }
    }

    /// Reads what is stored.
    #[must_use]
    pub fn parse(kind: &str, name: String) -> Self {
        if kind == "item" { Self::Item(name) } else { Self::Category(name) }
    }
}

/// A policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// For what.
    pub target: Target,
    /// Where; [`COMPANY`] for everywhere together.
    pub warehouse: Uuid,
    /// How.
    pub method: Method,
    /// Fixed: safety stock.
    pub safety_stock: Decimal,
    /// Fixed: reorder point; min/max: minimum.
    pub reorder_point: Decimal,
    /// Min/max: maximum.
    pub maximum: Option<Decimal>,
    /// Probability that a cycle does not run out.
    pub service_level: Decimal,
    /// Days between two looks.
    pub review_days: i32,
    /// Days of history looked at.
    pub history_days: i32,
    /// Mean lead time.
    pub lead_time_days: Decimal,
    /// Its standard deviation.
    pub lead_time_sigma_days: Decimal,
    /// Days of cover while there is too little history; none leaves it to the next wider policy.
    pub cover_days: Option<i32>,
}

/// Policies, by what they are for and where.
#[derive(Clone, Debug, Default)]
pub struct Policies(HashMap<(Target, Uuid), Policy>);

impl FromIterator<Policy> for Policies {
    fn from_iter<T: IntoIterator<Item = Policy>>(policies: T) -> Self {
        Self(policies.into_iter().map(|policy| ((policy.target.clone(), policy.warehouse), policy)).collect())
    }
}

impl Policies {
    /// The policies for an item in a warehouse, the most specific first: its own, then from the deepest category up.
    #[must_use]
    pub fn of(&self, sku: &str, category: &str, warehouse: Uuid) -> Vec<&Policy> {
        let mut targets = vec![Target::Item(sku.to_owned())];
        let mut path = category;
        while !path.is_empty() {
            targets.push(Target::Category(path.to_owned()));
            path = path.rsplit_once('/').map_or("", |(above, _)| above);
        }
        targets.push(Target::Category(String::new()));
        targets.into_iter().filter_map(|target| self.0.get(&(target, warehouse))).collect()
    }
}

/// How a level was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calculation {
    /// Name of the formula.
    pub formula: &'static str,
    /// The policy's figures.
    pub policy: Policy,
    /// What was wanted; none when the formula does not ask.
    pub history: Option<History>,
    /// How it was spread.
    pub spread: Option<Spread>,
    /// Its class.
    pub class: Option<Class>,
    /// Mean demand of a day.
    pub mean: Decimal,
    /// Quantile of the service level.
    pub z: Option<Decimal>,
    /// Days of cover used; 0 when not.
    pub cover_days: i32,
    /// Safety stock before rounding.
    pub safety_stock: Decimal,
    /// Reorder point before rounding.
    pub reorder_point: Decimal,
    /// Why not better.
    pub note: String,
}

impl Calculation {
    fn given(formula: &'static str, policy: &Policy) -> Self {
        Self {
            formula,
            policy: policy.clone(),
            history: None,
            spread: None,
            class: None,
            mean: Decimal::ZERO,
            z: None,
            cover_days: 0,
            safety_stock: policy.safety_stock,
            reorder_point: policy.reorder_point,
            note: String::new(),
        }
    }

    /// A quantity of stock, rounded up to what the unit can be counted in.
    #[must_use]
    pub fn in_unit(value: Decimal, unit: Unit) -> Decimal {
        value.round_dp_with_strategy(unit.digits(), RoundingStrategy::ToPositiveInfinity).normalize()
    }
}

/// The calculation for an item whose policies are given, the most specific first; none when it is not watched.
#[must_use]
pub fn calculate(policies: &[&Policy], history: &History, unit: Unit) -> Option<Calculation> {
    let policy = *policies.first()?;
    match policy.method {
        Method::None => None,
        Method::Fixed => Some(Calculation::given("fixed", policy)),
        Method::MinMax => Some(Calculation::given("min_max", policy)),
        Method::Statistical => {
            let known = spread(history);
            let enough = history.days >= ENOUGH_DAYS && history.demand_days >= ENOUGH_DEMAND;
            Some(match known.filter(|_| enough) {
                Some(known) => by_history(policy, history, known, unit),
                None => by_days_of_cover(policies, policy, history),
            })
        }
    }
}

/// The risk a policy has to cover with a demand.
#[must_use]
pub fn risk(policy: &Policy, mean: Decimal, sigma: Decimal) -> Risk {
    Risk {
        mean,
        sigma,
        days: policy.lead_time_days + Decimal::from(policy.review_days),
        sigma_days: policy.lead_time_sigma_days,
        service_level: policy.service_level,
    }
}

fn by_history(policy: &Policy, history: &History, spread: Spread, unit: Unit) -> Calculation {
    let class = classify(&spread);
    let risk = risk(policy, spread.mean, spread.sigma);
    let shape = match class {
        Class::Smooth => Shape::Normal,
        Class::Erratic if risk.days >= Decimal::from(LONG_DAYS) => Shape::Normal,
        _ if unit.digits() == 0 => Shape::Counts,
        _ => Shape::Amounts,
    };
    let Cover { formula, z, safety_stock, reorder_point } = cover(&risk, shape);
    Calculation {
        formula,
        history: Some(*history),
        spread: Some(spread),
        class: Some(class),
        mean: spread.mean,
        z: Some(z),
        safety_stock,
        reorder_point,
        ..Calculation::given(formula, policy)
    }
}

fn by_days_of_cover(policies: &[&Policy], policy: &Policy, history: &History) -> Calculation {
    let days = Decimal::from(history.days.max(1));
    let mean = types::round_half_away(history.total / days, 6).normalize();
    let cover_days = policies.iter().find_map(|policy| policy.cover_days).unwrap_or(COVER_DAYS);
    let safety_stock = mean * Decimal::from(cover_days);
    let expected = mean * (policy.lead_time_days + Decimal::from(policy.review_days));
    let note = format!(
        "too little history: {} days with demand on {} of them; {ENOUGH_DAYS} and {ENOUGH_DEMAND} are needed",
        history.days, history.demand_days
    );
    Calculation {
        history: Some(*history),
        spread: spread(history),
        mean,
        cover_days,
        safety_stock,
        reorder_point: expected + safety_stock,
        note,
        ..Calculation::given("days_of_cover", policy)
    }
}

/// What there is of an item.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stock {
    /// What an order could get.
    pub available: Decimal,
    /// What orders wait for.
    pub backordered: Decimal,
    /// Expected.
    pub on_order: Decimal,
}

impl Stock {
    /// What is compared with the reorder point.
    #[must_use]
    pub fn position(&self) -> Decimal {
        self.available - self.backordered + self.on_order
    }
}

/// An item's level in a warehouse, as stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Level {
    /// Since when nothing can be promised.
    pub out_since: Option<OffsetDateTime>,
    /// How the level was found.
    pub method: Method,
    /// By which policy.
    pub policy: Option<Target>,
    /// Safety stock.
    pub safety_stock: Option<Decimal>,
    /// Reorder point; none when nobody watches.
    pub reorder_point: Option<Decimal>,
    /// What to fill up to.
    pub maximum: Option<Decimal>,
    /// Demand class.
    pub class: Option<Class>,
    /// The calculation as stored.
    pub calculation: Option<Vec<u8>>,
    /// When it was made.
    pub calculated_at: Option<OffsetDateTime>,
    /// State of the policies it was made from.
    pub policies: i64,
    /// Since when the position is at or under the reorder point.
    pub below_since: Option<OffsetDateTime>,
    /// Number of events so far.
    pub version: i64,
}

/// What a look at the stock finds that must be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crossing {
    /// At or under the reorder point.
    Fell,
    /// Above it, or not watched any more.
    Recovered,
}

impl Level {
    /// Whether a position is too low. A reorder point of zero asks for nothing but that nobody waits.
    #[must_use]
    pub fn is_below(&self, position: Decimal) -> bool {
        self.reorder_point.is_some_and(|point| position < point || (position == point && !point.is_zero()))
    }

    /// What is missing: to the maximum when there is one, else to the reorder point.
    #[must_use]
    pub fn missing(&self, position: Decimal) -> Decimal {
        let wanted = self.maximum.or(self.reorder_point).unwrap_or_default();
        (wanted - position).max(Decimal::ZERO)
    }

    /// Looks at the stock: what was crossed, and since when nothing could be had if that is over now.
    pub fn look(&mut self, stock: &Stock, now: OffsetDateTime) -> (Option<Crossing>, Option<OffsetDateTime>) {
        let mut was_out = None;
        if stock.available <= Decimal::ZERO {
            self.out_since.get_or_insert(now);
        } else {
            was_out = self.out_since.take();
        }
        let crossing = match (self.is_below(stock.position()), self.below_since) {
            (true, None) => {
                self.below_since = Some(now);
                Some(Crossing::Fell)
            }
            (false, Some(_)) => {
                self.below_since = None;
                Some(Crossing::Recovered)
            }
            _ => None,
        };
        self.version += i64::from(crossing.is_some());
        (crossing, was_out)
    }
}

#[cfg(test)]
mod tests;
