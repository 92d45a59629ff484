//! The business day: which calendar day of the company a moment belongs to.

use jiff::{Timestamp, civil, tz::TimeZone};
use time::{Date, Month, OffsetDateTime};

/// What can be wrong with the settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BusinessDayError {
    /// The IANA time zone database has no such zone.
    #[error("unknown time zone {0}")]
    UnknownZone(String),
    /// The hour is not 0 to 23.
    #[error("cut-off hour {0} is not between 0 and 23")]
    CutOff(u8),
    /// The moment is outside the years 1 to 9999.
    #[error("moment out of range")]
    OutOfRange,
}

/// The day `at` belongs to in `zone` (IANA name), where the day begins at `cutoff_hour` local time: with 6, half past
/// two in the night still belongs to the day before.
///
/// The local civil time decides, so every moment belongs to exactly one day, also across daylight saving changes.
///
/// # Errors
/// When the zone or hour is wrong.
pub fn business_day(at: OffsetDateTime, zone: &str, cutoff_hour: u8) -> Result<Date, BusinessDayError> {
    let zone = zone_named(zone, cutoff_hour)?;
    let stamp = Timestamp::from_nanosecond(at.unix_timestamp_nanos()).map_err(|_| BusinessDayError::OutOfRange)?;
    let local = stamp.to_zoned(zone).datetime();
    let day = if local.hour() < cutoff_hour.cast_signed() {
        local.date().yesterday().map_err(|_| BusinessDayError::OutOfRange)?
    } else {
        local.date()
    };
    let month = Month::try_from(day.month().cast_unsigned()).map_err(|_| BusinessDayError::OutOfRange)?;
    Date::from_calendar_date(i32::from(day.year()), month, day.day().cast_unsigned())
        .map_err(|_| BusinessDayError::OutOfRange)
}

/// The first moment of a business day: `cutoff_hour` local time, or the first existing moment after it when the clock
/// jumps over it.
///
/// # Errors
/// When the zone or hour is wrong.
pub fn business_day_start(day: Date, zone: &str, cutoff_hour: u8) -> Result<OffsetDateTime, BusinessDayError> {
    let zone = zone_named(zone, cutoff_hour)?;
    let out_of_range = |_| BusinessDayError::OutOfRange;
    let year = i16::try_from(day.year()).map_err(|_| BusinessDayError::OutOfRange)?;
    let date =
        civil::Date::new(year, u8::from(day.month()).cast_signed(), day.day().cast_signed()).map_err(out_of_range)?;
    let zoned = date.at(cutoff_hour.cast_signed(), 0, 0, 0).to_zoned(zone).map_err(out_of_range)?;
    OffsetDateTime::from_unix_timestamp_nanos(zoned.timestamp().as_nanosecond())
        .map_err(|_| BusinessDayError::OutOfRange)
}

fn zone_named(zone: &str, cutoff_hour: u8) -> Result<TimeZone, BusinessDayError> {
    if cutoff_hour > 23 {
        return Err(BusinessDayError::CutOff(cutoff_hour));
    }
    TimeZone::get(zone).map_err(|_| BusinessDayError::UnknownZone(zone.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use time::macros::{date, datetime};

    #[test]
    fn a3_a_night_before_the_cut_off_belongs_to_the_day_before() {
        let night = datetime!(2026-03-01 02:30 +3);
        assert_eq!(business_day(night, "Europe/Moscow", 0), Ok(date!(2026 - 03 - 01)));
        assert_eq!(business_day(night, "Europe/Moscow", 6), Ok(date!(2026 - 02 - 28)));
        assert_eq!(business_day(night, "Asia/Vladivostok", 6), Ok(date!(2026 - 03 - 01)));
    }

    #[test]
    fn unknown_zones_and_hours_are_refused() {
        let at = datetime!(2026-03-01 02:30 UTC);
        assert!(matches!(business_day(at, "Moscow", 0), Err(BusinessDayError::UnknownZone(_))));
        assert_eq!(business_day(at, "UTC", 24), Err(BusinessDayError::CutOff(24)));
    }

    proptest! {
        /// Every moment lies between the start of its day and the start of the next, whatever the zone does.
        #[test]
        fn a3_each_moment_belongs_to_exactly_one_day(
            seconds in 946_684_800i64..2_524_608_000,
            cutoff in 0u8..24,
            zone in prop::sample::select(vec!["Europe/Moscow", "Europe/London", "America/New_York", "Asia/Kolkata", "UTC"]),
        ) {
            let at = OffsetDateTime::from_unix_timestamp(seconds).unwrap();
            let day = business_day(at, zone, cutoff).unwrap();
            prop_assert_eq!(business_day(business_day_start(day, zone, cutoff).unwrap(), zone, cutoff).unwrap(), day);
            // Where the clock falls back over the cut-off the same civil time comes twice; the day may then hold an
            // hour of the next one's start. Civil time decides, so the neighbour days are the farthest it can be.
            let start = business_day_start(day, zone, cutoff).unwrap();
            prop_assert!(at >= start - time::Duration::hours(1) && at < start + time::Duration::hours(26));
        }
    }
}
