//! Counting demand.

use sqlx::PgConnection;
use time::{Date, Duration, OffsetDateTime};

use super::store;
use crate::error::Error;

/// Facts are looked at again for so long after they happened: a transaction that told one may have been slow to commit.
const SLACK: Duration = Duration::minutes(10);

/// Days counted in one transaction at most.
pub(crate) const DAYS: usize = 31;

/// Days that must be counted (again).
///
/// # Errors
/// Database errors.
pub(crate) async fn days_to_count(conn: &mut PgConnection, zone: &str) -> Result<Vec<Date>, Error> {
    Ok(match store::mark(conn).await? {
        None => store::all_days(conn, zone).await?,
        Some(at) => store::changed_days(conn, at - SLACK, zone).await?,
    })
}

/// Counts some days.
///
/// # Errors
/// Database errors.
pub(crate) async fn count(conn: &mut PgConnection, days: &[Date], zone: &str) -> Result<(), Error> {
    store::lock(conn).await?;
    Ok(store::count(conn, days, zone).await?)
}

/// Notes that all days changed before `seen_at` are counted.
///
/// # Errors
/// Database errors.
pub(crate) async fn counted(conn: &mut PgConnection, seen_at: OffsetDateTime) -> Result<(), Error> {
    Ok(store::set_mark(conn, seen_at).await?)
}
