//! Snapshots: what there was at the start of each month, so that a look at the past adds up a month at most.

use sqlx::PgConnection;
use time::{Date, Duration, OffsetDateTime};

use crate::{
    config::Stamp,
    error::Error,
    valuation::{store_past as store, store_snapshots as snapshots},
};

/// A snapshot is made when its moment is so long past that nothing is under way that counts as having happened before it.
const SETTLED: Duration = Duration::days(1);

fn month_after(day: Date) -> Date {
    let (year, month) = (day.year(), day.month());
    let year = if month == time::Month::December { year + 1 } else { year };
    Date::from_calendar_date(year, month.next(), 1).unwrap_or(day)
}

/// The next start of a month after a moment, by the company's calendar.
fn next_month(at: OffsetDateTime, stamp: &Stamp<'_>) -> OffsetDateTime {
    stamp.rules.day_start(month_after(stamp.rules.today(at)))
}

/// Makes the next snapshot that is due. Answers whether there was one.
///
/// # Errors
/// Database errors.
pub(crate) async fn make_next(conn: &mut PgConnection, stamp: &Stamp<'_>) -> Result<bool, Error> {
    store::lock_period(conn).await?;
    let (last, first_move) = snapshots::bounds(conn).await?;
    let Some(from) = last.or(first_move) else { return Ok(false) };
    let at = next_month(from, stamp);
    if at + SETTLED > stamp.now {
        return Ok(false);
    }
    snapshots::make(conn, at, last).await?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::date;

    #[test]
    fn months_follow_each_other() {
        assert_eq!(month_after(date!(2026 - 01 - 31)), date!(2026 - 02 - 01));
        assert_eq!(month_after(date!(2026 - 12 - 01)), date!(2027 - 01 - 01));
    }
}
