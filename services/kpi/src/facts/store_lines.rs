//! Writes of order lines, and the sums over them. The caller holds the lock of [`super::store::lock`].

use std::collections::HashSet;

use service::copy::Rows;
use sqlx::PgConnection;
use time::Date;
use uuid::Uuid;

use super::domain::{LineChange, Part, PlacedLine};

const UPSERT_LINES: &str = "-- upsert_order_line_facts
insert into order_line_fact as known
    (order_id, line_no, goods, sku, category, brand, digits, quantity, gross, discount, tax, placed,
     cancelled_quantity, cancelled, cancelled_tax, returned_quantity, returned, returned_tax,
     shipped_quantity, shipped_cost, failed_quantity, failed_cost, back_quantity, back_cost,
     written_off_quantity, written_off_cost)
select order_id, line_no, coalesce(goods, false), sku, coalesce(category, ''), coalesce(brand, ''),
       coalesce(digits, 2), coalesce(quantity, 0), coalesce(gross, 0), coalesce(discount, 0),
       coalesce(tax, 0), coalesce(placed, 0), cancelled_quantity, cancelled, cancelled_tax,
       returned_quantity, returned, returned_tax, shipped_quantity, shipped_cost, failed_quantity,
       failed_cost, back_quantity, back_cost, written_off_quantity, written_off_cost
from unnest($1::uuid[], $2::integer[], $3::boolean[], $4::text[], $5::text[], $6::text[], $7::smallint[],
            $8::numeric[], $9::numeric[], $10::numeric[], $11::numeric[], $12::numeric[], $13::numeric[],
            $14::numeric[], $15::numeric[], $16::numeric[], $17::numeric[], $18::numeric[], $19::numeric[],
            $20::numeric[], $21::numeric[], $22::numeric[], $23::numeric[], $24::numeric[], $25::numeric[],
            $26::numeric[])
    as change (order_id, line_no, goods, sku, category, brand, digits, quantity, gross, discount, tax, placed,
               cancelled_quantity, cancelled, cancelled_tax, returned_quantity, returned, returned_tax,
               shipped_quantity, shipped_cost, failed_quantity, failed_cost, back_quantity, back_cost,
               written_off_quantity, written_off_cost)
order by order_id, line_no
on conflict (order_id, line_no) do update set
    goods = case when excluded.sku is null then known.goods else excluded.goods end,
    sku = coalesce(excluded.sku, known.sku),
    category = case when excluded.sku is null then known.category else excluded.category end,
    brand = case when excluded.sku is null then known.brand else excluded.brand end,
    digits = case when excluded.sku is null then known.digits else excluded.digits end,
    quantity = case when excluded.sku is null then known.quantity else excluded.quantity end,
    gross = case when excluded.sku is null then known.gross else excluded.gross end,
    discount = case when excluded.sku is null then known.discount else excluded.discount end,
    tax = case when excluded.sku is null then known.tax else excluded.tax end,
    placed = case when excluded.sku is null then known.placed else excluded.placed end,
    cancelled_quantity = known.cancelled_quantity + excluded.cancelled_quantity,
    cancelled = known.cancelled + excluded.cancelled,
    cancelled_tax = known.cancelled_tax + excluded.cancelled_tax,
    returned_quantity = known.returned_quantity + excluded.returned_quantity,
    returned = known.returned + excluded.returned,
    returned_tax = known.returned_tax + excluded.returned_tax,
    shipped_quantity = known.shipped_quantity + excluded.shipped_quantity,
    shipped_cost = known.shipped_cost + excluded.shipped_cost,
    failed_quantity = known.failed_quantity + excluded.failed_quantity,
    failed_cost = known.failed_cost + excluded.failed_cost,
    back_quantity = known.back_quantity + excluded.back_quantity,
    back_cost = known.back_cost + excluded.back_cost,
    written_off_quantity = known.written_off_quantity + excluded.written_off_quantity,
    written_off_cost = known.written_off_cost + excluded.written_off_cost";

/// Lines with their keys, in key order.
pub(super) type Lines<'a> = [((Uuid, i32), &'a LineChange)];

fn each<'a, T>(lines: &Lines<'a>, field: impl Fn(&'a LineChange) -> T) -> Vec<T> {
    lines.iter().map(|(_, line)| field(line)).collect()
}

fn placed<'a, T>(lines: &Lines<'a>, field: impl Fn(&'a PlacedLine) -> T) -> Vec<Option<T>> {
    each(lines, |line| line.placed.as_ref().map(&field))
}

fn digits(line: &PlacedLine) -> i16 {
    i16::try_from(line.digits).unwrap_or(2)
}

/// Which of these orders have lines.
pub(super) async fn orders_with_lines(conn: &mut PgConnection, orders: &[Uuid]) -> sqlx::Result<HashSet<Uuid>> {
    if orders.is_empty() {
        return Ok(HashSet::new());
    }
    let known: Vec<Uuid> = sqlx::query_scalar(
        "-- orders_with_line_facts
        select distinct order_id from order_line_fact where order_id = any($1)",
    )
    .bind(orders)
    .fetch_all(conn)
    .await?;
    Ok(known.into_iter().collect())
}

