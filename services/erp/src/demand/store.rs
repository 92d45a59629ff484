//! SQL of demands and their lines.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::domain::{Line, LineDelta, NewDemand};
use crate::warehouses::domain::Warehouse;

/// A demand's head.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Head {
    pub(crate) order_id: Uuid,
    pub(crate) kind: String,
    pub(crate) state: String,
    pub(crate) version: i64,
    pub(crate) warehouse: String,
    pub(crate) placed_at: OffsetDateTime,
}

/// Which of these orders are known.
pub(crate) async fn known(conn: &mut PgConnection, orders: &[Uuid]) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar(
        "-- known_demands
        select order_id from demand where order_id = any ($1)",
    )
    .bind(orders)
    .fetch_all(conn)
    .await
}

/// Heads of demands, unlocked: what they say of state changes only under the locks of the demand's items.
pub(crate) async fn heads(conn: &mut PgConnection, orders: &[Uuid]) -> sqlx::Result<BTreeMap<Uuid, Head>> {
    let rows = sqlx::query_as::<_, Head>(
        "-- demand_heads
        select d.order_id, d.kind, d.state, d.version, w.code as warehouse, d.placed_at
        from demand d join warehouse w on w.id = d.warehouse_id where d.order_id = any ($1)",
    )
    .bind(orders)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|head| (head.order_id, head)).collect())
}

/// Heads of demands, locked in the order of their ids. The last lock of a transaction.
pub(crate) async fn lock(conn: &mut PgConnection, orders: &[Uuid]) -> sqlx::Result<Vec<Head>> {
    sqlx::query_as(
        "-- lock_demands
        select d.order_id, d.kind, d.state, d.version, w.code as warehouse, d.placed_at
        from demand d join warehouse w on w.id = d.warehouse_id
        where d.order_id = any ($1) order by d.order_id for no key update of d",
    )
    .bind(orders)
    .fetch_all(conn)
    .await
}

