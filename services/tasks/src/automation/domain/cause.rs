//! The life of a cause.
//!
//! ```text
//! idle ──open──▶ open ──close──▶ closed ──open──▶ open …       (a delayed rule waits before it opens)
//!   │             └──close forever──▶ ended                    (nothing leads out of ended)
//!   └──close──▶ closed, ──close forever──▶ ended
//! ```
//!
//! Events of one aggregate carry versions, by which a late or repeated one is told apart: an opening event older than the
//! closing event of the same aggregate opens nothing. Between different aggregates there is no order; there a closing that
//! is final must be marked *forever*, and then wins whichever comes first.

use time::OffsetDateTime;

use super::Draft;

/// Where a cause stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Nothing is known yet.
    Idle,
    /// A task opens later, unless a closing event comes first.
    Waiting,
    /// A task was opened for it. It stays so when a person closes the task: one task for each time a cause arises.
    Open,
    /// Settled, may come back.
    Closed,
    /// Settled for good.
    Ended,
}

impl Phase {
    /// As stored.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Waiting => "waiting",
            Self::Open => "open",
            Self::Closed => "closed",
            Self::Ended => "ended",
        }
    }

    /// From what is stored.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        [Self::Idle, Self::Waiting, Self::Open, Self::Closed, Self::Ended]
            .into_iter()
            .find(|phase| phase.code() == code)
    }
}

/// Which version of which aggregate an event tells of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    /// The aggregate, with its service.
    pub origin: String,
    /// Its version.
    pub version: i64,
}

impl Stamp {
    /// Whether this one is known to be from before `other`, or the same.
    fn not_after(&self, other: &Self) -> bool {
        self.origin == other.origin && self.version <= other.version
    }
}

/// What an event says about a cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signal {
    /// It is there; a task opens at once, or at the time given.
    Open(Draft, Option<OffsetDateTime>),
    /// It is gone; the task goes to this state.
    Close {
        /// State of the task.
        state: String,
        /// It never comes back.
        forever: bool,
    },
}

/// A cause as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Where it stands.
    pub phase: Phase,
    /// What to open and when, while waiting.
    pub waiting: Option<(OffsetDateTime, Draft)>,
    /// The newest opening event.
    pub opened: Stamp,
    /// The newest closing event.
    pub closed: Stamp,
}

/// What a batch of events comes to for one cause.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Bring the task that was open before to this state.
    pub close: Option<String>,
    /// Then open this one.
    pub open: Option<Draft>,
}

impl Cause {
    /// A cause nobody has heard of.
    #[must_use]
    pub fn new() -> Self {
        Self { phase: Phase::Idle, waiting: None, opened: Stamp::default(), closed: Stamp::default() }
    }

    /// Takes the next event into account. A task that would be opened and closed within one batch is never opened: nobody
    /// could have seen it.
    pub fn step(&mut self, signal: Signal, stamp: Stamp, outcome: &mut Outcome) {
        match signal {
            Signal::Open(draft, at) => self.open(draft, at, stamp, outcome),
            Signal::Close { state, forever } => self.close(state, forever, stamp, outcome),
        }
    }

    fn open(&mut self, draft: Draft, at: Option<OffsetDateTime>, stamp: Stamp, outcome: &mut Outcome) {
        if self.phase == Phase::Ended || stamp.not_after(&self.opened) || stamp.not_after(&self.closed) {
            return;
        }
        self.opened = stamp;
        if matches!(self.phase, Phase::Open | Phase::Waiting) {
            return;
        }
        if let Some(at) = at {
            self.phase = Phase::Waiting;
            self.waiting = Some((at, draft));
        } else {
            self.phase = Phase::Open;
            outcome.open = Some(draft);
        }
    }

    fn close(&mut self, state: String, forever: bool, stamp: Stamp, outcome: &mut Outcome) {
        if self.phase == Phase::Ended || (!forever && stamp.not_after(&self.opened)) {
            return;
        }
        self.closed = stamp;
        if self.phase == Phase::Open && outcome.open.take().is_none() {
            outcome.close = Some(state);
        }
        self.waiting = None;
        self.phase = if forever { Phase::Ended } else { Phase::Closed };
    }
}

