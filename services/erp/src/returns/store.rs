//! SQL of returns.

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::domain::Return;

/// Which of these returns are booked.
pub(crate) async fn known(conn: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar(
        "-- known_returns
        select return_id from stock_return where return_id = any ($1)",
    )
    .bind(ids)
    .fetch_all(conn)
    .await
}

/// Books a return.
pub(crate) async fn insert(
    conn: &mut PgConnection,
    one: &Return,
    cost: Decimal,
    unmatched: Decimal,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query(
        "-- insert_stock_return
        insert into stock_return (return_id, order_id, outcome, reason, cost, returned_at, recorded_at, unmatched)
        values ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(one.id)
    .bind(one.order)
    .bind(one.outcome.code())
    .bind(&one.reason)
    .bind(cost)
    .bind(one.returned_at)
    .bind(now)
    .bind(unmatched)
    .execute(conn)
    .await?;
    Ok(())
}
