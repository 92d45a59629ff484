//! How the facts are.

use sqlx::{FromRow, PgConnection};
use time::OffsetDateTime;

/// State of the facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromRow)]
pub(super) struct FactsStatus {
    pub(super) generation: i64,
    pub(super) rebuilt_at: Option<OffsetDateTime>,
    pub(super) unplaced: i64,
    pub(super) days: i64,
    pub(super) wrong_totals: i64,
}

pub(super) async fn status(conn: &mut PgConnection) -> sqlx::Result<FactsStatus> {
    sqlx::query_as(
        "-- facts_status
        select generation, rebuilt_at,
               (select count(*) from order_fact where business_day is null) as unplaced,
               (select count(distinct day) from day_mark) as days,
               (select count(*) from order_fact where business_day is not null and stated_total <> placed)
                   as wrong_totals
        from facts_generation",
    )
    .fetch_one(conn)
    .await
}
