//! When a reminder fires.

use time::{Duration, OffsetDateTime};

/// Longest distance of a reminder from the due time, in seconds: a year.
pub const LONGEST: i64 = 366 * 24 * 3600;

/// Most reminders of one task.
pub const MOST: i64 = 50;

/// When a reminder fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Seconds before (negative) or after the due time; moves with it.
    FromDue(i64),
    /// A time of its own.
    At(OffsetDateTime),
}

impl When {
    /// The moment; `None` when it depends on a due time that is not there or out of all calendars.
    #[must_use]
    pub fn moment(self, due: Option<OffsetDateTime>) -> Option<OffsetDateTime> {
        match self {
            Self::FromDue(seconds) => due?.checked_add(Duration::seconds(seconds)),
            Self::At(at) => Some(at),
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_relative_reminder_follows_the_due_time() {
        let due = datetime!(2026-03-01 12:00 UTC);
        assert_eq!(When::FromDue(-3600).moment(Some(due)), Some(datetime!(2026-03-01 11:00 UTC)));
        assert_eq!(When::FromDue(60).moment(Some(due)), Some(datetime!(2026-03-01 12:01 UTC)));
        assert_eq!(When::FromDue(60).moment(None), None);
        assert_eq!(When::At(due).moment(None), Some(due));
        assert_eq!(When::FromDue(LONGEST).moment(Some(datetime!(9999-12-31 12:00 UTC))), None);
    }
}
