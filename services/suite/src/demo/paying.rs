#![doc = "Who pays what and when: most at once or at the door, some late, some half, some never; refunds for what came back."]

use rust_decimal::Decimal;
use time::{Duration, OffsetDateTime};

use super::chance::Chance;
use super::history::{Ending, Order};

/// How an order is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paying {
    /// Not at all, so far.
    Never,
    /// Before it leaves: all of it or half.
    Before {
        /// When.
        at: OffsetDateTime,
        /// Only half.
        half: bool,
    },
    /// To the courier, who hands it over.
    AtTheDoor,
}

/// How order number `n` is paid.
pub fn of(seed: u64, n: u64, order: &Order) -> Paying {
    let mut chance = Chance::new(seed, "paying", n);
    let per_mille = chance.below(1_000);
    let before = |after: Duration, half| Paying::Before { at: order.placed_at + after, half };
    match (order.payment_method, order.ending) {
        ("card", Ending::Cancelled) if per_mille >= 500 => Paying::Never,
        ("card", _) => match per_mille {
            0..960 => before(Duration::minutes(chance.between(1, 10).cast_signed()), false),
            960..975 => before(Duration::minutes(5), true),
            _ => Paying::Never,
        },
        // A transfer takes longer than a buyer who thinks better of it.
        (_, Ending::Cancelled) => Paying::Never,
        ("transfer", _) => match per_mille {
            0..880 => before(Duration::hours(chance.between(20, 70).cast_signed()), false),
            880..930 => before(Duration::hours(30), true),
            _ => Paying::Never,
        },
        (_, Ending::Delivered | Ending::Returned) if per_mille < 985 => Paying::AtTheDoor,
        _ => Paying::Never,
    }
}

impl Paying {
    /// What is paid before an order of this total leaves; whole units of money for a half.
    pub fn before(self, total: Decimal) -> Option<(OffsetDateTime, Decimal)> {
        match self {
            Self::Before { at, half: false } => Some((at, total)),
            Self::Before { at, half: true } => Some((at, (total / Decimal::TWO).ceil())),
            Self::Never | Self::AtTheDoor => None,
        }
        .filter(|(_, amount)| *amount > Decimal::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use rust_decimal::dec;
    use time::macros::date;

    use super::super::history::History;
    use super::super::scale::Scale;
    use super::*;

    #[test]
    fn most_pay_some_do_not_and_nobody_pays_for_what_was_refused_at_the_door() {
        let history = History::new(42, Scale::Small.sizes(), date!(2026 - 03 - 31));
        let mut counts: HashMap<&str, u64> = HashMap::new();
        for n in 0..history.len() {
            let order = history.order(n);
            let paying = of(42, n, &order);
            assert_eq!(paying, of(42, n, &order));
            if paying == Paying::AtTheDoor {
                assert!(order.payment_method == "cod" && order.ending != Ending::Refused, "{order:?}");
            }
            if let Some((at, amount)) = paying.before(dec!(101)) {
                assert!(at > order.placed_at && order.payment_method != "cod");
                assert!(amount == dec!(101) || amount == dec!(51));
            }
            let word = match paying {
                Paying::Never => "never",
                Paying::Before { half: true, .. } => "half",
                Paying::Before { .. } => "before",
                Paying::AtTheDoor => "door",
            };
            *counts.entry(word).or_default() += 1;
        }
        assert!(counts["before"] > 900 && counts["door"] > 150 && counts["half"] > 10, "{counts:?}");
        assert!((60..250).contains(&counts["never"]), "{counts:?}");
    }
}
