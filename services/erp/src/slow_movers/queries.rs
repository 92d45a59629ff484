//! SQL of the reads of slow movers.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::OffsetDateTime;

/// Units of items.
pub(super) async fn units(conn: &mut PgConnection, skus: &BTreeSet<&str>) -> sqlx::Result<BTreeMap<String, String>> {
    let rows: Vec<(String, String)> = sqlx::query_as(
        "-- units_of_slow_movers
        select sku, coalesce(unit, '') from stock_item where sku = any ($1)",
    )
    .bind(skus.iter().copied().collect::<Vec<_>>())
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().collect())
}

/// A slow item with its lots; the lists are in step.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct SlowView {
    pub(super) sku: String,
    pub(super) name: String,
    pub(super) category: String,
    pub(super) unit: String,
    pub(super) rule: String,
    pub(super) quantity: Decimal,
    pub(super) value: Decimal,
    pub(super) age_days: i32,
    pub(super) cover_days: Option<Decimal>,
    pub(super) daily_demand: Decimal,
    pub(super) discount_percent: Option<Decimal>,
    pub(super) floor_price: Option<Decimal>,
    pub(super) since: OffsetDateTime,
    pub(super) with_task: bool,
    pub(super) lots: Vec<String>,
    pub(super) lot_quantities: Vec<Decimal>,
    pub(super) lot_values: Vec<Decimal>,
    pub(super) lot_ages: Vec<i32>,
}

/// Slow items after a sku, of a rule and category if they are given.
pub(super) async fn list(
    conn: &mut PgConnection,
    after: Option<&str>,
    (rule, category): (Option<&str>, Option<&str>),
    limit: i64,
) -> sqlx::Result<Vec<SlowView>> {
    sqlx::query_as(
        "-- list_slow_movers
        select s.sku, i.name, i.category, coalesce(i.unit, '') as unit, s.rule, s.quantity, s.value, s.age_days,
            s.cover_days, s.daily_demand, s.discount_percent, s.floor_price, s.since, s.with_task, l.*
        from slow_item s
        join stock_item i on i.sku = s.sku
        cross join lateral (
            select coalesce(array_agg(l.lot order by l.age_days desc, l.lot), '{}') as lots,
                coalesce(array_agg(l.quantity order by l.age_days desc, l.lot), '{}') as lot_quantities,
                coalesce(array_agg(l.value order by l.age_days desc, l.lot), '{}') as lot_values,
                coalesce(array_agg(l.age_days order by l.age_days desc, l.lot), '{}') as lot_ages
            from slow_lot l where l.sku = s.sku
        ) l
        where s.rule is not null and s.sku > coalesce($1, '') and ($2::text is null or s.rule = $2)
            and ($3::text is null or i.category = $3 or starts_with(i.category, $3 || '/'))
        order by s.sku limit $4",
    )
    .bind(after)
    .bind(rule)
    .bind(category)
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// Items and value by rule and category, those with most items first.
pub(super) async fn totals(conn: &mut PgConnection) -> sqlx::Result<Vec<(String, String, i64, Decimal)>> {
    sqlx::query_as(
        "-- total_slow_movers
        select s.rule, i.category, count(*), sum(s.value)
        from slow_item s join stock_item i on i.sku = s.sku
        where s.rule is not null
        group by s.rule, i.category order by count(*) desc, s.rule, i.category",
    )
    .fetch_all(conn)
    .await
}
