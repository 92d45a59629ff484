//! What a count says about the books.
//!
//! A count is about the moment it was made. The books of that moment are known (they are read under the item's lock), so what
//! moves later cannot disturb it. Two things are in between: goods that pickers have already taken out but that are not yet shipped
//! are still on hand in the books and not in the bin; goods in shipments being picked may be in either place. And what was
//! found out about the same goods since the count (another count, a short pick) already is in the books and must not be posted twice.

use rust_decimal::Decimal;
use time::OffsetDateTime;
use uuid::Uuid;

/// Most bins of a count.
pub const MAX_BINS: i64 = 10_000;
/// Most lines of a count.
pub const MAX_LINES: i64 = 20_000;
/// Differences in one event.
pub const EVENT_LINES: usize = 1000;

/// How far a count is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is being counted.
    Open,
    /// It waits for approval.
    Closed,
    /// Its differences are in the books.
    Posted,
    /// It was given up.
    Cancelled,
}

impl State {
    /// Reads the stored code.
    #[must_use]
    pub fn parse(code: &str) -> Self {
        match code {
            "closed" => Self::Closed,
            "posted" => Self::Posted,
            "cancelled" => Self::Cancelled,
            _ => Self::Open,
        }
    }

    /// The stored code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
            Self::Posted => "posted",
            Self::Cancelled => "cancelled",
        }
    }

    /// That something can be done in this state.
    ///
    /// # Errors
    /// [`Refusal::State`].
    pub fn among(self, allowed: &[Self], done: &'static str) -> Result<(), Refusal> {
        if allowed.contains(&self) { Ok(()) } else { Err(Refusal::State { state: self.code(), done }) }
    }
}

/// What is to be counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCount {
    /// Count.
    pub id: Uuid,
    /// Warehouse code.
    pub warehouse: String,
    /// For people.
    pub title: String,
    /// Zones.
    pub zones: Vec<String>,
    /// Barcodes or codes of bins.
    pub bins: Vec<String>,
    /// Categories of items.
    pub categories: Vec<String>,
    /// Items.
    pub skus: Vec<String>,
    /// Bins that are not complete in the end count as empty.
    pub uncounted_is_empty: bool,
}

/// What somebody scanned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scanned {
    /// Barcode or code of the bin.
    pub bin: String,
    /// Barcode of the item, or sku.
    pub item: String,
    /// Lot number; empty when there is only one.
    pub lot: String,
    /// Unit code of the quantity.
    pub unit: String,
    /// All of it that lies in the bin.
    pub quantity: Decimal,
}

/// A count of a lot in a bin and the books of the same moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Finding {
    /// What lay in the bin.
    pub counted: Decimal,
    /// What the books had.
    pub on_hand: Decimal,
    /// Of it taken out by pickers, not yet shipped.
    pub picked: Decimal,
    /// Of it in shipments being picked.
    pub picking: Decimal,
    /// What the books have learned since about that moment: corrections, and movements dated back before it.
    pub learned: Decimal,
}

/// What follows from a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What is to be posted: above zero when there is too much.
    pub difference: Decimal,
    /// Less lay there than the books have, and goods being picked may be why.
    pub unresolved: bool,
}

impl Finding {
    /// What the books should have had, by what is known today.
    #[must_use]
    pub fn expected(&self) -> Decimal {
        self.on_hand + self.learned
    }

    /// Compares: between what surely was there and what may have been there besides, in pickers' hands, nothing is claimed.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let least = self.counted + self.picked;
        let most = least + self.picking;
        let expected = self.expected();
        let difference = if expected < least {
            least - expected
        } else if expected > most {
            most - expected
        } else {
            Decimal::ZERO
        };
        Verdict { difference, unresolved: expected > least && self.picking > Decimal::ZERO }
    }
}

/// A line as reviewers see it and approval posts it.
#[derive(Clone, Debug)]
pub struct Line {
    /// Place.
    pub place: i64,
    /// Its code.
    pub place_code: String,
    /// Its kind of place, as stored.
    pub place_kind: String,
    /// Item.
    pub sku: String,
    /// Its unit code.
    pub unit: String,
    /// Lot.
    pub lot: Uuid,
    /// Its number.
    pub lot_number: String,
    /// What a unit of it cost when it last came in.
    pub lot_cost: Decimal,
    /// Round of counting.
    pub round: i32,
    /// What holds; none while it waits to be counted again.
    pub finding: Option<Finding>,
    /// Two people found different amounts in this round.
    pub disputed: bool,
    /// What was posted.
    pub posted: Option<(Decimal, Decimal)>,
}

impl Line {
    /// What follows from what holds; nothing while the line waits.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let nothing = Verdict { difference: Decimal::ZERO, unresolved: false };
        let verdict = self.finding.map_or(nothing, |finding| finding.verdict());
        match self.posted {
            Some((difference, _)) => Verdict { difference, ..verdict },
            None => verdict,
        }
    }

    /// Whether a reviewer should look at it.
    #[must_use]
    pub fn stands_out(&self) -> bool {
        let verdict = self.verdict();
        self.finding.is_none() || self.disputed || verdict.unresolved || !verdict.difference.is_zero()
    }
}

