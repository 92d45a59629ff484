//! Dates from what is expected: cumulative, so that the same goods are never promised twice.

use std::collections::{BTreeMap, HashMap};

use rust_decimal::Decimal;
use time::Date;
use uuid::Uuid;

use crate::reservation::domain::{Need, Pool, allocate};

/// What is expected of items in warehouses, day by day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Incoming(BTreeMap<(String, Uuid), BTreeMap<Date, Decimal>>);

impl Incoming {
    /// Adds goods that come on a day.
    pub fn add(&mut self, sku: &str, warehouse: Uuid, day: Date, quantity: Decimal) {
        *self.0.entry((sku.to_owned(), warehouse)).or_default().entry(day).or_default() += quantity;
    }

    /// All that is expected of an item in a warehouse.
    #[must_use]
    pub fn total(&self, sku: &str, warehouse: Uuid) -> Decimal {
        self.0.get(&(sku.to_owned(), warehouse)).map_or(Decimal::ZERO, |days| days.values().copied().sum())
    }

    /// The items and warehouses anything is expected of.
    pub fn keys(&self) -> impl Iterator<Item = &(String, Uuid)> {
        self.0.keys()
    }

    /// The first day on which as much has come as `amount`, and the day by which those before are served: an amount that
    /// counts everybody before is covered only after they are.
    #[must_use]
    pub fn day_of(&self, sku: &str, warehouse: Uuid, amount: Decimal) -> Option<Date> {
        let days = self.0.get(&(sku.to_owned(), warehouse))?;
        let mut sum = Decimal::ZERO;
        days.iter().find_map(|(day, quantity)| {
            sum += *quantity;
            (sum >= amount).then_some(*day)
        })
    }
}

/// A line that is promised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promise {
    /// Line, as numbered in the needs.
    pub line_no: i32,
    /// Free now.
    pub free: Decimal,
    /// When all of it is there; none when nothing is expected that would cover it.
    pub day: Option<Date>,
}

/// Promises the lines of one order that does not exist yet: free goods now, the rest behind all who wait (`ahead`) and
/// behind the earlier lines. Answers the warehouse as well, chosen as an order's would be.
#[must_use]
pub fn promise(
    pool: &mut Pool,
    needs: Vec<Need>,
    warehouses: &[Uuid],
    incoming: &Incoming,
    ahead: &HashMap<(String, Uuid), Decimal>,
    today: Date,
) -> (Option<Uuid>, Vec<Promise>) {
    let allocation = allocate(pool, needs.clone(), warehouses);
    let chosen = allocation.chosen.values().next().copied();
    let mut got: BTreeMap<i32, Decimal> = BTreeMap::new();
    for grant in &allocation.grants {
        *got.entry(grant.line_no).or_default() += grant.quantity;
    }
    let mut promised: HashMap<String, Decimal> = HashMap::new();
    let mut warehouse = None;
    let lines = needs.into_iter().map(|need| {
        let free = got.get(&need.line_no).copied().unwrap_or_default();
        let rest = need.quantity - free;
        warehouse = need.warehouse.or(chosen);
        let day = match warehouse {
            _ if rest.is_zero() => Some(today),
            None => None,
            Some(id) => {
                let before = promised.entry(need.sku.clone()).or_default();
                *before += rest;
                let waiting = ahead.get(&(need.sku.clone(), id)).copied().unwrap_or_default();
                incoming.day_of(&need.sku, id, waiting + *before)
            }
        };
        Promise { line_no: need.line_no, free, day }
    });
    let lines = lines.collect();
    (warehouse, lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reservation::domain::FreeLot;
    use proptest::prelude::*;
    use rust_decimal::dec;
    use time::{
        Duration,
        macros::{date, datetime},
    };

    const TODAY: Date = date!(2026 - 03 - 02);
    const HOUSE: Uuid = Uuid::from_u128(1);

    fn need(line_no: i32, quantity: Decimal) -> Need {
        Need {
            order: Uuid::nil(),
            line_no,
            sku: "A".into(),
            warehouse: Some(HOUSE),
            quantity,
            priority: 0,
            placed_at: datetime!(2026-03-02 0:00 UTC),
            good_until: None,
        }
    }

    fn pool(free: Decimal) -> Pool {
        let lot = FreeLot {
            sku: "A".into(),
            warehouse: HOUSE,
            place: 100,
            lot: Uuid::from_u128(7),
            expires_on: None,
            received_at: datetime!(2026-03-01 0:00 UTC),
            number: "L".into(),
            free,
        };
        Pool::new(vec![lot])
    }

    fn coming(days: &[(i64, Decimal)]) -> Incoming {
        let mut incoming = Incoming::default();
        for (day, quantity) in days {
            incoming.add("A", HOUSE, TODAY + Duration::days(*day), *quantity);
        }
        incoming
    }

    fn days(free: Decimal, incoming: &Incoming, waiting: Decimal, lines: &[Decimal]) -> Vec<Option<i64>> {
        let ahead = HashMap::from([(("A".to_owned(), HOUSE), waiting)]);
        let needs = lines.iter().zip(1..).map(|(quantity, line_no)| need(line_no, *quantity)).collect();
        let (_, promises) = promise(&mut pool(free), needs, &[HOUSE], incoming, &ahead, TODAY);
        promises.into_iter().map(|line| line.day.map(|day| (day - TODAY).whole_days())).collect()
    }

    #[test]
    fn free_goods_are_there_today_and_the_rest_when_what_is_expected_covers_all_before() {
        let incoming = coming(&[(3, dec!(10)), (5, dec!(5))]);
        assert_eq!(
            days(dec!(4), &incoming, dec!(0), &[dec!(4), dec!(10), dec!(5), dec!(1)]),
            [Some(0), Some(3), Some(5), None]
        );
        assert_eq!(days(dec!(4), &incoming, dec!(8), &[dec!(6), dec!(1)]), [Some(3), Some(5)]);
        assert_eq!(days(dec!(0), &incoming, dec!(15), &[dec!(1)]), [None]);
    }

    proptest! {
        /// Serving everybody day by day from what comes, in their order, gives each line on the day it was promised.
        #[test]
        fn a_promise_is_the_day_on_which_serving_in_order_would_complete_the_line(
            free in 0i64..10, waiting in 0i64..20,
            comes in prop::collection::vec((1i64..9, 1i64..9), 0..6),
            lines in prop::collection::vec(1i64..9, 1..6),
        ) {
            let incoming = coming(&comes.iter().map(|(day, many)| (*day, Decimal::from(*many))).collect::<Vec<_>>());
            let asked: Vec<_> = lines.iter().map(|many| Decimal::from(*many)).collect();
            let told = days(free.into(), &incoming, waiting.into(), &asked);

            let (mut left, mut queue) = (free, vec![waiting]);
            for line in &lines {
                let now = left.min(*line);
                left -= now;
                queue.push(line - now);
            }
            let mut served = vec![None; queue.len()];
            for day in 0..9 {
                let mut there: i64 = comes.iter().filter(|(when, _)| *when == day).map(|(_, many)| many).sum();
                for (wants, done) in queue.iter_mut().zip(&mut served) {
                    let part = there.min(*wants);
                    (*wants, there) = (*wants - part, there - part);
                    if *wants == 0 && done.is_none() {
                        *done = Some(day);
                    }
                }
            }
            prop_assert_eq!(told, served[1..].to_vec());
        }
    }
}
