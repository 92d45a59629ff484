//! SQL of the reads of history. The company as a whole is the nil warehouse.

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::Date;
use uuid::Uuid;

use super::domain::History;

/// Whose history, and how many days of it at most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) sku: &'a str,
    pub(crate) warehouse: Uuid,
    pub(crate) days: i32,
}

#[derive(sqlx::FromRow)]
struct HistoryRow {
    begins: Option<Date>,
    days: i32,
    excluded: i32,
    demand_days: i32,
    total: Decimal,
    squares: Decimal,
}

/// Histories up to yesterday, in the order asked for. They begin when the item first came in or was first wanted.
pub(crate) async fn histories(
    conn: &mut PgConnection,
    asked: &[Asked<'_>],
    today: Date,
    zone: &str,
) -> sqlx::Result<Vec<History>> {
    let rows = sqlx::query_as::<_, HistoryRow>(
        "-- demand_histories
        with asked as materialized (
            select a.*, case when f.day is not null then greatest(f.day, $4::date - a.days) end as begins
            from unnest($1::text[], $2::uuid[], $3::int4[]) with ordinality as a (sku, warehouse_id, days, n)
            cross join lateral (
                select least(
                    (select min(h.day) from item_demand_day h where h.sku = a.sku collate \"C\" and h.wanted > 0
                        and (a.warehouse_id = '00000000-0000-0000-0000-000000000000' or h.warehouse_id = a.warehouse_id)),
                    (select (min(l.received_at) at time zone $5)::date from lot l where l.sku = a.sku collate \"C\")) as day
            ) f
        )
        select a.begins, greatest($4::date - a.begins - x.excluded, 0)::int4 as days, x.excluded, s.demand_days, s.total,
            s.squares
        from asked a
        cross join lateral (
            select count(*)::int4 as demand_days, coalesce(sum(d.wanted), 0) as total,
                coalesce(sum(d.wanted * d.wanted), 0) as squares
            from (
                select sum(h.wanted) as wanted from item_demand_day h
                where h.sku = a.sku collate \"C\" and h.day >= a.begins and h.day < $4 and h.wanted > 0
                    and (a.warehouse_id = '00000000-0000-0000-0000-000000000000' or h.warehouse_id = a.warehouse_id)
                group by h.day
            ) d
        ) s
        cross join lateral (
            select count(*)::int4 as excluded from days_without_stock(a.sku, a.warehouse_id, coalesce(a.begins, $4::date), $4::date - 1, $5) o
            where not exists (
                select from item_demand_day h
                where h.sku = a.sku collate \"C\" and h.day = o.day and h.wanted > 0
                    and (a.warehouse_id = '00000000-0000-0000-0000-000000000000' or h.warehouse_id = a.warehouse_id))
        ) x
        order by a.n",
    )
    .bind(asked.iter().map(|one| one.sku).collect::<Vec<_>>())
    .bind(asked.iter().map(|one| one.warehouse).collect::<Vec<_>>())
    .bind(asked.iter().map(|one| one.days).collect::<Vec<_>>())
    .bind(today)
    .bind(zone)
    .fetch_all(conn)
    .await?;
    let history = |row: HistoryRow| History {
        begins: row.begins,
        days: row.days,
        excluded: row.excluded,
        demand_days: row.demand_days,
        total: row.total,
        squares: row.squares,
    };
    Ok(rows.into_iter().map(history).collect())
}

/// An item's day.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct DayView {
    pub(crate) day: Date,
    pub(crate) wanted: Decimal,
    pub(crate) lines: i32,
    pub(crate) shipped: Decimal,
    pub(crate) without_stock: bool,
}

/// An item's days from the first given to today and before another, newest first.
pub(crate) async fn days(
    conn: &mut PgConnection,
    (sku, warehouse): (&str, Uuid),
    (first, today): (Date, Date),
    (before, limit): (Option<Date>, i64),
    zone: &str,
) -> sqlx::Result<Vec<DayView>> {
    sqlx::query_as(
        "-- demand_days
        select day, coalesce(h.wanted, 0) as wanted, coalesce(h.lines, 0)::int4 as lines,
            coalesce(h.shipped, 0) as shipped, o.day is not null as without_stock
        from (
            select day, sum(wanted) as wanted, sum(lines) as lines, sum(shipped) as shipped from item_demand_day
            where sku = $1 and day >= $3 and day <= $4::date
                and ($2::uuid = '00000000-0000-0000-0000-000000000000' or warehouse_id = $2)
            group by day
        ) h
        full join days_without_stock($1, $2, $3, $4::date - 1, $7) o using (day)
        where $5::date is null or day < $5
        order by day desc limit $6",
    )
    .bind(sku)
    .bind(warehouse)
    .bind(first)
    .bind(today)
    .bind(before)
    .bind(limit)
    .bind(zone)
    .fetch_all(conn)
    .await
}
