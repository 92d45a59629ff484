//! SQL of decisions.

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::domain::{FreePlace, Grounds};

/// What is free of a lot that may be sold, in the bins of a warehouse or in one of them, by bin; the item is locked.
/// Expired goods are not.
pub(crate) async fn free_of_lot(
    conn: &mut PgConnection,
    lot: Uuid,
    warehouse: Uuid,
    place: Option<i64>,
    today: Date,
) -> sqlx::Result<Vec<FreePlace>> {
    let rows: Vec<(i64, Decimal)> = sqlx::query_as(
        "-- free_of_lot
        select place_id, on_hand - reserved from stock_balance
        where lot_id = $1 and warehouse_id = $2 and ($3::int8 is null or place_id = $3)
            and sellable and on_hand > reserved and (expires_on is null or expires_on >= $4)
        order by place_id",
    )
    .bind(lot)
    .bind(warehouse)
    .bind(place)
    .bind(today)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|(place, free)| FreePlace { place, free }).collect())
}

/// The warehouse each line is served from.
pub(crate) async fn warehouse_of_line(
    conn: &mut PgConnection,
    (order, line_no): (Uuid, i32),
) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar(
        "-- warehouse_of_line
        select warehouse_id from demand_line where order_id = $1 and line_no = $2",
    )
    .bind(order)
    .bind(line_no)
    .fetch_optional(conn)
    .await
}

/// Changes the priority of a demand's lines; its items are locked. Answers what it was.
pub(crate) async fn set_priority_of_lines(conn: &mut PgConnection, order: Uuid, priority: i32) -> sqlx::Result<i32> {
    sqlx::query(
        "-- set_priority_of_lines
        update demand_line set priority = $2 where order_id = $1",
    )
    .bind(order)
    .bind(priority)
    .execute(&mut *conn)
    .await?;
    sqlx::query_scalar(
        "-- priority_of_demand
        select priority from demand where order_id = $1",
    )
    .bind(order)
    .fetch_one(conn)
    .await
}

/// Changes the priority of a locked demand.
pub(crate) async fn set_priority(conn: &mut PgConnection, order: Uuid, priority: i32) -> sqlx::Result<()> {
    sqlx::query(
        "-- set_priority_of_demand
        update demand set priority = $2 where order_id = $1",
    )
    .bind(order)
    .bind(priority)
    .execute(conn)
    .await?;
    Ok(())
}

/// A decision to keep.
#[derive(Clone, Debug, Default)]
pub(crate) struct Decision {
    pub(crate) kind: &'static str,
    pub(crate) order: Uuid,
    pub(crate) line_no: Option<i32>,
    pub(crate) other: Option<(Uuid, i32)>,
    pub(crate) sku: String,
    pub(crate) lot: String,
    pub(crate) place: String,
    pub(crate) quantity: Option<Decimal>,
    pub(crate) priority: Option<(i32, i32)>,
}

/// Keeps a decision.
pub(crate) async fn insert(
    conn: &mut PgConnection,
    decision: &Decision,
    grounds: &Grounds,
    by: &str,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query(
        "-- insert_reservation_override
        insert into reservation_override (id, kind, order_id, line_no, other_order_id, other_line_no, sku, lot, place,
            quantity, from_priority, to_priority, reason, approved_by, done_by, done_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
    )
    .bind(service::new_id())
    .bind(decision.kind)
    .bind(decision.order)
    .bind(decision.line_no)
    .bind(decision.other.map(|(order, _)| order))
    .bind(decision.other.map(|(_, line_no)| line_no))
    .bind(&decision.sku)
    .bind(&decision.lot)
    .bind(&decision.place)
    .bind(decision.quantity)
    .bind(decision.priority.map(|(before, _)| before))
    .bind(decision.priority.map(|(_, after)| after))
    .bind(&grounds.reason)
    .bind(&grounds.approved_by)
    .bind(by)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}
