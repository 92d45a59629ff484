//! The SQL of reading orders.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::domain::OrderFact;
use super::store::FactRow;
use crate::error::Error;

/// The fact of one order.
pub(crate) async fn order(conn: &mut PgConnection, order_id: Uuid) -> Result<Option<OrderFact>, Error> {
    let row: Option<FactRow> = sqlx::query_as(
        "-- order_fact_by_id
        select order_id, customer_id, resolved_at, customer_created, resolve_notes, placed_at, channel, region,
            currency, gross, discount, tax, total, cancelled_amount, cancelled_discount, cancelled_tax,
            returned_amount, returned_tax, cancelled, completed, returns, defect_returns, shipments,
            failed_shipments, cost, '[]'::json as lines
        from order_fact where order_id = $1",
    )
    .bind(order_id)
    .fetch_optional(conn)
    .await?;
    Ok(row.map(OrderFact::from))
}

/// The orders of a customer, the newest first.
pub(crate) async fn orders_of(
    conn: &mut PgConnection,
    customer_id: Uuid,
    after: Option<(OffsetDateTime, Uuid)>,
    limit: i64,
) -> Result<Vec<OrderFact>, Error> {
    let (after_at, after_id) = after.unzip();
    let rows: Vec<FactRow> = sqlx::query_as(
        "-- order_facts_of_customer
        select order_id, customer_id, resolved_at, customer_created, resolve_notes, placed_at, channel, region,
            currency, gross, discount, tax, total, cancelled_amount, cancelled_discount, cancelled_tax,
            returned_amount, returned_tax, cancelled, completed, returns, defect_returns, shipments,
            failed_shipments, cost, '[]'::json as lines
        from order_fact
        where customer_id = $1 and placed_at is not null
          and ($2::timestamptz is null or (placed_at, order_id) < ($2, $3::uuid))
        order by placed_at desc, order_id desc
        limit $4",
    )
    .bind(customer_id)
    .bind(after_at)
    .bind(after_id)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(OrderFact::from).collect())
}
