//! SQL of the reads of waves.

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// A wave's head.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct WaveView {
    pub(super) id: Uuid,
    pub(super) number: i64,
    pub(super) state: String,
    pub(super) warehouse: String,
    pub(super) region: String,
    pub(super) delivery_method: String,
    pub(super) created_by: String,
    pub(super) created_at: OffsetDateTime,
    pub(super) started_at: Option<OffsetDateTime>,
    pub(super) orders: i64,
    pub(super) lines_left: i64,
    pub(super) picking: bool,
}

/// One wave.
pub(super) async fn wave(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<WaveView>> {
    sqlx::query_as(
        "-- wave_by_id
        select v.id, v.number, v.state, w.code as warehouse, v.region, v.delivery_method, v.created_by, v.created_at,
            v.started_at, (select count(*) from wave_order o where o.wave_id = v.id) as orders,
            0::int8 as lines_left,
            exists (
                select from wave_order o join shipment s on s.id = o.shipment_id
                where o.wave_id = v.id and s.state = 'picking'
            ) as picking
        from wave v join warehouse w on w.id = v.warehouse_id where v.id = $1",
    )
    .bind(id)
    .fetch_optional(conn)
    .await
}

/// Waves that are not over, oldest first.
pub(super) async fn open(
    conn: &mut PgConnection,
    after: Option<(OffsetDateTime, Uuid)>,
    limit: i64,
) -> sqlx::Result<Vec<WaveView>> {
    sqlx::query_as(
        "-- open_waves
        select * from (
            select v.id, v.number, v.state, w.code as warehouse, v.region, v.delivery_method, v.created_by, v.created_at,
                v.started_at, c.orders, c.lines_left, c.picking
            from wave v join warehouse w on w.id = v.warehouse_id
            cross join lateral (
                select count(distinct o.tote) as orders, coalesce(bool_or(s.state = 'picking'), false) as picking,
                    count(*) filter (where s.state = 'picking' and l.scanned < l.quantity) as lines_left
                from wave_order o
                left join shipment s on s.id = o.shipment_id
                left join shipment_line l on l.shipment_id = s.id
                where o.wave_id = v.id
            ) c
            where v.ended_at is null and ($1::timestamptz is null or (v.created_at, v.id) > ($1, $2))
        ) q
        where q.picking or q.state = 'planned'
        order by q.created_at, q.id limit $3",
    )
    .bind(after.map(|key| key.0))
    .bind(after.map(|key| key.1))
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// An order of a wave.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct OrderView {
    pub(super) tote: i32,
    pub(super) order_id: Uuid,
    pub(super) number: String,
    pub(super) shipment_id: Option<Uuid>,
    pub(super) state: Option<String>,
}

/// Orders of a wave by tote.
pub(super) async fn orders(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Vec<OrderView>> {
    sqlx::query_as(
        "-- wave_orders
        select o.tote, o.order_id, d.number, o.shipment_id, s.state
        from wave_order o join demand d on d.order_id = o.order_id left join shipment s on s.id = o.shipment_id
        where o.wave_id = $1 order by o.tote",
    )
    .bind(id)
    .fetch_all(conn)
    .await
}

/// A line of a picking list.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct LineView {
    pub(super) place: String,
    pub(super) zone: String,
    pub(super) bin: String,
    pub(super) sku: String,
    pub(super) name: String,
    pub(super) unit: String,
    pub(super) lot: String,
    pub(super) tote: i32,
    pub(super) quantity: Decimal,
    pub(super) taken: Decimal,
}

/// The picking list in the order in which the bins are walked by.
pub(super) async fn route(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Vec<LineView>> {
    sqlx::query_as(
        "-- route_of_wave
        select p.code as place, p.zone, p.bin, l.sku, i.name, l.unit, b.number as lot, o.tote, l.quantity,
            case when s.state = 'picking' then l.scanned else l.quantity end as taken
        from wave_order o
        join shipment s on s.id = o.shipment_id and s.state <> 'cancelled'
        join shipment_line l on l.shipment_id = s.id and l.quantity > 0
        join stock_item i on i.sku = l.sku
        join lot b on b.id = l.lot_id
        join place p on p.id = l.place_id
        where o.wave_id = $1
        order by p.zone, p.pick_sequence, p.bin, p.code, l.sku, b.number, o.tote",
    )
    .bind(id)
    .fetch_all(conn)
    .await
}
