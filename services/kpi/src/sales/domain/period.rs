//! Periods of business days, and which other period one is compared with.

use time::{Date, Duration, Month};

/// Days from one to another, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
}

/// What a period is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// As many days just before.
    Previous,
    /// A year before.
    LastYear,
}

/// What days are gathered into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bucket {
    /// Each by itself.
    Day,
    /// Weeks from Monday.
    Week,
    /// Calendar months.
    Month,
}

/// What a report is compared with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparing {
    /// The other periods.
    pub kinds: Vec<Kind>,
    /// Weekdays with weekdays.
    pub align_weekdays: bool,
}

impl Comparing {
    /// The other periods of `period`, in the order asked for.
    pub fn periods(&self, period: Period) -> impl Iterator<Item = Period> + '_ {
        self.kinds.iter().map(move |kind| period.compared(*kind, self.align_weekdays))
    }
}

impl Period {
    /// Number of days.
    #[must_use]
    pub fn days(self) -> i64 {
        (self.to - self.from).whole_days() + 1
    }

    /// The period to compare with. Aligned by weekday, both ends move by the same whole number of weeks.
    #[must_use]
    pub fn compared(self, kind: Kind, align_weekdays: bool) -> Self {
        match (kind, align_weekdays) {
            (Kind::Previous, false) => self.back(self.days()),
            (Kind::Previous, true) => self.back((self.days() + 6) / 7 * 7),
            (Kind::LastYear, true) => self.back(364),
            (Kind::LastYear, false) => Self { from: year_before(self.from), to: year_before(self.to) },
        }
    }

    fn back(self, days: i64) -> Self {
        let by = Duration::days(days);
        Self { from: self.from.saturating_sub(by), to: self.to.saturating_sub(by) }
    }
}

fn year_before(day: Date) -> Date {
    let year = day.year() - 1;
    day.replace_year(year).or_else(|_| Date::from_calendar_date(year, Month::February, 28)).unwrap_or(day)
}

impl Bucket {
    /// First day of the bucket a day lies in.
    #[must_use]
    pub fn start(self, day: Date) -> Date {
        match self {
            Self::Day => day,
            Self::Week => day.saturating_sub(Duration::days(day.weekday().number_days_from_monday().into())),
            Self::Month => day.replace_day(1).unwrap_or(day),
        }
    }

    /// The bucket of `other` that stands where the bucket beginning at `start` stands in `period`.
    #[must_use]
    pub fn counterpart(self, start: Date, period: Period, other: Period) -> Date {
        let (first, other_first) = (self.start(period.from), self.start(other.from));
        match self {
            Self::Day | Self::Week => other_first.saturating_add(start - first),
            Self::Month => {
                let months = |day: Date| day.year() * 12 + i32::from(u8::from(day.month())) - 1;
                let month = months(other_first) + months(start) - months(first);
                let number = u8::try_from(month.rem_euclid(12) + 1).unwrap_or(1);
                let name = Month::try_from(number).unwrap_or(Month::January);
                Date::from_calendar_date(month.div_euclid(12), name, 1).unwrap_or(other_first)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use time::macros::date;

    fn period(from: Date, to: Date) -> Period {
        Period { from, to }
    }

    #[test]
    fn the_previous_period_has_as_many_days_and_ends_the_day_before() {
        let september = period(date!(2026 - 09 - 01), date!(2026 - 09 - 30));
        assert_eq!(september.compared(Kind::Previous, false), period(date!(2026 - 08 - 02), date!(2026 - 08 - 31)));
    }

    #[test]
    fn the_last_year_of_a_leap_february_ends_on_the_28th() {
        let leap = period(date!(2024 - 02 - 29), date!(2024 - 02 - 29));
        assert_eq!(leap.compared(Kind::LastYear, false), period(date!(2023 - 02 - 28), date!(2023 - 02 - 28)));
        let after = period(date!(2025 - 02 - 01), date!(2025 - 02 - 28));
        assert_eq!(after.compared(Kind::LastYear, false), period(date!(2024 - 02 - 01), date!(2024 - 02 - 28)));
    }

    #[test]
    fn buckets_meet_by_position() {
        let spring = period(date!(2026 - 03 - 15), date!(2026 - 05 - 20));
        let before = period(date!(2025 - 11 - 10), date!(2026 - 01 - 15));
        let may = Bucket::Month.counterpart(date!(2026 - 05 - 01), spring, before);
        assert_eq!(may, date!(2026 - 01 - 01));
        // 15 March 2026 is a Sunday: its week began on the 9th. 10 November 2025 is a Monday.
        let second_week = Bucket::Week.counterpart(date!(2026 - 03 - 16), spring, before);
        assert_eq!(second_week, date!(2025 - 11 - 17));
        assert_eq!(Bucket::Day.counterpart(date!(2026 - 03 - 15), spring, before), date!(2025 - 11 - 10));
    }

    proptest! {
        #[test]
        fn aligned_periods_keep_their_weekdays_length_and_do_not_overlap(start in 2_440_000i32..2_480_000, days in 0i64..800) {
            let from = Date::from_julian_day(start).unwrap();
            let now = period(from, from + Duration::days(days));
            for kind in [Kind::Previous, Kind::LastYear] {
                let then = now.compared(kind, true);
                prop_assert_eq!(then.from.weekday(), now.from.weekday());
                prop_assert_eq!(then.days(), now.days());
            }
            prop_assert!(now.compared(Kind::Previous, true).to < now.from);
            let previous = now.compared(Kind::Previous, false);
            prop_assert_eq!(previous.to, from - Duration::days(1));
            prop_assert_eq!(previous.days(), now.days());
        }
    }
}
