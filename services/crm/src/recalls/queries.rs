//! The SQL of reading recalls.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::error::Error;

/// Whether anything was told of a recall.
pub(crate) async fn known(conn: &mut PgConnection, recall: Uuid) -> Result<bool, Error> {
    let query = "-- recall_is_known\nselect exists (select from recall where recall_id = $1)";
    Ok(sqlx::query_scalar(query).bind(recall).fetch_one(conn).await?)
}

/// An order of a recall.
#[derive(sqlx::FromRow)]
pub(crate) struct OrderRow {
    pub order_id: Uuid,
    pub customer_id: Option<Uuid>,
    pub placed_at: Option<OffsetDateTime>,
}

/// The orders of a recall after one of them, by id.
pub(crate) async fn orders_of(
    conn: &mut PgConnection,
    recall: Uuid,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<OrderRow>, Error> {
    Ok(sqlx::query_as(
        "-- orders_of_recall
        select r.order_id, f.customer_id, f.placed_at
        from recalled_order r left join order_fact f on f.order_id = r.order_id
        where r.recall_id = $1 and ($2::uuid is null or r.order_id > $2)
        order by r.order_id limit $3",
    )
    .bind(recall)
    .bind(after)
    .bind(limit)
    .fetch_all(conn)
    .await?)
}

/// A recall and the order of a customer that it concerns.
#[derive(sqlx::FromRow)]
pub(crate) struct RecallRow {
    pub recall_id: Uuid,
    pub number: i64,
    pub severity: String,
    pub reason: String,
    pub order_id: Uuid,
    pub opened_at: Option<OffsetDateTime>,
    pub closed_at: Option<OffsetDateTime>,
}

/// The recalls of a customer's orders, the newest first.
pub(crate) async fn recalls_of(
    conn: &mut PgConnection,
    customer: Uuid,
    only_open: bool,
    limit: i64,
) -> Result<Vec<RecallRow>, Error> {
    Ok(sqlx::query_as(
        "-- recalls_of_customer
        select r.recall_id, r.number, r.severity, r.reason, o.order_id, r.opened_at, r.closed_at
        from order_fact f
        join recalled_order o on o.order_id = f.order_id
        join recall r on r.recall_id = o.recall_id
        where f.customer_id = $1 and (not $2 or r.closed_at is null)
        order by r.number desc, o.order_id limit $3",
    )
    .bind(customer)
    .bind(only_open)
    .bind(limit)
    .fetch_all(conn)
    .await?)
}
