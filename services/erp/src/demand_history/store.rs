//! SQL of counting demand.

use sqlx::PgConnection;
use time::{Date, OffsetDateTime};

/// When demand was last counted; none when never.
pub(super) async fn mark(conn: &mut PgConnection) -> sqlx::Result<Option<OffsetDateTime>> {
    sqlx::query_scalar(
        "-- demand_counted_at
        select at from replenishment_mark where name = 'count_demand'",
    )
    .fetch_optional(conn)
    .await
}

/// Notes that everything written before `now` was counted.
pub(super) async fn set_mark(conn: &mut PgConnection, now: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query(
        "-- set_demand_counted_at
        insert into replenishment_mark (name, at) values ('count_demand', $1)
        on conflict (name) do update set at = excluded.at",
    )
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}

/// All days orders were placed on.
pub(super) async fn all_days(conn: &mut PgConnection, zone: &str) -> sqlx::Result<Vec<Date>> {
    sqlx::query_scalar(
        "-- all_days_of_demand
        select distinct (placed_at at time zone $1)::date as day from demand where kind = 'order' order by day",
    )
    .bind(zone)
    .fetch_all(conn)
    .await
}

/// Days whose figures may have changed since: those on which orders were placed that changed, and those on which goods
/// left. The outbox remembers both: no order changes without a fact of it.
pub(super) async fn changed_days(
    conn: &mut PgConnection,
    since: OffsetDateTime,
    zone: &str,
) -> sqlx::Result<Vec<Date>> {
    sqlx::query_scalar(
        "-- changed_days_of_demand
        with fact as (
            select case when aggregate_type = 'demand' then aggregate_id::uuid end as order_id, event_name, occurred_at
            from outbox where occurred_at >= $1 and aggregate_type = 'demand'
        )
        select (d.placed_at at time zone $2)::date as day from fact f join demand d on d.order_id = f.order_id
        union
        select (occurred_at at time zone $2)::date from fact where event_name = 'shipment_shipped'
        order by day",
    )
    .bind(since)
    .bind(zone)
    .fetch_all(conn)
    .await
}

/// Lets only one transaction at a time count.
pub(super) async fn lock(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query(
        "-- lock_demand_history
        select pg_advisory_xact_lock(hashtext('erp.demand_history'))",
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Counts days anew.
pub(super) async fn count(conn: &mut PgConnection, days: &[Date], zone: &str) -> sqlx::Result<()> {
    sqlx::query(
        "-- count_demand_days
        with span as (
            select d.day, d.day::timestamp at time zone $2 as begins, (d.day + 1)::timestamp at time zone $2 as ends
            from unnest($1::date[]) as d (day)
        ), wanted as (
            select s.day, l.sku, l.warehouse_id, sum(l.ordered - l.cancelled) as wanted, count(*) as lines
            from span s
            join demand_line l on l.placed_at >= s.begins and l.placed_at < s.ends
            join demand d on d.order_id = l.order_id and d.kind = 'order'
            -- A line in another unit than its item's is a mistake somebody has yet to clear up.
            join stock_item i on i.sku = l.sku and i.unit = l.unit
            where l.ordered > l.cancelled
            group by s.day, l.sku, l.warehouse_id
        ), shipped as (
            select s.day, m.sku, p.warehouse_id, sum(m.quantity) as shipped
            from span s
            join stock_move m on m.moved_at >= s.begins and m.moved_at < s.ends and m.cause_kind = 'shipment'
            join place p on p.id = m.from_place and p.warehouse_id is not null
            group by s.day, m.sku, p.warehouse_id
        ), counted as (
            select day, sku, warehouse_id, coalesce(w.wanted, 0) as wanted, coalesce(w.lines, 0) as lines,
                coalesce(s.shipped, 0) as shipped
            from wanted w full join shipped s using (day, sku, warehouse_id)
        ), gone as (
            delete from item_demand_day h
            where h.day = any ($1) and not exists (
                select from counted c where c.day = h.day and c.sku = h.sku and c.warehouse_id = h.warehouse_id)
        )
        insert into item_demand_day as h (day, sku, warehouse_id, wanted, lines, shipped)
        select * from counted
        on conflict (day, sku, warehouse_id) do update
        set wanted = excluded.wanted, lines = excluded.lines, shipped = excluded.shipped
        where (h.wanted, h.lines, h.shipped) is distinct from (excluded.wanted, excluded.lines, excluded.shipped)",
    )
    .bind(days)
    .bind(zone)
    .execute(conn)
    .await?;
    Ok(())
}
