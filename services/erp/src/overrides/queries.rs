//! SQL of the reads of decisions.

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// A decision.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct OverrideView {
    pub(crate) id: Uuid,
    pub(crate) kind: String,
    pub(crate) order_id: Uuid,
    pub(crate) line_no: Option<i32>,
    pub(crate) other_order_id: Option<Uuid>,
    pub(crate) other_line_no: Option<i32>,
    pub(crate) sku: String,
    pub(crate) lot: String,
    pub(crate) place: String,
    pub(crate) quantity: Option<Decimal>,
    pub(crate) from_priority: Option<i32>,
    pub(crate) to_priority: Option<i32>,
    pub(crate) reason: String,
    pub(crate) approved_by: String,
    pub(crate) done_by: String,
    pub(crate) done_at: OffsetDateTime,
}

/// Decisions about an order, or by which it got something, after an id.
pub(crate) async fn of_order(
    conn: &mut PgConnection,
    order: Uuid,
    after: Option<Uuid>,
    limit: i64,
) -> sqlx::Result<Vec<OverrideView>> {
    sqlx::query_as(
        "-- list_reservation_overrides
        select id, kind, order_id, line_no, other_order_id, other_line_no, sku, lot, place, quantity, from_priority,
            to_priority, reason, approved_by, done_by, done_at
        from (
            (select * from reservation_override where order_id = $1 and ($2::uuid is null or id > $2) order by id limit $3)
            union
            (select * from reservation_override where other_order_id = $1 and ($2::uuid is null or id > $2) order by id limit $3)
        ) both_sides
        order by id limit $3",
    )
    .bind(order)
    .bind(after)
    .bind(limit)
    .fetch_all(conn)
    .await
}
