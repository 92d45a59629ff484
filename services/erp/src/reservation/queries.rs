//! SQL of the reads of reservations.

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// A demand's head.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct DemandView {
    pub(crate) order_id: Uuid,
    pub(crate) kind: String,
    pub(crate) number: String,
    pub(crate) warehouse: String,
    pub(crate) state: String,
    pub(crate) priority: i32,
    pub(crate) placed_at: OffsetDateTime,
    pub(crate) expires_at: Option<OffsetDateTime>,
    pub(crate) channel: String,
    pub(crate) extensions: i32,
    pub(crate) hold_id: Option<Uuid>,
}

/// One demand's head.
pub(crate) async fn demand(conn: &mut PgConnection, order: Uuid) -> sqlx::Result<Option<DemandView>> {
    sqlx::query_as(
        "-- demand_by_order
        select d.order_id, d.kind, d.number, w.code as warehouse, d.state, d.priority, d.placed_at, d.expires_at,
            d.channel, d.extensions, d.hold_id
        from demand d join warehouse w on w.id = d.warehouse_id where d.order_id = $1",
    )
    .bind(order)
    .fetch_optional(conn)
    .await
}

/// A held piece.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct HeldView {
    pub(crate) line_no: i32,
    pub(crate) lot: String,
    pub(crate) place: String,
    pub(crate) quantity: Decimal,
    pub(crate) shipment_id: Option<Uuid>,
}

/// What a demand holds, added up by lot, place and shipment.
pub(crate) async fn held(conn: &mut PgConnection, order: Uuid) -> sqlx::Result<Vec<HeldView>> {
    sqlx::query_as(
        "-- held_lots
        select r.line_no, l.number as lot, p.code as place, sum(r.quantity) as quantity, r.shipment_id
        from reservation r join lot l on l.id = r.lot_id join place p on p.id = r.place_id
        where r.order_id = $1 and r.state = 'active'
        group by r.line_no, l.expires_on, l.received_at, l.number, p.code, r.shipment_id
        order by r.line_no, l.expires_on nulls last, l.received_at, l.number, p.code, r.shipment_id nulls first",
    )
    .bind(order)
    .fetch_all(conn)
    .await
}

/// A line that waits.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct BackorderView {
    pub(crate) order_id: Uuid,
    pub(crate) line_no: i32,
    pub(crate) sku: String,
    pub(crate) unit: String,
    pub(crate) backordered: Decimal,
    pub(crate) priority: i32,
    pub(crate) placed_at: OffsetDateTime,
}

/// Place in the list: sku, priority (turned round), time, order, line.
pub(crate) type BackorderKey = (String, i32, OffsetDateTime, Uuid, i32);

/// Waiting lines after a key, by item, then in the order of service.
pub(crate) async fn backorders(
    conn: &mut PgConnection,
    sku: Option<&str>,
    after: Option<&BackorderKey>,
    limit: i64,
) -> sqlx::Result<Vec<BackorderView>> {
    sqlx::query_as(
        "-- list_backorders
        select order_id, line_no, sku, unit, backordered, priority, placed_at
        from demand_line
        where backordered > 0 and not closed and ($1::text is null or sku = $1)
            and ($2::text is null
                or (sku, -priority, placed_at, order_id, line_no) > ($2 collate \"C\", $3::int4, $4::timestamptz, $5::uuid, $6::int4))
        order by sku, -priority, placed_at, order_id, line_no limit $7",
    )
    .bind(sku)
    .bind(after.map(|key| key.0.as_str()))
    .bind(after.map(|key| key.1))
    .bind(after.map(|key| key.2))
    .bind(after.map(|key| key.3))
    .bind(after.map(|key| key.4))
    .bind(limit)
    .fetch_all(conn)
    .await
}