/// Adds lines of orders that have none: all placed, nothing else has happened to them.
pub(super) async fn insert_lines(conn: &mut PgConnection, lines: &Lines<'_>) -> sqlx::Result<()> {
    let mut rows = Rows::new();
    for ((order_id, line_no), line) in lines {
        let line = line.placed.as_ref();
        rows.row().add(order_id).add(line_no).add(line.map(|line| line.goods)).add(line.map(|line| line.sku.as_str()));
        rows.add(line.map(|line| line.category.as_str())).add(line.map(|line| line.brand.as_str()));
        rows.add(line.map(digits)).add(line.map(|line| line.quantity)).add(line.map(|line| line.gross));
        rows.add(line.map(|line| line.discount)).add(line.map(|line| line.tax)).add(line.map(|line| line.total));
    }
    rows.store(
        conn,
        "-- insert_order_line_facts
        copy order_line_fact (order_id, line_no, goods, sku, category, brand, digits, quantity, gross, discount, tax,
            placed)
        from stdin (format binary)",
    )
    .await
}

/// Inserts lines or adds to them.
pub(super) async fn upsert_lines(conn: &mut PgConnection, lines: &Lines<'_>) -> sqlx::Result<()> {
    let part = |which: fn(&LineChange) -> &Part, what: fn(&Part) -> rust_decimal::Decimal| {
        each(lines, |line| what(which(line)))
    };
    let (quantity, amount, tax) = (|part: &Part| part.quantity, |part: &Part| part.amount, |part: &Part| part.tax);
    sqlx::query(UPSERT_LINES)
        .bind(lines.iter().map(|((order_id, _), _)| *order_id).collect::<Vec<_>>())
        .bind(lines.iter().map(|((_, line_no), _)| *line_no).collect::<Vec<_>>())
        .bind(placed(lines, |line| line.goods))
        .bind(placed(lines, |line| line.sku.as_str()))
        .bind(placed(lines, |line| line.category.as_str()))
        .bind(placed(lines, |line| line.brand.as_str()))
        .bind(placed(lines, digits))
        .bind(placed(lines, |line| line.quantity))
        .bind(placed(lines, |line| line.gross))
        .bind(placed(lines, |line| line.discount))
        .bind(placed(lines, |line| line.tax))
        .bind(placed(lines, |line| line.total))
        .bind(part(|line| &line.cancelled, quantity))
        .bind(part(|line| &line.cancelled, amount))
        .bind(part(|line| &line.cancelled, tax))
        .bind(part(|line| &line.returned, quantity))
        .bind(part(|line| &line.returned, amount))
        .bind(part(|line| &line.returned, tax))
        .bind(part(|line| &line.shipped, quantity))
        .bind(part(|line| &line.shipped, amount))
        .bind(part(|line| &line.failed, quantity))
        .bind(part(|line| &line.failed, amount))
        .bind(part(|line| &line.back, quantity))
        .bind(part(|line| &line.back, amount))
        .bind(part(|line| &line.written_off, quantity))
        .bind(part(|line| &line.written_off, amount))
        .execute(conn)
        .await?;
    Ok(())
}

/// Brings the sums of orders over their lines up to date and returns the days whose figures thereby change.
pub(super) async fn sum_lines(conn: &mut PgConnection, orders: &[Uuid]) -> sqlx::Result<Vec<Date>> {
    sqlx::query_scalar(
        "-- sum_order_lines
        with line_sum as (
            select order_id, count(*) filter (where goods) as lines,
                   coalesce(sum(quantity) filter (where goods), 0) as units,
                   sum(gross) as gross, sum(discount) as discount, sum(tax) as tax, sum(placed) as placed,
                   sum(cancelled) as cancelled, sum(returned) as returned, sum(uncollected) as uncollected,
                   sum(placed - cancelled - returned - uncollected) as revenue,
                   sum(shipped) as shipped, sum(net_sales) as net_sales,
                   sum(shipped_cost - failed_cost - back_cost) as cost,
                   bool_or(discount > 0) as any_discount, bool_or(cancelled_quantity > 0) as any_cancelled,
                   bool_or(returned_quantity > 0) as any_returned, bool_or(uncollected <> 0) as any_uncollected
            from order_line_fact
            where order_id = any($1) and sku is not null
            group by order_id
        ), summed as (
            update order_fact o
            set lines = s.lines, units = s.units, gross = s.gross, discount = s.discount, tax = s.tax,
                placed = s.placed, cancelled = s.cancelled, returned = s.returned, uncollected = s.uncollected,
                revenue = s.revenue, shipped = s.shipped, net_sales = s.net_sales, cost = s.cost,
                any_discount = s.any_discount, any_cancelled = s.any_cancelled, any_returned = s.any_returned,
                any_uncollected = s.any_uncollected
            from line_sum s
            where o.order_id = s.order_id
            returning o.business_day
        )
        select distinct business_day from summed where business_day is not null",
    )
    .bind(orders)
    .fetch_all(conn)
    .await
}
