//! SQL of pickups.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::domain::Pickup;

#[derive(sqlx::FromRow)]
struct Row {
    shipment_id: Uuid,
    order_id: Uuid,
    code: String,
    attempts: i32,
    state: String,
    issued_at: OffsetDateTime,
    expires_at: OffsetDateTime,
}

impl From<Row> for Pickup {
    fn from(row: Row) -> Self {
        Self {
            shipment: row.shipment_id,
            order: row.order_id,
            code: row.code,
            attempts: row.attempts,
            state: row.state,
            issued_at: row.issued_at,
            expires_at: row.expires_at,
        }
    }
}

/// How an order is delivered and from which warehouse.
pub(super) async fn delivery_of(conn: &mut PgConnection, order: Uuid) -> sqlx::Result<Option<(String, String)>> {
    sqlx::query_as(
        "-- delivery_of_order
        select d.delivery_method, w.code from demand d join warehouse w on w.id = d.warehouse_id where d.order_id = $1",
    )
    .bind(order)
    .fetch_optional(conn)
    .await
}

/// Issues a code.
pub(super) async fn insert(conn: &mut PgConnection, pickup: &Pickup) -> sqlx::Result<()> {
    sqlx::query(
        "-- insert_pickup
        insert into pickup (shipment_id, order_id, code, issued_at, expires_at) values ($1, $2, $3, $4, $5)",
    )
    .bind(pickup.shipment)
    .bind(pickup.order)
    .bind(&pickup.code)
    .bind(pickup.issued_at)
    .bind(pickup.expires_at)
    .execute(conn)
    .await?;
    Ok(())
}

/// Reads a pickup.
pub(super) async fn get(conn: &mut PgConnection, shipment: Uuid) -> sqlx::Result<Option<Pickup>> {
    let row = sqlx::query_as::<_, Row>(
        "-- pickup_by_shipment
        select shipment_id, order_id, code, attempts, state, issued_at, expires_at from pickup where shipment_id = $1",
    )
    .bind(shipment)
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Pickup::from))
}

/// Reads a pickup and locks it.
pub(super) async fn lock(conn: &mut PgConnection, shipment: Uuid) -> sqlx::Result<Option<Pickup>> {
    let row = sqlx::query_as::<_, Row>(
        "-- lock_pickup
        select shipment_id, order_id, code, attempts, state, issued_at, expires_at
        from pickup where shipment_id = $1 for no key update",
    )
    .bind(shipment)
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Pickup::from))
}

/// Counts a wrong code.
pub(super) async fn count_attempt(conn: &mut PgConnection, shipment: Uuid) -> sqlx::Result<()> {
    sqlx::query(
        "-- count_pickup_attempt
        update pickup set attempts = attempts + 1 where shipment_id = $1",
    )
    .bind(shipment)
    .execute(conn)
    .await?;
    Ok(())
}

/// Issues another code.
pub(super) async fn reissue(conn: &mut PgConnection, pickup: &Pickup) -> sqlx::Result<()> {
    sqlx::query(
        "-- reissue_pickup_code
        update pickup set code = $2, attempts = 0, issued_at = $3, expires_at = $4 where shipment_id = $1",
    )
    .bind(pickup.shipment)
    .bind(&pickup.code)
    .bind(pickup.issued_at)
    .bind(pickup.expires_at)
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends a pickup that waits.
pub(super) async fn end(
    conn: &mut PgConnection,
    shipment: Uuid,
    state: &'static str,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query(
        "-- end_pickup
        update pickup set state = $2, ended_at = $3 where shipment_id = $1 and state = 'waiting'",
    )
    .bind(shipment)
    .bind(state)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}

/// The pickup whose time has been up longest.
pub(super) async fn next_to_expire(conn: &mut PgConnection, now: OffsetDateTime) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar(
        "-- next_pickup_to_expire
        select shipment_id from pickup where state = 'waiting' and expires_at <= $1 order by expires_at limit 1",
    )
    .bind(now)
    .fetch_optional(conn)
    .await
}
