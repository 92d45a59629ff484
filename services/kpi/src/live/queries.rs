//! Counts that must stay small.

use sqlx::{FromRow, PgConnection};
use time::OffsetDateTime;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromRow)]
pub(super) struct Waiting {
    /// Orders with facts but without placement.
    pub(super) unplaced: i64,
    /// Days to be summed up.
    pub(super) days: i64,
}

/// Counts what waits.
///
/// # Errors
/// Database errors.
pub(super) async fn waiting(conn: &mut PgConnection) -> sqlx::Result<Waiting> {
    sqlx::query_as(
        "-- waiting
        select (select count(*) from order_fact where business_day is null) as unplaced,
               (select count(distinct day) from day_mark) as days",
    )
    .fetch_one(conn)
    .await
}

/// Orders confirmed before `since` with goods that were neither cancelled nor answered for by the warehouse.
///
/// # Errors
/// Database errors.
pub async fn stuck_orders(conn: &mut PgConnection, since: OffsetDateTime) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "-- stuck_orders
        select count(*) from order_fact o
        where awaiting_since is not null and allocated_at is null and cancelled_at is null
          and awaiting_since < $1
          and exists (select from order_line_fact l
                      where l.order_id = o.order_id and l.goods and l.cancelled_quantity < l.quantity)",
    )
    .bind(since)
    .fetch_one(conn)
    .await
}
