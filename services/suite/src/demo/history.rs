#![doc = "Two years of orders: seasons, favourites, discounts, and what became of each order."]

use rust_decimal::{Decimal, RoundingStrategy};
use time::{Date, Duration, OffsetDateTime, Time};

use super::chance::Chance;
use super::goods::{self, Good};
use super::nutrition;
use super::scale::Sizes;

/// Days the history covers; the last one is the day it ends.
pub const DAYS: i64 = 730;

/// Sales by month in percent of an average one, January first: nutrition peaks before summer, tackle in it.
const NUTRITION_SEASON: [u64; 12] = [135, 125, 125, 120, 115, 90, 80, 75, 95, 95, 95, 50];
const TACKLE_SEASON: [u64; 12] = [55, 60, 80, 115, 150, 155, 150, 135, 110, 80, 60, 50];

const DELIVERY: [&str; 6] = ["courier", "courier", "pickup", "pickup", "post", "transport"];
const PAYMENT: [&str; 5] = ["card", "card", "card", "cod", "transfer"];

/// What became of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Shipped and delivered.
    Delivered,
    /// Cancelled by the buyer before it left.
    Cancelled,
    /// Shipped and refused at the door.
    Refused,
    /// Delivered, then the first line came back.
    Returned,
    /// Still waiting in the warehouse: the newest orders.
    Waiting,
}

/// A line of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Number of the good.
    pub good: u64,
    /// Pieces.
    pub pieces: i64,
    /// Discount on the line, whole roubles.
    pub discount: Decimal,
}

/// An order of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Number in the shop, unique.
    pub external_id: String,
    /// When it was placed (UTC).
    pub placed_at: OffsetDateTime,
    /// Number of the customer.
    pub customer: u64,
    /// One to five lines of different goods.
    pub lines: Vec<Line>,
    /// Delivery method code.
    pub delivery_method: &'static str,
    /// Payment method code.
    pub payment_method: &'static str,
    /// What became of it.
    pub ending: Ending,
}

/// The generator of all orders of one demo company.
#[derive(Debug, Clone)]
pub struct History {
    seed: u64,
    sizes: Sizes,
    last_day: Date,
    /// Weight of all days up to and with day `i`, for nutrition plus tackle.
    cumulative: Vec<u64>,
}

impl History {
    /// The history of a seed and scale that ends on `last_day`.
    pub fn new(seed: u64, sizes: Sizes, last_day: Date) -> Self {
        let mut total = 0;
        let cumulative = (0..DAYS)
            .map(|day| {
                let date = last_day - Duration::days(DAYS - 1 - day);
                let month = date.month() as usize - 1;
                // The shop grows by half over the two years.
                total += (NUTRITION_SEASON[month] + TACKLE_SEASON[month]) * (DAYS as u64 * 2 + day as u64);
                total
            })
            .collect();
        Self { seed, sizes, last_day, cumulative }
    }

    /// Number of orders.
    pub const fn len(&self) -> u64 {
        self.sizes.orders
    }

    /// True when there are no orders.
    pub const fn is_empty(&self) -> bool {
        self.sizes.orders == 0
    }

    /// Order number `n`, below [`History::len`]; a later number is never an earlier day.
    pub fn order(&self, n: u64) -> Order {
        let mut chance = Chance::new(self.seed, "order", n);
        let date = self.day(n);
        // 05:00 to 18:59 UTC is the waking day of European Russia.
        let clock = Duration::seconds(chance.between(5 * 3_600, 19 * 3_600 - 1) as i64);
        let customer = chance.favourite(self.sizes.customers);
        let lines = self.lines(&mut chance, date);
        Order {
            external_id: format!("DEMO-{:07}", n + 1),
            placed_at: date.with_time(Time::MIDNIGHT).assume_utc() + clock,
            customer,
            lines,
            delivery_method: chance.pick::<&str>(&DELIVERY),
            payment_method: chance.pick::<&str>(&PAYMENT),
            ending: self.ending(&mut chance, n),
        }
    }

    /// Pieces of each good that all orders together ask for.
    pub fn demand(&self) -> Vec<i64> {
        let mut demand = vec![0; goods::count(&self.sizes) as usize];
        for line in (0..self.len()).flat_map(|n| self.order(n).lines) {
            demand[line.good as usize] += line.pieces;
        }
        demand
    }

    fn day(&self, n: u64) -> Date {
        let total = self.cumulative.last().copied().unwrap_or_default();
        let place = (u128::from(total) * u128::from(n) / u128::from(self.sizes.orders.max(1))) as u64;
        let day = self.cumulative.partition_point(|up_to| *up_to <= place) as i64;
        self.last_day - Duration::days(DAYS - 1 - day)
    }

