//! SQL of holds: what they have, when they end.

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::{domain::Held, store::HeldRow};

/// A held piece and the lot it is of.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    pub(crate) held: Held,
    /// How much of it another has got meanwhile.
    pub(crate) taken: Decimal,
    pub(crate) warehouse: Uuid,
    pub(crate) expires_on: Option<Date>,
    pub(crate) received_at: OffsetDateTime,
    pub(crate) number: String,
}

impl Piece {
    /// Whether the lot lives that long.
    pub(crate) fn lives(&self, until: Option<Date>) -> bool {
        until.is_none() || self.expires_on.is_none() || self.expires_on >= until
    }
}

#[derive(sqlx::FromRow)]
struct PieceRow {
    #[sqlx(flatten)]
    held: HeldRow,
    warehouse_id: Uuid,
    expires_on: Option<Date>,
    received_at: OffsetDateTime,
    number: String,
}

impl From<PieceRow> for Piece {
    fn from(row: PieceRow) -> Self {
        Self {
            held: row.held.into(),
            taken: Decimal::ZERO,
            warehouse: row.warehouse_id,
            expires_on: row.expires_on,
            received_at: row.received_at,
            number: row.number,
        }
    }
}

/// What demands hold outside of shipments, by demand and line, first to expire first.
pub(crate) async fn pieces(conn: &mut PgConnection, orders: &[Uuid]) -> sqlx::Result<Vec<Piece>> {
    let rows = sqlx::query_as::<_, PieceRow>(
        "-- held_pieces
        select r.id, r.order_id, r.line_no, r.sku, r.lot_id, r.place_id, r.quantity, r.shipment_id, p.warehouse_id,
            l.expires_on, l.received_at, l.number
        from reservation r join lot l on l.id = r.lot_id join place p on p.id = r.place_id
        where r.order_id = any ($1) and r.state = 'active' and r.shipment_id is null
        order by r.order_id, r.line_no, l.expires_on nulls last, l.received_at, l.number, r.place_id, r.id",
    )
    .bind(orders)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Piece::from).collect())
}

/// What carts hold of items, the last made first.
pub(crate) async fn pieces_of_carts(conn: &mut PgConnection, skus: &[String]) -> sqlx::Result<Vec<Piece>> {
    let rows = sqlx::query_as::<_, PieceRow>(
        "-- pieces_of_carts
        select r.id, r.order_id, r.line_no, r.sku, r.lot_id, r.place_id, r.quantity, r.shipment_id, p.warehouse_id,
            l.expires_on, l.received_at, l.number
        from demand d
        join reservation r on r.order_id = d.order_id and r.state = 'active' and r.sku = any ($1)
        join lot l on l.id = r.lot_id join place p on p.id = r.place_id
        where d.state = 'open' and d.expires_at is not null
        order by d.priority, d.placed_at desc, r.order_id desc, r.line_no desc, r.id desc",
    )
    .bind(skus)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Piece::from).collect())
}

/// What decides whether a hold can be extended.
#[derive(sqlx::FromRow)]
pub(crate) struct HoldEnd {
    pub(crate) state: String,
    pub(crate) expires_at: Option<OffsetDateTime>,
    pub(crate) extensions: i32,
}

/// Where a hold stands; its items are locked.
pub(crate) async fn hold_end(conn: &mut PgConnection, hold: Uuid) -> sqlx::Result<Option<HoldEnd>> {
    sqlx::query_as(
        "-- hold_end
        select state, expires_at, extensions from demand where order_id = $1 and kind = 'hold'",
    )
    .bind(hold)
    .fetch_optional(conn)
    .await
}

/// Puts off a hold's end.
pub(crate) async fn extend_hold(conn: &mut PgConnection, hold: Uuid, until: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query(
        "-- extend_hold
        update demand set expires_at = $2, extensions = extensions + 1 where order_id = $1",
    )
    .bind(hold)
    .bind(until)
    .execute(conn)
    .await?;
    Ok(())
}

/// Holds whose time has run out.
pub(crate) async fn holds_to_expire(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    limit: i64,
) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar(
        "-- holds_to_expire
        select order_id from demand where state = 'open' and expires_at <= $1 order by expires_at limit $2",
    )
    .bind(now)
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// Which of these holds are still to end; their items are locked.
pub(crate) async fn still_to_expire(
    conn: &mut PgConnection,
    holds: &[Uuid],
    now: OffsetDateTime,
) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar(
        "-- holds_still_to_expire
        select order_id from demand where order_id = any ($1) and state = 'open' and expires_at <= $2 order by order_id",
    )
    .bind(holds)
    .bind(now)
    .fetch_all(conn)
    .await
}
