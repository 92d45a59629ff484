//! SQL of the reads of bills of material.

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::{Date, OffsetDateTime};

/// A version's head, as lists show it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct HeadView {
    pub(crate) sku: String,
    pub(crate) number: i32,
    pub(crate) state: String,
    pub(crate) valid_from: Date,
    pub(crate) quantity: Decimal,
    pub(crate) unit: String,
    pub(crate) loss_percent: Decimal,
    pub(crate) note: String,
    pub(crate) version: i64,
    pub(crate) saved_by: String,
    pub(crate) saved_at: OffsetDateTime,
    pub(crate) activated_by: String,
    pub(crate) activated_at: Option<OffsetDateTime>,
    pub(crate) line_count: i32,
}

/// A version with everything it says; the lists of one kind are in step.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct WholeView {
    #[sqlx(flatten)]
    pub(crate) head: HeadView,
    pub(crate) item_unit: Option<String>,
    pub(crate) line_skus: Vec<String>,
    pub(crate) line_quantities: Vec<Decimal>,
    pub(crate) line_units: Vec<String>,
    pub(crate) line_losses: Vec<Decimal>,
    pub(crate) line_notes: Vec<String>,
    pub(crate) line_item_units: Vec<String>,
    pub(crate) by_product_skus: Vec<String>,
    pub(crate) by_product_quantities: Vec<Decimal>,
    pub(crate) by_product_units: Vec<String>,
    pub(crate) by_product_wastes: Vec<bool>,
    pub(crate) by_product_item_units: Vec<String>,
    pub(crate) cost_names: Vec<String>,
    pub(crate) cost_bases: Vec<String>,
    pub(crate) cost_amounts: Vec<Decimal>,
}

/// A version by its number.
pub(crate) async fn by_number(conn: &mut PgConnection, sku: &str, number: i32) -> sqlx::Result<Option<WholeView>> {
    sqlx::query_as(
        "-- bom_by_number
        select *, cardinality(line_skus) as line_count from bom_whole where sku = $1 and number = $2",
    )
    .bind(sku)
    .bind(number)
    .fetch_optional(conn)
    .await
}

/// The version in effect on a day.
pub(crate) async fn in_effect(conn: &mut PgConnection, sku: &str, day: Date) -> sqlx::Result<Option<WholeView>> {
    sqlx::query_as(
        "-- bom_in_effect
        select *, cardinality(line_skus) as line_count from bom_whole where id = bom_in_effect($1, $2)",
    )
    .bind(sku)
    .bind(day)
    .fetch_optional(conn)
    .await
}

/// The versions in effect on a day of these items and of everything below them; at most `limit`.
pub(crate) async fn below(
    conn: &mut PgConnection,
    skus: &[String],
    day: Date,
    limit: i64,
) -> sqlx::Result<Vec<WholeView>> {
    sqlx::query_as(
        "-- boms_below
        with recursive reach (sku) as (
            select unnest($1::text[]) collate \"C\"
            union
            select l.component_sku from reach r join bom_line l on l.bom_id = bom_in_effect(r.sku, $2)
        ), found as (
            select bom_in_effect(sku, $2) as id from reach
        )
        select w.*, cardinality(w.line_skus) as line_count
        from found f join bom_whole w on w.id = f.id
        limit $3",
    )
    .bind(skus)
    .bind(day)
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// Versions after one, by product and number.
pub(crate) async fn list(
    conn: &mut PgConnection,
    (sku, state): (Option<&str>, Option<&str>),
    after: Option<(String, i32)>,
    limit: i64,
) -> sqlx::Result<Vec<HeadView>> {
    let (after_sku, after_number) = after.unwrap_or_default();
    sqlx::query_as(
        "-- list_boms
        select b.sku, b.number, b.state, b.valid_from, b.quantity, b.unit, b.loss_percent, b.note, b.version,
            b.saved_by, b.saved_at, b.activated_by, b.activated_at,
            (select count(*)::int4 from bom_line l where l.bom_id = b.id) as line_count
        from bom b
        where ($1::text is null or b.sku = $1) and ($2::text is null or b.state = $2) and (b.sku, b.number) > ($3, $4)
        order by b.sku, b.number limit $5",
    )
    .bind(sku)
    .bind(state)
    .bind(after_sku)
    .bind(after_number)
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// A version that names a component.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct UseView {
    pub(crate) sku: String,
    pub(crate) number: i32,
    pub(crate) state: String,
    pub(crate) valid_from: Date,
    pub(crate) quantity: Decimal,
    pub(crate) unit: String,
    pub(crate) line_quantities: Vec<Decimal>,
    pub(crate) line_units: Vec<String>,
}

/// Versions that name a component, after one, by product and number.
pub(crate) async fn uses(
    conn: &mut PgConnection,
    (component, state): (&str, Option<&str>),
    after: Option<(String, i32)>,
    limit: i64,
) -> sqlx::Result<Vec<UseView>> {
    let (after_sku, after_number) = after.unwrap_or_default();
    sqlx::query_as(
        "-- uses_of_component
        select b.sku, b.number, b.state, b.valid_from, b.quantity, b.unit,
            array_agg(l.quantity order by l.line_no) as line_quantities,
            array_agg(l.unit order by l.line_no) as line_units
        from bom_line l join bom b on b.id = l.bom_id
        where l.component_sku = $1 and ($2::text is null or b.state = $2) and (b.sku, b.number) > ($3, $4)
        group by b.id order by b.sku, b.number limit $5",
    )
    .bind(component)
    .bind(state)
    .bind(after_sku)
    .bind(after_number)
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// What an item costs according to the stock.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct CostView {
    pub(crate) sku: String,
    pub(crate) on_hand: Decimal,
    pub(crate) value: Decimal,
    pub(crate) last_cost: Option<Decimal>,
}

/// Quantity and value in all own places, and what the last lot cost when it came in.
pub(crate) async fn costs(conn: &mut PgConnection, skus: &[&str]) -> sqlx::Result<Vec<CostView>> {
    sqlx::query_as(
        "-- costs_of_items
        select i.sku, s.on_hand, s.value, l.unit_cost as last_cost
        from stock_item i
        cross join lateral (
            select coalesce(sum(c.quantity), 0) as on_hand, coalesce(sum(c.value), 0) as value
            from cost_layer c where c.sku = i.sku
        ) s
        left join lateral (
            select unit_cost from lot where lot.sku = i.sku order by received_at desc, id desc limit 1
        ) l on true
        where i.sku = any ($1)",
    )
    .bind(skus)
    .fetch_all(conn)
    .await
}
