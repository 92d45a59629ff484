//! SQL of the reads of shipments and queues.

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// A shipment's head.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct ShipmentView {
    pub(crate) id: Uuid,
    pub(crate) order_id: Uuid,
    pub(crate) state: String,
    pub(crate) warehouse: String,
    pub(crate) places: i32,
    pub(crate) weight_grams: Option<Decimal>,
    pub(crate) carrier: String,
    pub(crate) tracking_number: String,
    pub(crate) cost: Decimal,
    pub(crate) failure: String,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) shipped_at: Option<OffsetDateTime>,
    pub(crate) ended_at: Option<OffsetDateTime>,
}

/// A shipment's line.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct ItemView {
    pub(crate) shipment_id: Uuid,
    pub(crate) line_no: i32,
    pub(crate) sku: String,
    pub(crate) unit: String,
    pub(crate) lot: String,
    pub(crate) place: String,
    pub(crate) planned: Decimal,
    pub(crate) quantity: Decimal,
    pub(crate) cost: Decimal,
    pub(crate) returned: Decimal,
}

/// One shipment, or an order's, oldest first.
pub(crate) async fn shipments(
    conn: &mut PgConnection,
    id: Option<Uuid>,
    order: Option<Uuid>,
) -> sqlx::Result<(Vec<ShipmentView>, Vec<ItemView>)> {
    let heads = sqlx::query_as::<_, ShipmentView>(
        "-- shipments_by_id_or_order
        select s.id, s.order_id, s.state, w.code as warehouse, s.places, s.weight_grams, s.carrier, s.tracking_number, s.cost,
            s.failure, s.created_at, s.shipped_at, s.ended_at
        from shipment s join demand d on d.order_id = s.order_id join warehouse w on w.id = d.warehouse_id
        where s.id = $1 or s.order_id = $2
        order by s.created_at, s.id limit 500",
    )
    .bind(id)
    .bind(order)
    .fetch_all(&mut *conn)
    .await?;
    let lines = sqlx::query_as::<_, ItemView>(
        "-- items_of_shipments
        select s.shipment_id, s.line_no, s.sku, s.unit, l.number as lot, p.code as place, s.planned, s.quantity, s.cost,
            s.returned
        from shipment_line s join lot l on l.id = s.lot_id join place p on p.id = s.place_id
        where s.shipment_id = any ($1)
        order by s.shipment_id, s.line_no, l.expires_on nulls last, l.received_at, l.number, s.place_id",
    )
    .bind(heads.iter().map(|head| head.id).collect::<Vec<_>>())
    .fetch_all(conn)
    .await?;
    Ok((heads, lines))
}

/// An entry of a queue.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct QueueView {
    pub(crate) order_id: Uuid,
    pub(crate) number: String,
    pub(crate) shipment_id: Option<Uuid>,
    pub(crate) state: Option<String>,
    pub(crate) region: String,
    pub(crate) delivery_method: String,
    pub(crate) priority: i32,
    pub(crate) since: OffsetDateTime,
    pub(crate) lines: i64,
    pub(crate) warehouse: String,
}

/// Orders that hold goods in no shipment, by the time they were placed.
pub(crate) async fn to_pick(
    conn: &mut PgConnection,
    region: Option<&str>,
    after: Option<(OffsetDateTime, Uuid)>,
    limit: i64,
) -> sqlx::Result<Vec<QueueView>> {
    sqlx::query_as(
        "-- queue_to_pick
        select d.order_id, d.number, null::uuid as shipment_id, null::text as state, d.region, d.delivery_method, d.priority,
            d.placed_at as since, r.lines, w.code as warehouse
        from (
            select order_id, count(distinct line_no) as lines
            from reservation where state = 'active' and shipment_id is null group by order_id
        ) r
        join demand d on d.order_id = r.order_id and d.kind = 'order'
        join warehouse w on w.id = d.warehouse_id
        where ($1::text is null or d.region = $1)
            and ($2::timestamptz is null or (d.placed_at, d.order_id) > ($2, $3))
        order by d.placed_at, d.order_id limit $4",
    )
    .bind(region)
    .bind(after.map(|key| key.0))
    .bind(after.map(|key| key.1))
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// Shipments in states, by the time picking began.
pub(crate) async fn in_states(
    conn: &mut PgConnection,
    states: &[&str],
    region: Option<&str>,
    after: Option<(OffsetDateTime, Uuid)>,
    limit: i64,
) -> sqlx::Result<Vec<QueueView>> {
    sqlx::query_as(
        "-- queue_of_shipments
        select s.order_id, d.number, s.id as shipment_id, s.state, d.region, d.delivery_method, d.priority,
            s.created_at as since,
            (select count(distinct l.line_no) from shipment_line l where l.shipment_id = s.id and l.quantity > 0) as lines,
            w.code as warehouse
        from shipment s
        join demand d on d.order_id = s.order_id
        join warehouse w on w.id = d.warehouse_id
        where s.state = any ($1) and s.state in ('picking', 'picked', 'packed', 'shipped')
            and ($2::text is null or d.region = $2)
            and ($3::timestamptz is null or (s.created_at, s.id) > ($3, $4))
        order by s.created_at, s.id limit $5",
    )
    .bind(states)
    .bind(region)
    .bind(after.map(|key| key.0))
    .bind(after.map(|key| key.1))
    .bind(limit)
    .fetch_all(conn)
    .await
}