impl Default for Cause {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn draft() -> Draft {
        let none = String::new;
        Draft {
            title_ru: "t".into(),
            title_en: none(),
            description_ru: none(),
            description_en: none(),
            subject_kind: none(),
            subject_id: none(),
        }
    }

    fn open() -> Signal {
        Signal::Open(draft(), None)
    }

    fn close(forever: bool) -> Signal {
        Signal::Close { state: "done".into(), forever }
    }

    fn stamp(origin: &str, version: i64) -> Stamp {
        Stamp { origin: origin.into(), version }
    }

    /// Runs each event in a batch of its own; true for each that leaves a task open.
    fn run(events: &[(Signal, Stamp)]) -> (usize, bool) {
        let (mut cause, mut opened, mut is_open) = (Cause::new(), 0, false);
        for (signal, stamp) in events {
            let mut outcome = Outcome::default();
            cause.step(signal.clone(), stamp.clone(), &mut outcome);
            if outcome.close.is_some() {
                assert!(is_open, "closed what was not open");
                is_open = false;
            }
            if outcome.open.is_some() {
                assert!(!is_open, "two open tasks of one cause");
                (opened, is_open) = (opened + 1, true);
            }
        }
        (opened, is_open)
    }

    #[test]
    fn a_cancelled_order_never_gets_a_task_whichever_event_comes_first() {
        let allocated = (open(), stamp("erp:o", 1));
        let cancelled = (close(true), stamp("orders:o", 2));
        assert_eq!(run(&[allocated.clone(), cancelled.clone()]), (1, false));
        assert_eq!(run(&[cancelled, allocated]), (0, false));
    }

    #[test]
    fn a_cause_that_comes_back_gets_another_task() {
        let events = [(open(), stamp("erp:s", 1)), (close(false), stamp("erp:s", 2)), (open(), stamp("erp:s", 3))];
        assert_eq!(run(&events), (2, true));
    }

    #[test]
    fn a_late_opening_event_of_the_same_aggregate_opens_nothing() {
        let events = [(close(false), stamp("erp:s", 6)), (open(), stamp("erp:s", 5))];
        assert_eq!(run(&events), (0, false));
        let events = [(open(), stamp("erp:s", 7)), (close(false), stamp("erp:s", 6))];
        assert_eq!(run(&events), (1, true), "a late closing event closes nothing either");
    }

    #[test]
    fn a_waiting_cause_that_is_settled_opens_nothing() {
        let mut cause = Cause::new();
        let mut outcome = Outcome::default();
        cause.step(Signal::Open(draft(), Some(OffsetDateTime::UNIX_EPOCH)), stamp("orders:o", 1), &mut outcome);
        assert_eq!(cause.phase, Phase::Waiting);
        cause.step(close(true), stamp("orders:o", 2), &mut outcome);
        assert_eq!((cause.phase, cause.waiting, outcome), (Phase::Ended, None, Outcome::default()));
    }

    proptest! {
        /// Same history, cut into batches anywhere, with repeats: the same final phase, and the same task open or not.
        #[test]
        fn batches_and_repeats_do_not_change_where_a_cause_ends(
            kinds in prop::collection::vec((0..3_u8, 1..3_usize), 1..12), cuts in prop::collection::vec(any::<bool>(), 40)
        ) {
            let mut plain = Vec::new();
            for (version, (kind, repeats)) in (1..).zip(&kinds) {
                let signal = match kind { 0 | 1 if version % 7 != 0 => if *kind == 0 { open() } else { close(false) }, _ => close(version % 5 == 0) };
                for _ in 0..*repeats {
                    plain.push((signal.clone(), stamp("x", version)));
                }
            }
            let (_, open_one_by_one) = run(&plain);
            let (mut cause, mut is_open, mut outcome) = (Cause::new(), false, Outcome::default());
            for (index, (signal, stamp)) in plain.iter().enumerate() {
                cause.step(signal.clone(), stamp.clone(), &mut outcome);
                if cuts[index] || index + 1 == plain.len() {
                    if outcome.close.is_some() { prop_assert!(is_open); is_open = false; }
                    if outcome.open.is_some() { prop_assert!(!is_open); is_open = true; }
                    outcome = Outcome::default();
                }
            }
            prop_assert_eq!(is_open, open_one_by_one);
            prop_assert_eq!(is_open, cause.phase == Phase::Open);
        }
    }
}
