//! Figures by key, from daily figures, orders or lines.

use rust_decimal::Decimal;
use sqlx::{FromRow, PgConnection, Postgres, postgres::PgArguments, query::QueryAs};

use crate::sales::domain::{Figures, Filter, Group, Order, Period, Source};

/// One of three sources gives rows of one day (and for single orders or lines, of one order), which are then added up
/// by key. The sources that are not asked for fold away when the statement is planned.
///
/// $1 to $12 are the filter, the same in every report: see `bind_filter`.
const SALES: &str = "-- sales_figures
with source as (
    select f.value, f.day, f.orders, f.effective_orders, f.discounted_orders, f.cancelled_orders, f.returned_orders,
           f.uncollected_orders, f.lines, f.units, f.gross, f.discount, f.placed, f.cancelled, f.returned,
           f.uncollected, f.revenue, f.shipped, f.net_sales, f.cost
    from figure f
    where $13 = 'days' and f.scope = $14 and f.dimension = $15 and f.currency = $1 and f.day between $2 and $3
    union all
    select case $15 when 'channel' then o.channel when 'region' then o.region
                    when 'delivery_method' then o.delivery_method when 'payment_method' then o.payment_method
                    when 'customer' then coalesce(o.customer_id::text, '') else '' end,
           o.business_day, 1, (o.revenue > 0)::integer, o.any_discount::integer, o.any_cancelled::integer,
           o.any_returned::integer, o.any_uncollected::integer, o.lines, o.units, o.gross, o.discount, o.placed,
           o.cancelled, o.returned, o.uncollected, o.revenue, o.shipped, o.net_sales, o.cost
    from order_fact o
    where $13 = 'orders' and o.currency = $1 and o.business_day between $2 and $3
      and ($4::text[] is null or o.channel = any($4))
      and ($5::text[] is null or o.region = any($5))
      and ($6::text[] is null or o.delivery_method = any($6))
      and ($7::text[] is null or o.payment_method = any($7))
      and ($11::uuid[] is null or o.customer_id = any($11))
      and ($12::boolean is null or o.any_discount = $12)
    union all
    select l.value, l.business_day, 1, bool_or(l.revenue > 0)::integer, bool_or(l.discount > 0)::integer,
           bool_or(l.any_cancelled)::integer, bool_or(l.any_returned)::integer, bool_or(l.uncollected <> 0)::integer,
           count(*) filter (where l.goods), sum(l.units), sum(l.gross), sum(l.discount), sum(l.placed),
           sum(l.cancelled), sum(l.returned), sum(l.uncollected), sum(l.revenue), sum(l.shipped), sum(l.net_sales),
           sum(l.cost)
    from (
        select case $15 when 'channel' then s.channel when 'region' then s.region
                        when 'delivery_method' then s.delivery_method when 'payment_method' then s.payment_method
                        when 'customer' then coalesce(s.customer_id::text, '') when 'product' then s.sku
                        when 'brand' then s.brand
                        when 'category' then case when $16 = 0 then s.category
                            else array_to_string((string_to_array(s.category, '/'))[1:$16], '/') end
                        when 'category_1' then split_part(s.category, '/', 1)
                        when 'category_2' then array_to_string((string_to_array(s.category, '/'))[1:2], '/')
                        when 'category_3' then array_to_string((string_to_array(s.category, '/'))[1:3], '/')
                        else '' end as value, s.*
        from sold_line s
        where $13 = 'lines' and s.currency = $1 and s.business_day between $2 and $3
          and ($4::text[] is null or s.channel = any($4))
          and ($5::text[] is null or s.region = any($5))
          and ($6::text[] is null or s.delivery_method = any($6))
          and ($7::text[] is null or s.payment_method = any($7))
          and ($8::text is null or s.category = $8 or starts_with(s.category, $8 || '/'))
          and ($9::text[] is null or s.brand = any($9))
          and ($10::text[] is null or s.sku = any($10))
          and ($11::uuid[] is null or s.customer_id = any($11))
          and ($12::boolean is null or s.order_discounted = $12)
    ) l
    group by l.value, l.business_day, l.order_id
), grouped as (
    select case $17 when 'day' then to_char(day, 'YYYY-MM-DD')
                    when 'week' then to_char(date_trunc('week', day::timestamp), 'YYYY-MM-DD')
                    when 'month' then to_char(date_trunc('month', day::timestamp), 'YYYY-MM-DD')
                    else value end as key,
           sum(orders)::bigint as orders, sum(effective_orders)::bigint as effective_orders,
           sum(discounted_orders)::bigint as discounted_orders, sum(cancelled_orders)::bigint as cancelled_orders,
           sum(returned_orders)::bigint as returned_orders, sum(uncollected_orders)::bigint as uncollected_orders,
           sum(lines)::bigint as lines, sum(units) as units, sum(gross) as gross, sum(discount) as discount,
           sum(placed) as placed, sum(cancelled) as cancelled, sum(returned) as returned,
           sum(uncollected) as uncollected, sum(revenue) as revenue, sum(shipped) as shipped,
           sum(net_sales) as net_sales, sum(cost) as cost
    from source
    group by 1
), ranked as (
    select g.*, coalesce(case when $19 then -1 else 1 end * round(case $18
               when 'orders' then orders when 'effective_orders' then effective_orders
               when 'discounted_orders' then discounted_orders when 'cancelled_orders' then cancelled_orders
               when 'returned_orders' then returned_orders when 'uncollected_orders' then uncollected_orders
               when 'lines' then lines when 'units' then units when 'gross' then gross when 'discount' then discount
               when 'placed' then placed when 'cancelled' then cancelled when 'returned' then returned
               when 'uncollected' then uncollected when 'revenue' then revenue when 'shipped' then shipped
               when 'net_sales' then net_sales when 'cost' then cost when 'margin' then net_sales - cost
               when 'average_check' then revenue / nullif(effective_orders, 0)
               when 'discount_percent' then discount * 100 / nullif(gross, 0)
               when 'margin_percent' then (net_sales - cost) * 100 / nullif(net_sales, 0)
               end, 6), 0) as rank
    from grouped g
)
select r.*, case when $15 = 'product' then coalesce(p.name, r.key) else r.key end as label
from ranked r left join product_dim p on $15 = 'product' and p.sku = r.key
where ($20::text[] is null or r.key = any($20))
  and ($21::numeric is null or r.rank < $21 or (r.rank = $21 and case when $19 and $18 is null
        then r.key collate \"C\" < $22 else r.key collate \"C\" > $22 end))
order by r.rank desc, case when $19 and $18 is null then r.key collate \"C\" end desc, r.key collate \"C\"
limit $23";

/// A row: key, label, rank for paging, and figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SalesRow {
    /// What it is about.
    pub key: String,
    /// The same for people.
    pub label: String,
    /// What rows are ordered by.
    pub rank: Decimal,
    /// The figures.
    pub figures: Figures,
}

#[derive(FromRow)]
struct Row {
    key: String,
    label: String,
    rank: Decimal,
    orders: i64,
    effective_orders: i64,
    discounted_orders: i64,
    cancelled_orders: i64,
    returned_orders: i64,
    uncollected_orders: i64,
    lines: i64,
    units: Decimal,
    gross: Decimal,
    discount: Decimal,
    placed: Decimal,
    cancelled: Decimal,
    returned: Decimal,
    uncollected: Decimal,
    revenue: Decimal,
    shipped: Decimal,
    net_sales: Decimal,
    cost: Decimal,
}

impl From<Row> for SalesRow {
    fn from(row: Row) -> Self {
        Self {
            key: row.key,
            label: row.label,
            rank: row.rank,
            figures: Figures {
                orders: row.orders,
                effective_orders: row.effective_orders,
                discounted_orders: row.discounted_orders,
                cancelled_orders: row.cancelled_orders,
                returned_orders: row.returned_orders,
                uncollected_orders: row.uncollected_orders,
                lines: row.lines,
                units: row.units,
                gross: row.gross,
                discount: row.discount,
                placed: row.placed,
                cancelled: row.cancelled,
                returned: row.returned,
                uncollected: row.uncollected,
                revenue: row.revenue,
                shipped: row.shipped,
                net_sales: row.net_sales,
                cost: row.cost,
            },
        }
    }
}

/// Binds $1 to $12: currency, period, and what is let through.
pub fn bind_filter<'q, O>(
    query: QueryAs<'q, Postgres, O, PgArguments>,
    currency: Option<&'q str>,
    period: Period,
    filter: &'q Filter,
) -> QueryAs<'q, Postgres, O, PgArguments> {
    query
        .bind(currency)
        .bind(period.from)
        .bind(period.to)
        .bind(&filter.channels)
        .bind(&filter.regions)
        .bind(&filter.delivery_methods)
        .bind(&filter.payment_methods)
        .bind(&filter.category)
        .bind(&filter.brands)
        .bind(&filter.skus)
        .bind(&filter.customers)
        .bind(filter.discounted)
}

