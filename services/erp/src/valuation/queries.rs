//! SQL of the reads of valuation.

use std::collections::HashMap;

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::ledger::domain::Layer;

/// From when on the book may be written to; none when everything may.
pub(crate) async fn period(conn: &mut PgConnection) -> sqlx::Result<Option<OffsetDateTime>> {
    sqlx::query_scalar(
        "-- period
        select closed_before from accounting_period",
    )
    .fetch_one(conn)
    .await
}

/// All statements of the transaction see the moment of its first one.
pub(crate) async fn one_picture(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query(
        "-- one_picture
        set transaction isolation level repeatable read",
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Items that have moved, after a sku.
pub(crate) async fn moved_items(conn: &mut PgConnection, after: &str, limit: i64) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(
        "-- moved_items
        select sku from stock_item where sku > $1 and last_moved_at is not null order by sku limit $2",
    )
    .bind(after)
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// What an item was worth.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct WorthView {
    pub(crate) sku: String,
    pub(crate) on_hand: Decimal,
    pub(crate) value: Decimal,
}

/// What items after a sku were worth at a moment: the snapshot before it and what happened since.
pub(crate) async fn worth_at(
    conn: &mut PgConnection,
    at: OffsetDateTime,
    after: Option<&str>,
    limit: i64,
) -> sqlx::Result<Vec<WorthView>> {
    sqlx::query_as(
        "-- worth_at
        with base as materialized (select max(at) as at from stock_snapshot_moment where at <= $1),
        page as materialized (
            select sku from stock_item where sku > coalesce($2, '') and last_moved_at is not null order by sku limit $3
        )
        select p.sku, coalesce(s.quantity, 0) + coalesce(d.quantity, 0) as on_hand,
            coalesce(s.value, 0) + coalesce(d.value, 0) as value
        from page p
        left join stock_snapshot s on s.sku = p.sku and s.at = (select at from base)
        left join lateral (
            select sum(m.quantity * w.sign) as quantity, sum(m.value * w.sign) as value
            from stock_move m
            join place f on f.id = m.from_place
            join place t on t.id = m.to_place
            cross join lateral (
                select (t.kind in ('stock', 'quarantine', 'transit'))::int - (f.kind in ('stock', 'quarantine', 'transit'))::int
                    as sign
            ) w
            where m.sku = p.sku and m.moved_at <= $1 and m.moved_at >= coalesce((select at from base), '-infinity')
        ) d on true
        order by p.sku",
    )
    .bind(at)
    .bind(after)
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// What all items were worth at a moment.
pub(crate) async fn total_at(conn: &mut PgConnection, at: OffsetDateTime) -> sqlx::Result<Decimal> {
    sqlx::query_scalar(
        "-- total_worth_at
        with base as materialized (select max(at) as at from stock_snapshot_moment where at <= $1)
        select coalesce((select sum(value) from stock_snapshot where at = (select at from base)), 0)
            + coalesce((
                select sum(case when t.kind in ('stock', 'quarantine', 'transit') then m.value else -m.value end)
                from stock_move m
                join place f on f.id = m.from_place
                join place t on t.id = m.to_place
                where m.moved_at <= $1 and m.moved_at >= coalesce((select at from base), '-infinity')
                    and (t.kind in ('stock', 'quarantine', 'transit')) <> (f.kind in ('stock', 'quarantine', 'transit'))
            ), 0)",
    )
    .bind(at)
    .fetch_one(conn)
    .await
}

/// The unit of an item, empty while it is unknown; none when nobody told us of it.
pub(crate) async fn unit(conn: &mut PgConnection, sku: &str) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar(
        "-- unit_of_valued_item
        select coalesce(unit, '') from stock_item where sku = $1",
    )
    .bind(sku)
    .fetch_optional(conn)
    .await
}

/// What an item was worth in a warehouse; empty for goods in transit.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct WarehouseView {
    pub(crate) warehouse: String,
    pub(crate) on_hand: Decimal,
    pub(crate) value: Decimal,
}

/// An item by warehouse at a moment, where there was any.
pub(crate) async fn warehouses_at(
    conn: &mut PgConnection,
    sku: &str,
    at: OffsetDateTime,
) -> sqlx::Result<Vec<WarehouseView>> {
    sqlx::query_as(
        "-- warehouses_of_item_at
        select coalesce(w.code, '') as warehouse, sum(s.quantity) as on_hand, sum(s.value) as value
        from (
            select to_place as place_id, quantity, value from stock_move where sku = $1 and moved_at <= $2
            union all
            select from_place, -quantity, -value from stock_move where sku = $1 and moved_at <= $2
        ) s
        join place p on p.id = s.place_id and p.kind in ('stock', 'quarantine', 'transit')
        left join warehouse w on w.id = p.warehouse_id
        group by w.code having sum(s.quantity) <> 0 or sum(s.value) <> 0
        order by 1",
    )
    .bind(sku)
    .bind(at)
    .fetch_all(conn)
    .await
}

/// A lot in a place.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct LotView {
    pub(crate) lot: String,
    pub(crate) place: String,
    pub(crate) on_hand: Decimal,
}

/// An item by lot and place at a moment, where there was any.
pub(crate) async fn lots_at(conn: &mut PgConnection, sku: &str, at: OffsetDateTime) -> sqlx::Result<Vec<LotView>> {
    sqlx::query_as(
        "-- lots_of_item_at
        select l.number as lot, p.code as place, s.quantity as on_hand
        from (
            select lot_id, place_id, sum(quantity) as quantity
            from (
                select lot_id, to_place as place_id, quantity from stock_move where sku = $1 and moved_at <= $2
                union all
                select lot_id, from_place, -quantity from stock_move where sku = $1 and moved_at <= $2
            ) both_sides
            group by lot_id, place_id having sum(quantity) <> 0
        ) s
        join place p on p.id = s.place_id and p.kind in ('stock', 'quarantine', 'transit')
        join lot l on l.id = s.lot_id
        order by l.number, p.code limit 1000",
    )
    .bind(sku)
    .bind(at)
    .fetch_all(conn)
    .await
}

/// What the goods are worth that lots in places are valued together with; nothing for those whose pool is empty.
pub(crate) async fn pools(conn: &mut PgConnection, keys: &[(Uuid, i64)]) -> sqlx::Result<HashMap<(Uuid, i64), Layer>> {
    let rows: Vec<(Uuid, i64, Decimal, Decimal)> = sqlx::query_as(
        "-- pools_of_lots
        select k.lot_id, k.place_id, sum(c.quantity), sum(c.value)
        from (select distinct * from unnest($1::uuid[], $2::int8[])) as k (lot_id, place_id)
        join lot l on l.id = k.lot_id
        join place p on p.id = k.place_id
        -- A pool is of one lot or of all lots, and none has both.
        join cost_layer c on c.sku = l.sku and c.warehouse_id = p.warehouse_id
            and c.lot_id in (k.lot_id, '00000000-0000-0000-0000-000000000000')
        group by k.lot_id, k.place_id",
    )
    .bind(keys.iter().map(|(lot, _)| *lot).collect::<Vec<_>>())
    .bind(keys.iter().map(|(_, place)| *place).collect::<Vec<_>>())
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|(lot, place, on_hand, value)| ((lot, place), Layer { on_hand, value })).collect())
}
