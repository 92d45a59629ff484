//! Closing and opening periods.

use sqlx::PgConnection;
use time::Date;

use crate::{config::Stamp, error::Error, valuation::store_past as store};

/// The day after.
fn next(day: Date) -> Date {
    day.next_day().unwrap_or(day)
}

/// Closes everything up to and including a day.
///
/// # Errors
/// [`Error::PeriodNotOver`]; [`Error::PeriodClosed`] when later days are closed already.
pub(crate) async fn close(
    conn: &mut PgConnection,
    through: Date,
    reason: &str,
    stamp: &Stamp<'_>,
) -> Result<Date, Error> {
    if through >= stamp.today() {
        return Err(Error::PeriodNotOver(through));
    }
    let open_from = stamp.rules.day_start(next(through));
    match store::lock_period(conn).await? {
        Some(closed_before) if closed_before > open_from => return Err(Error::PeriodClosed(closed_before)),
        _ => {}
    }
    let event = (service::new_id(), "close", Some(through), reason);
    store::set_period(conn, Some(open_from), event, (stamp.now, stamp.by)).await?;
    Ok(through)
}

/// Opens a day and everything after it. Answers the last day that is still closed.
///
/// # Errors
/// [`Error::PeriodOpen`].
pub(crate) async fn reopen(
    conn: &mut PgConnection,
    from: Date,
    reason: &str,
    stamp: &Stamp<'_>,
) -> Result<Date, Error> {
    let open_from = stamp.rules.day_start(from);
    if store::lock_period(conn).await?.is_none_or(|closed_before| closed_before <= open_from) {
        return Err(Error::PeriodOpen(from));
    }
    let last = from.previous_day().unwrap_or(from);
    store::set_period(conn, Some(open_from), (service::new_id(), "reopen", Some(last), reason), (stamp.now, stamp.by))
        .await?;
    Ok(last)
}
