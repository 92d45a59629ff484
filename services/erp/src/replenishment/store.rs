//! SQL of levels and marks; policies in `store_policies.rs`.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::domain::{Class, Level, Method, Stock, Target};

/// An item in a warehouse.
pub(super) type Key = (String, Uuid);

/// Lets only one transaction at a time write levels or policies. The first lock such a transaction takes.
pub(crate) async fn lock(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query(
        "-- lock_replenishment
        select pg_advisory_xact_lock(hashtext('erp.replenishment'))",
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The position of a mark; none when it was never set.
pub(super) async fn mark(conn: &mut PgConnection, name: &str) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar(
        "-- replenishment_mark
        select position from replenishment_mark where name = $1",
    )
    .bind(name)
    .fetch_optional(conn)
    .await
}

/// Sets a mark.
pub(super) async fn set_mark(
    conn: &mut PgConnection,
    name: &str,
    position: i64,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query(
        "-- set_replenishment_mark
        insert into replenishment_mark (name, position, at) values ($1, $2, $3)
        on conflict (name) do update set position = excluded.position, at = excluded.at",
    )
    .bind(name)
    .bind(position)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}

/// The oldest transaction that has not ended: what later ones write is not all to be seen yet.
pub(super) async fn oldest_transaction(conn: &mut PgConnection) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "-- oldest_transaction
        select pg_snapshot_xmin(pg_current_snapshot())::text::int8",
    )
    .fetch_one(conn)
    .await
}

/// Items written by a transaction or later ones. Row versions carry the last 32 bits of the number of the transaction that
/// wrote them, hence the arithmetic; a row so old that it seems new again is looked at once too often.
pub(super) async fn items_written_since(conn: &mut PgConnection, transaction: i64) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(
        "-- items_written_since
        select sku from stock_item where ((xmin::text::int8 - $1::int8) & 4294967295) < 2147483648 order by sku",
    )
    .bind(transaction)
    .fetch_all(conn)
    .await
}

/// All items.
pub(super) async fn all_items(conn: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(
        "-- all_items
        select sku from stock_item order by sku",
    )
    .fetch_all(conn)
    .await
}

/// Known items after a sku whose level was calculated before a moment or from other policies.
pub(super) async fn items_to_calculate(
    conn: &mut PgConnection,
    after: &str,
    (since, policies): (OffsetDateTime, i64),
    limit: i64,
) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(
        "-- items_to_calculate
        select i.sku from stock_item i
        where i.unit is not null and i.sku > $1 and not exists (
            select from stock_level l
            where l.sku = i.sku and l.warehouse_id = '00000000-0000-0000-0000-000000000000' and l.calculated_at >= $2
                and l.policies = $3)
        order by i.sku limit $4",
    )
    .bind(after)
    .bind(since)
    .bind(policies)
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// An item as levels see it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct ItemRow {
    pub(super) sku: String,
    pub(super) unit: String,
    pub(super) category: String,
    pub(super) status: String,
}

/// Items that are known, by sku.
pub(super) async fn items(conn: &mut PgConnection, skus: &[String]) -> sqlx::Result<Vec<ItemRow>> {
    sqlx::query_as(
        "-- items_for_levels
        select sku, unit, category, status from stock_item where sku = any ($1) and unit is not null order by sku",
    )
    .bind(skus)
    .fetch_all(conn)
    .await
}

#[derive(sqlx::FromRow)]
struct StockRow {
    sku: String,
    warehouse_id: Uuid,
    available: Decimal,
    backordered: Decimal,
    on_order: Decimal,
}

/// What there is of items where there is something, somebody waits or something will come; the company's sums are not among
/// them.
pub(crate) async fn stock(
    conn: &mut PgConnection,
    skus: &[String],
    today: Date,
    min_life_days: i32,
) -> sqlx::Result<BTreeMap<Key, Stock>> {
    let rows = sqlx::query_as::<_, StockRow>(
        "-- stock_positions
        with free as (
            select b.sku, b.warehouse_id, sum(b.on_hand - b.reserved) as available
            from unnest($1::text[]) as s (sku)
            cross join lateral (
                select * from stock_balance
                where sku = s.sku collate \"C\" and on_hand > 0 and on_hand > reserved and sellable limit all
            ) b
            join warehouse w on w.id = b.warehouse_id
            where b.expires_on is null or b.expires_on >= $2::date + greatest($3::int4, w.min_life_days)
            group by b.sku, b.warehouse_id
        ), waits as (
            select l.sku, l.warehouse_id, sum(l.backordered) as backordered
            from unnest($1::text[]) as s (sku)
            join demand_line l on l.sku = s.sku collate \"C\" and l.backordered > 0 and not l.closed
            group by l.sku, l.warehouse_id
        ), expected as (
            select e.sku, e.warehouse_id, sum(e.quantity - e.received) as on_order
            from unnest($1::text[]) as s (sku)
            join expected_receipt e on e.sku = s.sku collate \"C\" and e.state in ('open', 'partial')
            group by e.sku, e.warehouse_id
        )
        select sku, warehouse_id, coalesce(f.available, 0) as available, coalesce(w.backordered, 0) as backordered,
            coalesce(e.on_order, 0) as on_order
        from free f full join waits w using (sku, warehouse_id) full join expected e using (sku, warehouse_id)",
    )
    .bind(skus)
    .bind(today)
    .bind(min_life_days)
    .fetch_all(conn)
    .await?;
    let stock = |row: StockRow| {
        let stock = Stock { available: row.available, backordered: row.backordered, on_order: row.on_order };
        ((row.sku, row.warehouse_id), stock)
    };
    Ok(rows.into_iter().map(stock).collect())
}

