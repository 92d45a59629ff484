//! SQL of waves.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::domain::PickLine;

/// Lets one wave at a time be planned for a warehouse, so that two do not want the same orders.
pub(super) async fn lock_warehouse(conn: &mut PgConnection, warehouse: Uuid) -> sqlx::Result<()> {
    sqlx::query(
        "-- lock_warehouse_to_plan
        select from warehouse where id = $1 for no key update",
    )
    .bind(warehouse)
    .execute(conn)
    .await?;
    Ok(())
}

/// What a wave is planned for.
pub(super) struct Plan<'a> {
    pub(super) id: Uuid,
    pub(super) warehouse: Uuid,
    pub(super) region: &'a str,
    pub(super) delivery_method: &'a str,
}

/// Inserts a planned wave with its orders, tote by tote.
pub(super) async fn insert(
    conn: &mut PgConnection,
    plan: &Plan<'_>,
    orders: &[Uuid],
    now: OffsetDateTime,
    by: &str,
) -> sqlx::Result<()> {
    sqlx::query(
        "-- insert_wave
        insert into wave (id, warehouse_id, region, delivery_method, created_by, created_at) values ($1, $2, $3, $4, $5, $6)",
    )
    .bind(plan.id)
    .bind(plan.warehouse)
    .bind(plan.region)
    .bind(plan.delivery_method)
    .bind(by)
    .bind(now)
    .execute(&mut *conn)
    .await?;
    sqlx::query(
        "-- insert_wave_orders
        insert into wave_order (wave_id, tote, order_id)
        select $1, o.n, o.id from unnest($2::uuid[]) with ordinality as o (id, n)",
    )
    .bind(plan.id)
    .bind(orders)
    .execute(conn)
    .await?;
    Ok(())
}

/// A wave's head.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Head {
    pub(super) number: i64,
    pub(super) state: String,
    pub(super) warehouse: String,
}

/// Locks a wave. After items and shipments.
pub(super) async fn lock(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Head>> {
    sqlx::query_as(
        "-- lock_wave
        select v.number, v.state, w.code as warehouse
        from wave v join warehouse w on w.id = v.warehouse_id where v.id = $1 for no key update of v",
    )
    .bind(id)
    .fetch_optional(conn)
    .await
}

/// State of a wave, unlocked.
pub(super) async fn state(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar(
        "-- wave_state
        select state from wave where id = $1",
    )
    .bind(id)
    .fetch_optional(conn)
    .await
}

/// Orders of a wave by tote. They never change once it is planned.
pub(super) async fn orders(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar(
        "-- orders_of_wave
        select order_id from wave_order where wave_id = $1 order by tote",
    )
    .bind(id)
    .fetch_all(conn)
    .await
}

/// Starts a wave with the shipments of its orders.
pub(super) async fn start(
    conn: &mut PgConnection,
    id: Uuid,
    shipments: &BTreeMap<Uuid, Uuid>,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query(
        "-- start_wave
        update wave set state = 'started', started_at = $2 where id = $1 and state = 'planned'",
    )
    .bind(id)
    .bind(now)
    .execute(&mut *conn)
    .await?;
    sqlx::query(
        "-- start_wave_orders
        update wave_order o set planned = false, shipment_id = s.shipment_id
        from wave_order p left join unnest($2::uuid[], $3::uuid[]) as s (order_id, shipment_id) on s.order_id = p.order_id
        where p.wave_id = $1 and o.wave_id = p.wave_id and o.tote = p.tote",
    )
    .bind(id)
    .bind(shipments.keys().copied().collect::<Vec<_>>())
    .bind(shipments.values().copied().collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

/// Gives up a planned wave.
pub(super) async fn cancel(conn: &mut PgConnection, id: Uuid, now: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query(
        "-- cancel_wave
        update wave set state = 'cancelled', ended_at = $2 where id = $1 and state = 'planned'",
    )
    .bind(id)
    .bind(now)
    .execute(&mut *conn)
    .await?;
    sqlx::query(
        "-- free_wave_orders
        update wave_order set planned = false where wave_id = $1",
    )
    .bind(id)
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends a wave in which nothing is picked any more; its row is locked.
pub(super) async fn end_if_done(conn: &mut PgConnection, id: Uuid, now: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query(
        "-- end_wave_if_done
        update wave v set ended_at = $2
        where v.id = $1 and v.state = 'started' and v.ended_at is null and not exists (
            select from wave_order o join shipment s on s.id = o.shipment_id where o.wave_id = v.id and s.state = 'picking'
        )",
    )
    .bind(id)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct LineRow {
    tote: i32,
    order_id: Uuid,
    shipment_id: Uuid,
    line_no: i32,
    sku: String,
    barcode: String,
    unit: String,
    lot_id: Uuid,
    lot_number: String,
    place_id: i64,
    place_code: String,
    place_barcode: String,
    quantity: Decimal,
    remaining: Decimal,
}

impl From<LineRow> for PickLine {
    fn from(row: LineRow) -> Self {
        Self {
            tote: row.tote,
            order: row.order_id,
            shipment: row.shipment_id,
            line_no: row.line_no,
            sku: row.sku,
            barcode: row.barcode,
            unit: row.unit,
            lot: row.lot_id,
            lot_number: row.lot_number,
            place: row.place_id,
            place_code: row.place_code,
            place_barcode: row.place_barcode,
            quantity: row.quantity,
            left: row.remaining,
        }
    }
}

/// The picking list of a wave. What is left of an item's lines changes only under the item's lock.
pub(super) async fn lines(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Vec<PickLine>> {
    let rows = sqlx::query_as::<_, LineRow>(
        "-- lines_of_wave
        select o.tote, o.order_id, o.shipment_id, l.line_no, l.sku, i.barcode, l.unit, l.lot_id, b.number as lot_number,
            l.place_id, p.code as place_code, p.barcode as place_barcode, l.quantity,
            case when s.state = 'picking' then l.quantity - l.scanned else 0 end as remaining
        from wave_order o
        join shipment s on s.id = o.shipment_id and s.state <> 'cancelled'
        join shipment_line l on l.shipment_id = s.id and l.quantity > 0
        join stock_item i on i.sku = l.sku
        join lot b on b.id = l.lot_id
        join place p on p.id = l.place_id
        where o.wave_id = $1
        order by o.tote, l.line_no",
    )
    .bind(id)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(PickLine::from).collect())
}