    fn lines(&self, chance: &mut Chance, date: Date) -> Vec<Line> {
        let month = date.month() as usize - 1;
        let (nutrition_weight, tackle_weight) = (NUTRITION_SEASON[month], TACKLE_SEASON[month]);
        let from_nutrition = chance.below(nutrition_weight + tackle_weight) < nutrition_weight;
        let discounted = chance.happens(180);
        let percent = Decimal::new(5 * chance.between(1, 4) as i64, 2);
        let mut lines: Vec<Line> = Vec::new();
        for _ in 0..1 + chance.favourite(5) {
            let good = if from_nutrition {
                chance.favourite(nutrition::GOODS)
            } else {
                nutrition::GOODS + chance.favourite(self.sizes.tackle)
            };
            if lines.iter().any(|l| l.good == good) {
                continue;
            }
            let pieces = 1 + chance.favourite(4) as i64;
            let price = goods::good(self.seed, &self.sizes, good).price;
            let off = if discounted { price * Decimal::from(pieces) * percent } else { Decimal::ZERO };
            let discount = off.round_dp_with_strategy(0, RoundingStrategy::ToZero);
            lines.push(Line { good, pieces, discount });
        }
        lines
    }

    fn ending(&self, chance: &mut Chance, n: u64) -> Ending {
        if n * 100 >= self.sizes.orders * 97 {
            return Ending::Waiting;
        }
        match chance.below(1_000) {
            0..40 => Ending::Cancelled,
            40..70 => Ending::Refused,
            70..110 => Ending::Returned,
            _ => Ending::Delivered,
        }
    }
}

impl Line {
    /// What the buyer pays for the line.
    pub fn total(&self, good: &Good) -> Decimal {
        good.price * Decimal::from(self.pieces) - self.discount
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use time::macros::date;

    use super::super::scale::Scale;
    use super::*;

    fn history() -> History {
        History::new(42, Scale::Small.sizes(), date!(2026 - 03 - 31))
    }

    #[test]
    fn the_same_seed_gives_the_same_orders_in_any_sequence() {
        let (first, second) = (history(), history());
        let forward: Vec<_> = (0..first.len()).map(|n| first.order(n)).collect();
        assert!((0..second.len()).rev().all(|n| second.order(n) == forward[n as usize]));
        let other = History::new(43, Scale::Small.sizes(), date!(2026 - 03 - 31));
        assert_ne!(other.order(5), forward[5]);
    }

    #[test]
    fn orders_cover_the_two_years_day_after_day() {
        let history = history();
        let days: Vec<_> = (0..history.len()).map(|n| history.order(n).placed_at.date()).collect();
        assert!(days.is_sorted());
        assert_eq!(days.first(), Some(&date!(2024 - 04 - 01)));
        assert_eq!(days.last(), Some(&date!(2026 - 03 - 31)));
    }

    #[test]
    fn every_order_has_lines_of_different_goods_and_a_total_above_zero() {
        let history = history();
        for order in (0..history.len()).map(|n| history.order(n)) {
            assert!((1..=5).contains(&order.lines.len()));
            assert_eq!(order.lines.iter().map(|l| l.good).collect::<HashSet<_>>().len(), order.lines.len());
            assert!(order.customer < history.sizes.customers);
            for line in &order.lines {
                let good = goods::good(42, &history.sizes, line.good);
                assert!(line.total(&good) > Decimal::ZERO && line.discount >= Decimal::ZERO);
            }
        }
    }

    #[test]
    fn every_ending_occurs_and_the_newest_orders_wait() {
        let history = history();
        let endings: Vec<_> = (0..history.len()).map(|n| history.order(n).ending).collect();
        for ending in [Ending::Delivered, Ending::Cancelled, Ending::Refused, Ending::Returned] {
            assert!(endings.contains(&ending), "{ending:?}");
        }
        assert!(endings.iter().rev().take(45).all(|e| *e == Ending::Waiting));
    }

    #[test]
    fn tackle_sells_in_summer_and_nutrition_in_winter() {
        let history = History::new(42, Scale::Medium.sizes(), date!(2026 - 03 - 31));
        let share = |month: time::Month| {
            let of_month = (0..20_000).map(|n| history.order(n * 10)).filter(|o| o.placed_at.month() == month);
            let (tackle, all) = of_month.fold((0, 0), |(tackle, all), order| {
                (tackle + u32::from(order.lines[0].good >= nutrition::GOODS), all + 1)
            });
            tackle * 100 / all
        };
        assert!(share(time::Month::July) > 55 && share(time::Month::January) < 40);
    }

    #[test]
    fn demand_is_the_sum_of_the_lines() {
        let history = history();
        let pieces: i64 = (0..history.len()).flat_map(|n| history.order(n).lines).map(|l| l.pieces).sum();
        assert_eq!(history.demand().iter().sum::<i64>(), pieces);
    }
}