#[derive(sqlx::FromRow)]
struct LevelRow {
    sku: String,
    warehouse_id: Uuid,
    out_since: Option<OffsetDateTime>,
    method: String,
    policy_kind: Option<String>,
    policy_target: Option<String>,
    safety_stock: Option<Decimal>,
    reorder_point: Option<Decimal>,
    maximum: Option<Decimal>,
    class: Option<String>,
    calculation: Option<Vec<u8>>,
    calculated_at: Option<OffsetDateTime>,
    policies: i64,
    below_since: Option<OffsetDateTime>,
    version: i64,
}

impl From<LevelRow> for (Key, Level) {
    fn from(row: LevelRow) -> Self {
        let level = Level {
            out_since: row.out_since,
            method: Method::parse(&row.method),
            policy: row.policy_kind.zip(row.policy_target).map(|(kind, target)| Target::parse(&kind, target)),
            safety_stock: row.safety_stock,
            reorder_point: row.reorder_point,
            maximum: row.maximum,
            class: row.class.as_deref().and_then(Class::parse),
            calculation: row.calculation,
            calculated_at: row.calculated_at,
            policies: row.policies,
            below_since: row.below_since,
            version: row.version,
        };
        ((row.sku, row.warehouse_id), level)
    }
}

/// The levels of items.
pub(crate) async fn levels(conn: &mut PgConnection, skus: &[String]) -> sqlx::Result<BTreeMap<Key, Level>> {
    let rows = sqlx::query_as::<_, LevelRow>(
        "-- stock_levels
        select sku, warehouse_id, out_since, method, policy_kind, policy_target, safety_stock, reorder_point, maximum,
            class, calculation, calculated_at, policies, below_since, version
        from stock_level where sku = any ($1)",
    )
    .bind(skus)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Writes levels as they are.
pub(super) async fn write_levels(conn: &mut PgConnection, levels: &[(&Key, &Level)]) -> sqlx::Result<()> {
    if levels.is_empty() {
        return Ok(());
    }
    let of = |policy: &Option<Target>, read: fn(&Target) -> &str| policy.as_ref().map(|one| read(one).to_owned());
    sqlx::query(
        "-- write_stock_levels
        insert into stock_level (sku, warehouse_id, out_since, method, policy_kind, policy_target, safety_stock,
            reorder_point, maximum, class, calculation, calculated_at, policies, below_since, version)
        select * from unnest($1::text[], $2::uuid[], $3::timestamptz[], $4::text[], $5::text[], $6::text[],
            $7::numeric[], $8::numeric[], $9::numeric[], $10::text[], $11::bytea[], $12::timestamptz[], $13::int8[],
            $14::timestamptz[], $15::int8[])
        on conflict (sku, warehouse_id) do update set out_since = excluded.out_since, method = excluded.method,
            policy_kind = excluded.policy_kind, policy_target = excluded.policy_target,
            safety_stock = excluded.safety_stock, reorder_point = excluded.reorder_point, maximum = excluded.maximum,
            class = excluded.class, calculation = excluded.calculation, calculated_at = excluded.calculated_at,
            policies = excluded.policies, below_since = excluded.below_since, version = excluded.version",
    )
    .bind(levels.iter().map(|((sku, _), _)| sku.as_str()).collect::<Vec<_>>())
    .bind(levels.iter().map(|((_, warehouse), _)| *warehouse).collect::<Vec<_>>())
    .bind(levels.iter().map(|(_, level)| level.out_since).collect::<Vec<_>>())
    .bind(levels.iter().map(|(_, level)| level.method.code()).collect::<Vec<_>>())
    .bind(levels.iter().map(|(_, level)| of(&level.policy, Target::kind)).collect::<Vec<_>>())
    .bind(levels.iter().map(|(_, level)| of(&level.policy, Target::name)).collect::<Vec<_>>())
    .bind(levels.iter().map(|(_, level)| level.safety_stock).collect::<Vec<_>>())
    .bind(levels.iter().map(|(_, level)| level.reorder_point).collect::<Vec<_>>())
    .bind(levels.iter().map(|(_, level)| level.maximum).collect::<Vec<_>>())
    .bind(levels.iter().map(|(_, level)| level.class.map(Class::code)).collect::<Vec<_>>())
    .bind(levels.iter().map(|(_, level)| level.calculation.as_deref()).collect::<Vec<_>>())
    .bind(levels.iter().map(|(_, level)| level.calculated_at).collect::<Vec<_>>())
    .bind(levels.iter().map(|(_, level)| level.policies).collect::<Vec<_>>())
    .bind(levels.iter().map(|(_, level)| level.below_since).collect::<Vec<_>>())
    .bind(levels.iter().map(|(_, level)| level.version).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

/// Keeps times during which nothing could be had, now that they are over.
pub(super) async fn insert_stock_outs(
    conn: &mut PgConnection,
    outs: &[(&Key, OffsetDateTime)],
    until: OffsetDateTime,
) -> sqlx::Result<()> {
    if outs.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "-- insert_stock_outs
        insert into stock_out (sku, warehouse_id, since, until)
        select o.*, greatest($4, o.since) from unnest($1::text[], $2::uuid[], $3::timestamptz[]) as o (sku, warehouse_id, since)
        on conflict (sku, warehouse_id, since) do nothing",
    )
    .bind(outs.iter().map(|((sku, _), _)| sku.as_str()).collect::<Vec<_>>())
    .bind(outs.iter().map(|((_, warehouse), _)| *warehouse).collect::<Vec<_>>())
    .bind(outs.iter().map(|(_, since)| *since).collect::<Vec<_>>())
    .bind(until)
    .execute(conn)
    .await?;
    Ok(())
}
