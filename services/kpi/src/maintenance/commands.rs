//! Empties the facts.

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::store;

/// Empties all facts and the inbox, and returns the number of the new generation.
///
/// Waits for reports and consumers that run, and they wait for it: what a consumer applies after this is applied to the
/// empty facts, and its inbox says so, hence nothing is lost or counted twice when the replayed events come.
///
/// # Errors
/// Database errors.
pub(super) async fn empty(conn: &mut PgConnection, now: OffsetDateTime) -> sqlx::Result<i64> {
    store::wait_for_reports(conn).await?;
    store::empty(conn).await?;
    store::next_generation(conn, now).await
}