/// What to read figures of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scope<'a> {
    /// Currency of the orders.
    pub(super) currency: &'a str,
    /// Days they were placed on.
    pub(super) period: Period,
    /// What the rows are.
    pub(super) group: Group,
    /// Which orders and lines.
    pub(super) filter: &'a Filter,
}

/// Figures by key.
///
/// # Errors
/// Database errors.
pub(super) async fn figures(conn: &mut PgConnection, scope: Scope<'_>, order: &Order) -> sqlx::Result<Vec<SalesRow>> {
    let Scope { currency, period, group, filter } = scope;
    let source = Source::of(group, filter);
    let rows = bind_filter(sqlx::query_as::<_, Row>(SALES), Some(currency), period, filter)
        .bind(source.code())
        .bind(if group.of_lines() { "line" } else { "order" })
        .bind(group.dimension())
        .bind(group.category_level())
        .bind(group.key())
        .bind(order.by.map(crate::sales::domain::Measure::code))
        .bind(order.reverse)
        .bind(&order.keys)
        .bind(order.after.as_ref().map(|(rank, _)| *rank))
        .bind(order.after.as_ref().map(|(_, key)| key.as_str()))
        .bind(order.limit)
        .fetch_all(conn)
        .await?;
    Ok(rows.into_iter().map(SalesRow::from).collect())
}

/// The figures of everything in one.
///
/// # Errors
/// Database errors.
pub(super) async fn totals(
    conn: &mut PgConnection,
    currency: &str,
    period: Period,
    filter: &Filter,
) -> sqlx::Result<Figures> {
    let order = Order { limit: 1, ..Order::default() };
    let rows = figures(conn, Scope { currency, period, group: Group::All, filter }, &order).await?;
    Ok(rows.into_iter().next().map(|row| row.figures).unwrap_or_default())
}
