//! What is owed, counted and decided.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use uuid::Uuid;

/// Why something is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Its cash was counted.
    #[error("the cash of the run was handed in")]
    AlreadyHandedIn,
    /// Counted is not what was collected, and nobody says why.
    #[error("{counted} was counted, {collected} was collected; say why")]
    Differs {
        /// What the stops say.
        collected: Decimal,
        /// What was counted.
        counted: Decimal,
    },
    /// There is nothing to decide.
    #[error("there is no difference to decide")]
    NoDifference,
    /// It was decided.
    #[error("the difference was {0}")]
    AlreadyDecided(String),
    /// Who counted must not decide.
    #[error("another person than the one who counted must decide")]
    SamePerson,
}

impl Refusal {
    /// The reason code.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::AlreadyHandedIn => "ALREADY_HANDED_IN",
            Self::Differs { .. } => "CASH_DIFFERS",
            Self::NoDifference => "NO_DIFFERENCE",
            Self::AlreadyDecided(_) => "ALREADY_DECIDED",
            Self::SamePerson => "SAME_PERSON",
        }
    }
}

/// The counted cash of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandIn {
    /// What the stops say.
    pub collected: Decimal,
    /// What was counted.
    pub counted: Decimal,
    /// Who counted.
    pub counted_by: String,
    /// `waived`, `charged` or nothing yet.
    pub decision: String,
}

impl HandIn {
    /// Whether somebody may decide the difference.
    ///
    /// # Errors
    /// Why not.
    pub fn may_decide(&self, by: &str) -> Result<(), Refusal> {
        if self.collected == self.counted {
            Err(Refusal::NoDifference)
        } else if !self.decision.is_empty() {
            Err(Refusal::AlreadyDecided(self.decision.clone()))
        } else if self.counted_by == by {
            Err(Refusal::SamePerson)
        } else {
            Ok(())
        }
    }
}

/// What an order's buyer owes on delivery changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// An order paid on delivery came: its total.
    Owes(Uuid, Decimal),
    /// Less is owed: cancelled, or paid otherwise. Negative when a payment went back.
    Less(Uuid, Decimal),
}

/// Adds changes up: what new orders owe, and what is owed less by order. An order's first fact is that it came, so all new
/// ones can be written before anything is taken off.
#[must_use]
pub fn sum(changes: Vec<Change>) -> (BTreeMap<Uuid, Decimal>, BTreeMap<Uuid, Decimal>) {
    let (mut owes, mut less) = (BTreeMap::new(), BTreeMap::new());
    for change in changes {
        match change {
            Change::Owes(order, total) => {
                owes.entry(order).or_insert(total);
            }
            Change::Less(order, amount) => *less.entry(order).or_insert(Decimal::ZERO) += amount,
        }
    }
    (owes, less)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rust_decimal::dec;

    #[test]
    fn a_difference_is_decided_once_by_somebody_else() {
        let hand_in = |counted, decision: &str| HandIn {
            collected: dec!(10),
            counted,
            counted_by: "cashier".into(),
            decision: decision.into(),
        };
        assert_eq!(hand_in(dec!(9), "").may_decide("boss"), Ok(()));
        assert_eq!(hand_in(dec!(9), "").may_decide("cashier"), Err(Refusal::SamePerson));
        assert_eq!(hand_in(dec!(10), "").may_decide("boss"), Err(Refusal::NoDifference));
        assert_eq!(hand_in(dec!(9), "waived").may_decide("boss"), Err(Refusal::AlreadyDecided("waived".into())));
    }

    proptest! {
        #[test]
        fn what_is_taken_off_adds_up_by_order(
            parts in prop::collection::vec((0u128..4, 0i64..10_000), 0..20),
        ) {
            let changes = parts.iter().map(|(order, kopecks)| {
                Change::Less(Uuid::from_u128(*order), Decimal::new(*kopecks, 2))
            }).collect();
            let (owes, less) = sum(changes);
            prop_assert!(owes.is_empty());
            let all: i64 = parts.iter().map(|(_, kopecks)| kopecks).sum();
            prop_assert_eq!(less.values().sum::<Decimal>(), Decimal::new(all, 2));
        }
    }
}
