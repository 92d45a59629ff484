//! Stages an order goes through, and times between them.

use rust_decimal::Decimal;

use crate::sales::domain::percent;

/// The stages in order. Each is reached at the first moment of its kind.
pub const STAGES: [&str; 7] = ["placed", "confirmed", "reserved", "picking", "packed", "shipped", "delivered"];

/// Time from one moment of orders to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeSpent {
    /// Where it starts.
    pub from: &'static str,
    /// Where it ends.
    pub to: &'static str,
    /// Orders for which both are known.
    pub orders: i64,
    /// Half took at most this many seconds.
    pub median: Option<i64>,
    /// Nine of ten took at most this many seconds.
    pub p90: Option<i64>,
}

/// A stage of the funnel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Its name.
    pub name: &'static str,
    /// Orders that reached it.
    pub orders: i64,
    /// In percent of those placed.
    pub of_placed: Option<Decimal>,
    /// In percent of the stage before.
    pub of_previous: Option<Decimal>,
    /// Time since the stage before; nothing for the first.
    pub since_previous: Option<TimeSpent>,
}

/// Builds the funnel of the orders that reached each stage, and the times between neighbours.
#[must_use]
pub fn funnel(reached: [i64; 7], times: Vec<TimeSpent>) -> Vec<Stage> {
    let mut times = times.into_iter();
    let mut stages: Vec<Stage> = Vec::with_capacity(STAGES.len());
    for (name, orders) in STAGES.into_iter().zip(reached) {
        let before = stages.last().map(|stage| stage.orders);
        stages.push(Stage {
            name,
            orders,
            of_placed: percent(orders.into(), reached[0].into()),
            of_previous: percent(orders.into(), before.unwrap_or(orders).into()),
            since_previous: before.and_then(|_| times.next()),
        });
    }
    stages
}

#[cfg(test)]
mod tests {
    use super::*;
    use rust_decimal::dec;

    #[test]
    fn conversion_is_told_against_the_start_and_against_the_stage_before() {
        let stages = funnel([8, 8, 4, 4, 2, 2, 1], Vec::new());
        assert_eq!((stages[2].of_placed, stages[2].of_previous), (Some(dec!(50.00)), Some(dec!(50.00))));
        assert_eq!((stages[6].of_placed, stages[6].of_previous), (Some(dec!(12.50)), Some(dec!(50.00))));
        assert_eq!(funnel([0; 7], Vec::new())[1].of_placed, None);
    }
}
