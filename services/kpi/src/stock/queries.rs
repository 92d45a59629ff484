//! Movements and stock-outs per product.

use rust_decimal::Decimal;
use sqlx::{FromRow, PgConnection};
use time::OffsetDateTime;

use crate::sales::domain::Period;

const STOCK: &str = "-- stock_report
with moved as (
    select sku,
           coalesce(sum(quantity) filter (where kind = 'received'), 0) as received_quantity,
           coalesce(sum(cost) filter (where kind = 'received'), 0) as received_cost,
           coalesce(sum(quantity) filter (where kind = 'shipped'), 0) as shipped_quantity,
           coalesce(sum(cost) filter (where kind = 'shipped'), 0) as shipped_cost,
           coalesce(sum(quantity) filter (where kind = 'back'), 0) as back_quantity,
           coalesce(sum(cost) filter (where kind = 'back'), 0) as back_cost,
           coalesce(sum(quantity) filter (where kind = 'written_off'), 0) as written_off_quantity,
           coalesce(sum(cost) filter (where kind = 'written_off'), 0) as written_off_cost,
           count(*) filter (where kind = 'shipped') as days_with_shipments
    from stock_day_fact
    where day between $1 and $2 and ($6::text[] is null or sku = any($6))
    group by sku
), crossing as (
    select sku, at, out, lead(at) over (partition by sku order by version) as until
    from stock_crossing_fact
    where $6::text[] is null or sku = any($6)
), missing as (
    select sku, count(*) filter (where at >= $3) as stock_outs,
           sum(greatest(extract(epoch from least(until, $4, $5) - greatest(at, $3)), 0))::bigint
               as out_of_stock_seconds,
           bool_or(until is null) as out_of_stock
    from crossing
    where out and at < $4 and (until is null or until > $3)
    group by sku
)
select sku, coalesce(p.name, sku) as name, coalesce(received_quantity, 0) as received_quantity,
       coalesce(received_cost, 0) as received_cost, coalesce(shipped_quantity, 0) as shipped_quantity,
       coalesce(shipped_cost, 0) as shipped_cost, coalesce(back_quantity, 0) as back_quantity,
       coalesce(back_cost, 0) as back_cost, coalesce(written_off_quantity, 0) as written_off_quantity,
       coalesce(written_off_cost, 0) as written_off_cost, coalesce(days_with_shipments, 0) as days_with_shipments,
       coalesce(stock_outs, 0) as stock_outs, coalesce(out_of_stock_seconds, 0) as out_of_stock_seconds,
       coalesce(out_of_stock, false) as out_of_stock
from moved full join missing using (sku) left join product_dim p using (sku)
where $7::text is null or sku collate \"C\" > $7
order by sku collate \"C\"
limit $8";

/// A product in the report.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
#[expect(missing_docs, reason = "defined one by one in StockRow of kpi/v1/report_service.proto")]
pub struct StockRow {
    pub sku: String,
    pub name: String,
    pub received_quantity: Decimal,
    pub received_cost: Decimal,
    pub shipped_quantity: Decimal,
    pub shipped_cost: Decimal,
    pub back_quantity: Decimal,
    pub back_cost: Decimal,
    pub written_off_quantity: Decimal,
    pub written_off_cost: Decimal,
    pub days_with_shipments: i64,
    pub stock_outs: i64,
    pub out_of_stock_seconds: i64,
    pub out_of_stock: bool,
}

/// What to read.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Days of the movements.
    pub period: Period,
    /// First moment of the period.
    pub begins: OffsetDateTime,
    /// First moment after it.
    pub ends: OffsetDateTime,
    /// Only these products.
    pub skus: Option<&'a [String]>,
    /// Only products after this one.
    pub after: Option<&'a str>,
    /// At most so many.
    pub limit: i64,
}

/// Products that moved or were out of stock, by SKU.
///
/// # Errors
/// Database errors.
pub async fn stock(conn: &mut PgConnection, wanted: Wanted<'_>, now: OffsetDateTime) -> sqlx::Result<Vec<StockRow>> {
    sqlx::query_as(STOCK)
        .bind(wanted.period.from)
        .bind(wanted.period.to)
        .bind(wanted.begins)
        .bind(wanted.ends)
        .bind(now)
        .bind(wanted.skus)
        .bind(wanted.after)
        .bind(wanted.limit)
        .fetch_all(conn)
        .await
}
