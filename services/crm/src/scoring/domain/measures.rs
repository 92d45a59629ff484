//! What is measured of a customer, parameter by parameter.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use types::round_half_away;

use super::PARAMETERS;
use super::statistics::coefficient_of_variation;
use crate::orders::domain::Figures;

/// The year of frequency and contact load.
pub const YEAR: Duration = Duration::days(365);

/// A past order that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastOrder {
    /// When it was placed.
    pub placed_at: OffsetDateTime,
    /// Returns for a defect.
    pub defect_returns: i32,
    /// Shipments refused or not collected.
    pub failed_shipments: i32,
    /// Category and amount of what stayed, in the company currency.
    pub bought: Vec<(String, Decimal)>,
}

/// Contacts within the year before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Complaints.
    pub complaints: i64,
    /// Other contacts that the customer began.
    pub inbound: i64,
}

/// Everything the parameters are measured from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// Sums over all orders.
    pub figures: Figures,
    /// When the first order that counts was placed.
    pub first_order_at: Option<OffsetDateTime>,
    /// The newest orders that count, the newest first.
    pub orders: Vec<PastOrder>,
    /// Contacts.
    pub load: Load,
}

/// A measured parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measured {
    /// The value in the parameter's unit; `None` when there is not enough to measure.
    pub value: Option<Decimal>,
    /// Figures of the explanation, in the order its text uses them.
    pub figures: Vec<String>,
}

fn measured(value: Option<Decimal>, figures: Vec<String>) -> Measured {
    Measured { value, figures: if value.is_some() { figures } else { Vec::new() } }
}

/// A share with four digits; `None` of nothing.
fn share(part: Decimal, whole: Decimal) -> Option<Decimal> {
    (whole > Decimal::ZERO).then(|| round_half_away(part / whole, 4))
}

/// Whole days that have passed.
fn days(from: OffsetDateTime, to: OffsetDateTime) -> Decimal {
    Decimal::from((to - from).whole_days().max(0))
}

/// A sum with two digits.
fn money(sum: Decimal) -> String {
    round_half_away(sum, 2).to_string()
}

fn percent(share: Option<Decimal>) -> String {
    round_half_away(share.unwrap_or_default() * Decimal::ONE_HUNDRED, 2).to_string()
}

/// The share of each category in what was bought, the largest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Categories(pub Vec<(String, Decimal)>);

impl Categories {
    /// Over some orders; a category of which nothing stayed does not appear.
    #[must_use]
    pub fn of(orders: &[PastOrder]) -> Self {
        let mut sums: BTreeMap<&str, Decimal> = BTreeMap::new();
        for (category, amount) in orders.iter().flat_map(|order| &order.bought) {
            *sums.entry(category).or_default() += amount;
        }
        sums.retain(|category, sum| !category.is_empty() && *sum > Decimal::ZERO);
        let whole: Decimal = sums.values().sum();
        let mut shares: Vec<(String, Decimal)> =
            sums.into_iter().map(|(category, sum)| (category.to_owned(), sum / whole)).collect();
        shares.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        Self(shares)
    }

    /// Herfindahl index: the sum of the squared shares; `None` without any category.
    #[must_use]
    pub fn concentration(&self) -> Option<Decimal> {
        (!self.0.is_empty()).then(|| round_half_away(self.0.iter().map(|(_, share)| share * share).sum(), 4))
    }

    /// The first five with shares of four digits.
    #[must_use]
    pub fn top(&self) -> Self {
        Self(self.0.iter().take(5).map(|(name, share)| (name.clone(), round_half_away(*share, 4))).collect())
    }
}

fn contact_load(history: &History, as_of: OffsetDateTime) -> Measured {
    let recent = history.orders.iter().filter(|order| order.placed_at > as_of - YEAR);
    let (mut orders, mut defects, mut failures) = (0_i64, 0_i64, 0_i64);
    for order in recent {
        orders += 1;
        defects += i64::from(order.defect_returns);
        failures += i64::from(order.failed_shipments);
    }
    let load = history.load;
    let points = 3 * load.complaints + 2 * (defects + failures) + load.inbound;
    let value = round_half_away(Decimal::from(points) / Decimal::from(orders.max(1)), 4);
    let figures = [load.complaints, defects, failures, load.inbound, orders];
    measured(Some(value), figures.iter().map(i64::to_string).collect())
}

fn rhythm(orders: &[PastOrder]) -> Measured {
    let intervals: Vec<i64> = orders
        .windows(2)
        .filter_map(|pair| match pair {
            [newer, older] => Some((newer.placed_at - older.placed_at).whole_seconds()),
            _ => None,
        })
        .collect();
    let span: i64 = intervals.iter().sum();
    let count = Decimal::from(intervals.len().max(1));
    let mean = round_half_away(Decimal::from(span) / Decimal::from(86_400) / count, 1);
    measured(coefficient_of_variation(&intervals), vec![mean.to_string(), intervals.len().to_string()])
}

/// Measures the parameters 1 to 11 for a moment.
#[must_use]
pub fn measure(history: &History, categories: &Categories, as_of: OffsetDateTime) -> [Measured; PARAMETERS] {
    let figures = &history.figures;
    let day = |at: Option<OffsetDateTime>| at.map(|at| at.date().to_string()).unwrap_or_default();
    let last = history.orders.first().map(|order| order.placed_at);
    let first = history.first_order_at;
    let in_year = history.orders.iter().filter(|order| order.placed_at > as_of - YEAR).count();
    let check = figures.average_check().map(|check| round_half_away(check, 2));
    let summed = figures.summed_orders.to_string();
    let returned = share(figures.returned_sum, figures.ordered_sum);
    let refused = share(Decimal::from(figures.not_collected_orders), Decimal::from(figures.shipped_orders));
    let discount = share(figures.discount_sum, figures.gross_sum);
    let favourite = categories.0.first();
    let concentration = if figures.orders < 2 { None } else { categories.concentration() };
    [
        measured(last.map(|last| days(last, as_of)), vec![day(last)]),
        measured((figures.orders > 0).then(|| Decimal::from(in_year)), Vec::new()),
        measured((figures.summed_orders > 0).then(|| round_half_away(figures.order_sum(), 2)), vec![summed.clone()]),
        measured(check, vec![money(figures.order_sum()), summed]),
        measured(first.map(|first| days(first, as_of)), vec![day(first)]),
        rhythm(&history.orders),
        measured(returned, vec![percent(returned), money(figures.returned_sum), money(figures.ordered_sum)]),
        measured(
            refused,
            vec![percent(refused), figures.not_collected_orders.to_string(), figures.shipped_orders.to_string()],
        ),
        contact_load(history, as_of),
        measured(discount, vec![percent(discount), money(figures.discount_sum), money(figures.gross_sum)]),
        measured(
            concentration,
            vec![
                favourite.map(|(name, _)| name.clone()).unwrap_or_default(),
                percent(favourite.map(|(_, share)| *share)),
                categories.0.len().to_string(),
            ],
        ),
    ]
}
