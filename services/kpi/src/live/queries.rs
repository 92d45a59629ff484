//! Counts that must stay small.

use sqlx::{FromRow, PgConnection};
use time::OffsetDateTime;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromRow)]
pub(super) struct Waiting {
    /// Confirmed goods orders that the warehouse has not answered.
    pub(super) stuck: i64,
    /// Orders with facts but without placement.
    pub(super) unplaced: i64,
    /// Days to be summed up.
    pub(super) days: i64,
}

/// Counts what waits. Orders confirmed before `since` are stuck.
///
/// # Errors
/// Database errors.
pub(super) async fn waiting(conn: &mut PgConnection, since: OffsetDateTime) -> sqlx::Result<Waiting> {
    sqlx::query_as(
        "-- waiting
        select (select count(*) from order_fact
                where awaiting_since is not null and allocated_at is null and cancelled_at is null
                  and awaiting_since < $1 and lines > 0) as stuck,
               (select count(*) from order_fact where business_day is null) as unplaced,
               (select count(distinct day) from day_mark) as days",
    )
    .bind(since)
    .fetch_one(conn)
    .await
}
