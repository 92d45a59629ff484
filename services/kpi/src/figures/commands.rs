//! Sums up days.

use sqlx::PgConnection;
use time::{Date, Duration, OffsetDateTime};

use super::store;

/// Days listed at most in one round.
const BATCH: i64 = 50;

/// When a touched day is summed up again.
#[derive(Clone, Copy, Debug)]
pub struct Due {
    /// After nobody has touched it for so long.
    pub quiet: Duration,
    /// At the latest so long after the first touch.
    pub longest: Duration,
}

/// Touched days that are due, oldest first. Marks that say nothing new are taken away on the way.
///
/// # Errors
/// Database errors.
pub async fn due_days(conn: &mut PgConnection, due: Due, now: OffsetDateTime) -> sqlx::Result<Vec<Date>> {
    store::thin_marks(conn).await?;
    store::due_days(conn, now - due.quiet, now - due.longest, BATCH).await
}

/// Sums up one day and takes away its marks. One summing at a time; nobody else waits.
///
/// # Errors
/// Database errors.
pub async fn sum_day(conn: &mut PgConnection, day: Date) -> sqlx::Result<()> {
    store::lock_summing(conn).await?;
    store::sum_day(conn, day).await
}
