//! The SQL of writing recalls.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::error::Error;

/// A recall as erp tells of it.
pub(crate) struct Recall {
    /// Id.
    pub id: Uuid,
    /// Number for people.
    pub number: i64,
    /// How bad it is.
    pub severity: String,
    /// Why.
    pub reason: String,
    /// When.
    pub opened_at: OffsetDateTime,
}

/// Writes what a recall is about; its end, if it is told, stays.
pub(crate) async fn open(conn: &mut PgConnection, recall: &Recall) -> Result<(), Error> {
    sqlx::query(
        "-- open_recall
        insert into recall (recall_id, number, severity, reason, opened_at) values ($1, $2, $3, $4, $5)
        on conflict (recall_id) do update set severity = excluded.severity, reason = excluded.reason,
            opened_at = excluded.opened_at",
    )
    .bind(recall.id)
    .bind(recall.number)
    .bind(&recall.severity)
    .bind(&recall.reason)
    .bind(recall.opened_at)
    .execute(conn)
    .await?;
    Ok(())
}

/// Adds orders to a recall.
pub(crate) async fn add_orders(conn: &mut PgConnection, recall: Uuid, orders: &[Uuid]) -> Result<(), Error> {
    sqlx::query(
        "-- add_recalled_orders
        insert into recalled_order (order_id, recall_id) select id, $1 from unnest($2::uuid[]) as id
        on conflict do nothing",
    )
    .bind(recall)
    .bind(orders)
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends a recall, also one nobody has heard of yet.
pub(crate) async fn close(conn: &mut PgConnection, recall: Uuid, number: i64, at: OffsetDateTime) -> Result<(), Error> {
    sqlx::query(
        "-- close_recall
        insert into recall (recall_id, number, closed_at) values ($1, $2, $3)
        on conflict (recall_id) do update set closed_at = excluded.closed_at",
    )
    .bind(recall)
    .bind(number)
    .bind(at)
    .execute(conn)
    .await?;
    Ok(())
}