/// The head of a count as commands see it, locked.
#[derive(Clone, Debug)]
pub struct Head {
    /// Number.
    pub number: i64,
    /// Warehouse code.
    pub warehouse: String,
    /// For people.
    pub title: String,
    /// How far it is.
    pub state: State,
    /// Bins that are not complete in the end count as empty.
    pub uncounted_is_empty: bool,
    /// Changes with each step.
    pub version: i64,
    /// When it began.
    pub created_at: OffsetDateTime,
}

/// Why something about a count is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The state forbids it.
    #[error("the count is {state} and cannot be {done}")]
    State {
        /// State it is in.
        state: &'static str,
        /// What was tried.
        done: &'static str,
    },
    /// The bin, item or line is not part of the count.
    #[error("{0} is not part of the count")]
    NotInCount(String),
    /// The selection is empty.
    #[error("there is nothing to count")]
    Nothing,
    /// The selection is too large.
    #[error("a count has at most {MAX_BINS} bins and {MAX_LINES} lines")]
    TooLarge,
    /// Lines wait to be counted again.
    #[error("{0} lines wait to be counted again")]
    RecountOpen(i64),
    /// The approver counted.
    #[error("who counted cannot approve")]
    SamePerson,
    /// Two people found different amounts.
    #[error("two people found different amounts of {sku} lot {lot} in {place}; have it counted again")]
    Disputed {
        /// Item.
        sku: String,
        /// Lot.
        lot: String,
        /// Bin.
        place: String,
    },
}

impl Refusal {
    /// The code callers act on.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::State { .. } => "COUNT_STATE",
            Self::NotInCount(_) => "NOT_IN_COUNT",
            Self::Nothing => "NOTHING_TO_COUNT",
            Self::TooLarge => "COUNT_TOO_LARGE",
            Self::RecountOpen(_) => "RECOUNT_OPEN",
            Self::SamePerson => "SAME_PERSON",
            Self::Disputed { .. } => "COUNT_DISPUTED",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rust_decimal::dec;

    fn difference(counted: i64, on_hand: i64, picked: i64, picking: i64, learned: i64) -> (i64, bool) {
        let [counted, on_hand, picked, picking, learned] =
            [counted, on_hand, picked, picking, learned].map(Decimal::from);
        let verdict = Finding { counted, on_hand, picked, picking, learned }.verdict();
        (i64::try_from(verdict.difference).unwrap(), verdict.unresolved)
    }

    #[test]
    fn goods_in_pickers_hands_are_not_missing() {
        assert_eq!(difference(7, 10, 3, 0, 0), (0, false), "taken out and not yet shipped");
        assert_eq!(difference(7, 10, 0, 3, 0), (0, true), "perhaps taken out");
        assert_eq!(difference(10, 10, 0, 3, 0), (0, false), "not taken out yet");
        assert_eq!(difference(5, 10, 0, 3, 0), (-2, true), "more is missing than pickers can have");
        assert_eq!(difference(11, 10, 0, 3, 0), (1, false));
    }

    #[test]
    fn what_was_found_out_since_is_not_found_twice() {
        assert_eq!(difference(8, 10, 0, 0, -2), (0, false), "a short pick has already said so");
        assert_eq!(difference(8, 10, 0, 0, -1), (-1, false));
        assert_eq!(difference(12, 10, 0, 0, 2), (0, false), "a receipt dated back has brought the rest");
    }

    #[test]
    fn states_are_read_back_and_say_what_they_forbid() {
        for state in [State::Open, State::Closed, State::Posted, State::Cancelled] {
            assert_eq!(State::parse(state.code()), state);
        }
        let refused = State::Posted.among(&[State::Closed], "approved").unwrap_err();
        assert_eq!(refused.to_string(), "the count is posted and cannot be approved");
    }

    proptest! {
        #[test]
        fn after_posting_the_books_have_what_may_have_been_there(
            counted in 0i64..50, on_hand in 0i64..50, picked in 0i64..20, picking in 0i64..20, learned in -10i64..10,
        ) {
            let (posted, _) = difference(counted, on_hand, picked, picking, learned);
            let books = on_hand + learned + posted;
            prop_assert!(books >= counted + picked && books <= counted + picked + picking);
            // No smaller correction would do.
            if posted != 0 {
                let nearer = books - posted.signum();
                prop_assert!(nearer < counted + picked || nearer > counted + picked + picking);
            }
            prop_assert_eq!(difference(counted, on_hand, picked, picking, learned + posted).0, 0, "once is enough");
        }
    }

    #[test]
    fn a_line_that_waits_stands_out_and_claims_nothing() {
        let line = Line {
            place: 1,
            place_code: "MAIN/A".into(),
            place_kind: "stock".into(),
            sku: "A".into(),
            unit: "pcs".into(),
            lot: Uuid::nil(),
            lot_number: "L".into(),
            lot_cost: dec!(1),
            round: 2,
            finding: None,
            disputed: false,
            posted: None,
        };
        assert!(line.stands_out() && line.verdict().difference.is_zero());
        let counted = Finding { counted: dec!(1), on_hand: dec!(1), ..Finding::default() };
        assert!(!Line { finding: Some(counted), ..line }.stands_out());
    }
}