/// Writes versions of locked demands.
pub(crate) async fn write_versions(conn: &mut PgConnection, versions: &[(Uuid, i64)]) -> sqlx::Result<()> {
    sqlx::query(
        "-- write_demand_versions
        update demand d set version = v.version
        from unnest($1::uuid[], $2::int8[]) as v (order_id, version) where d.order_id = v.order_id",
    )
    .bind(versions.iter().map(|(order, _)| *order).collect::<Vec<_>>())
    .bind(versions.iter().map(|(_, version)| *version).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

/// Inserts demands; each comes with its warehouse. An order begins with its first fact told, a hold with none.
pub(crate) async fn insert(conn: &mut PgConnection, demands: &[(&NewDemand, &Warehouse)]) -> sqlx::Result<()> {
    let kind = |hold: bool| if hold { "hold" } else { "order" };
    sqlx::query(
        "-- insert_demands
        insert into demand (order_id, kind, number, warehouse_id, region, delivery_method, priority, placed_at, expires_at,
            version, channel, hold_id)
        select * from unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::text[], $6::text[], $7::int4[],
            $8::timestamptz[], $9::timestamptz[], $10::int8[], $11::text[], $12::uuid[])",
    )
    .bind(demands.iter().map(|(demand, _)| demand.order_id).collect::<Vec<_>>())
    .bind(demands.iter().map(|(demand, _)| kind(demand.hold)).collect::<Vec<_>>())
    .bind(demands.iter().map(|(demand, _)| demand.number.as_str()).collect::<Vec<_>>())
    .bind(demands.iter().map(|(_, warehouse)| warehouse.id).collect::<Vec<_>>())
    .bind(demands.iter().map(|(demand, _)| demand.region.as_str()).collect::<Vec<_>>())
    .bind(demands.iter().map(|(demand, _)| demand.delivery_method.as_str()).collect::<Vec<_>>())
    .bind(demands.iter().map(|(demand, _)| demand.priority).collect::<Vec<_>>())
    .bind(demands.iter().map(|(demand, _)| demand.placed_at).collect::<Vec<_>>())
    .bind(demands.iter().map(|(demand, _)| demand.expires_at).collect::<Vec<_>>())
    .bind(demands.iter().map(|(demand, _)| i64::from(!demand.hold)).collect::<Vec<_>>())
    .bind(demands.iter().map(|(demand, _)| demand.channel.as_str()).collect::<Vec<_>>())
    .bind(demands.iter().map(|(demand, _)| demand.takes_over).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

/// Inserts the lines of demands with what they got at once.
pub(crate) async fn insert_lines(
    conn: &mut PgConnection,
    demands: &[(&NewDemand, &Warehouse)],
    got: &BTreeMap<(Uuid, i32), Decimal>,
) -> sqlx::Result<()> {
    let lines: Vec<_> = demands
        .iter()
        .flat_map(|(demand, warehouse)| demand.lines.iter().map(move |line| (*demand, warehouse.id, line)))
        .collect();
    sqlx::query(
        "-- insert_demand_lines
        insert into demand_line (order_id, line_no, sku, unit, ordered, reserved, priority, placed_at, warehouse_id,
            min_life_days)
        select * from unnest($1::uuid[], $2::int4[], $3::text[], $4::text[], $5::numeric[], $6::numeric[], $7::int4[],
            $8::timestamptz[], $9::uuid[], $10::int4[])",
    )
    .bind(lines.iter().map(|(demand, _, _)| demand.order_id).collect::<Vec<_>>())
    .bind(lines.iter().map(|(_, _, line)| line.line_no).collect::<Vec<_>>())
    .bind(lines.iter().map(|(_, _, line)| line.sku.as_str()).collect::<Vec<_>>())
    .bind(lines.iter().map(|(_, _, line)| line.unit.as_str()).collect::<Vec<_>>())
    .bind(lines.iter().map(|(_, _, line)| line.quantity).collect::<Vec<_>>())
    .bind(
        lines
            .iter()
            .map(|(demand, _, line)| got.get(&(demand.order_id, line.line_no)).copied().unwrap_or_default())
            .collect::<Vec<_>>(),
    )
    .bind(lines.iter().map(|(demand, _, _)| demand.priority).collect::<Vec<_>>())
    .bind(lines.iter().map(|(demand, _, _)| demand.placed_at).collect::<Vec<_>>())
    .bind(lines.iter().map(|(_, warehouse, _)| *warehouse).collect::<Vec<_>>())
    .bind(lines.iter().map(|(.., line)| line.min_life_days).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct LineRow {
    order_id: Uuid,
    line_no: i32,
    sku: String,
    unit: String,
    ordered: Decimal,
    cancelled: Decimal,
    reserved: Decimal,
    shipped: Decimal,
    backordered: Decimal,
    closed: bool,
    min_life_days: i32,
}

/// All lines of demands, by order and line.
pub(crate) async fn lines(conn: &mut PgConnection, orders: &[Uuid]) -> sqlx::Result<Vec<Line>> {
    let rows = sqlx::query_as::<_, LineRow>(
        "-- demand_lines
        select order_id, line_no, sku, unit, ordered, cancelled, reserved, shipped, backordered, closed, min_life_days
        from demand_line where order_id = any ($1) order by order_id, line_no",
    )
    .bind(orders)
    .fetch_all(conn)
    .await?;
    let line = |row: LineRow| Line {
        order_id: row.order_id,
        line_no: row.line_no,
        sku: row.sku,
        unit: row.unit,
        ordered: row.ordered,
        cancelled: row.cancelled,
        reserved: row.reserved,
        shipped: row.shipped,
        backordered: row.backordered,
        closed: row.closed,
        min_life_days: row.min_life_days,
    };
    Ok(rows.into_iter().map(line).collect())
}

/// Items of demands. What an order wants never changes its items, so this needs no lock.
pub(crate) async fn skus(conn: &mut PgConnection, orders: &[Uuid]) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(
        "-- demand_skus
        select distinct sku from demand_line where order_id = any ($1)",
    )
    .bind(orders)
    .fetch_all(conn)
    .await
}

/// Changes lines; answers item and whether the line is closed for each.
pub(crate) async fn change_lines(
    conn: &mut PgConnection,
    changes: &BTreeMap<(Uuid, i32), LineDelta>,
) -> sqlx::Result<Vec<(Uuid, i32, String, bool)>> {
    if changes.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_as(
        "-- change_demand_lines
        update demand_line l
        set cancelled = l.cancelled + c.cancelled, reserved = l.reserved + c.reserved, shipped = l.shipped + c.shipped
        from unnest($1::uuid[], $2::int4[], $3::numeric[], $4::numeric[], $5::numeric[])
            as c (order_id, line_no, cancelled, reserved, shipped)
        where l.order_id = c.order_id and l.line_no = c.line_no
        returning l.order_id, l.line_no, l.sku, l.closed",
    )
    .bind(changes.keys().map(|(order, _)| *order).collect::<Vec<_>>())
    .bind(changes.keys().map(|(_, line)| *line).collect::<Vec<_>>())
    .bind(changes.values().map(|delta| delta.cancelled).collect::<Vec<_>>())
    .bind(changes.values().map(|delta| delta.reserved).collect::<Vec<_>>())
    .bind(changes.values().map(|delta| delta.shipped).collect::<Vec<_>>())
    .fetch_all(conn)
    .await
}

/// Sets the state of demands, and whether their lines wait.
pub(crate) async fn set_state(conn: &mut PgConnection, orders: &[Uuid], state: &'static str) -> sqlx::Result<()> {
    sqlx::query(
        "-- set_demand_state
        update demand set state = $2 where order_id = any ($1)",
    )
    .bind(orders)
    .bind(state)
    .execute(&mut *conn)
    .await?;
    sqlx::query(
        "-- set_demand_lines_closed
        update demand_line set closed = $2 where order_id = any ($1) and closed <> $2",
    )
    .bind(orders)
    .bind(state != "open")
    .execute(conn)
    .await?;
    Ok(())
}
