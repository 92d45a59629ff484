//! Writes of orders and their lines: one statement a table, rows in key order.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::domain::{LineChange, OrderChange, Part, PlacedLine, PlacedOrder};

const UPSERT_ORDERS: &str = "-- upsert_order_facts
insert into order_fact as known
    (order_id, number, channel, region, delivery_method, payment_method, currency, placed_at, business_day,
     stated_total, order_state, order_state_version, payment_state, payment_state_version, fulfilment_state,
     fulfilment_state_version, confirmed_at, cancelled_at, returned_at, paid_at, allocated_at, reserved_at,
     picking_at, packed_at, shipped_at, delivered_at, failed_at, awaiting_since, paid, customer_id,
     customer_first_order, customer_identified_at)
select order_id, coalesce(number, ''), coalesce(channel, ''), coalesce(region, ''),
       coalesce(delivery_method, ''), coalesce(payment_method, ''), coalesce(currency, ''), placed_at,
       business_day, coalesce(stated_total, 0),
       case when order_state = '' then 'new' else order_state end, order_state_version,
       case when payment_state = '' then 'unpaid' else payment_state end, payment_state_version,
       case when fulfilment_state = '' then 'none' else fulfilment_state end, fulfilment_state_version,
       confirmed_at, cancelled_at, returned_at, paid_at, allocated_at, reserved_at, picking_at, packed_at,
       shipped_at, delivered_at, failed_at, awaiting_since, paid, customer_id,
       coalesce(customer_first_order, false), customer_identified_at
from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
            $8::timestamptz[], $9::date[], $10::numeric[], $11::text[], $12::bigint[], $13::text[],
            $14::bigint[], $15::text[], $16::bigint[], $17::timestamptz[], $18::timestamptz[],
            $19::timestamptz[], $20::timestamptz[], $21::timestamptz[], $22::timestamptz[],
            $23::timestamptz[], $24::timestamptz[], $25::timestamptz[], $26::timestamptz[],
            $27::timestamptz[], $28::timestamptz[], $29::numeric[], $30::uuid[], $31::boolean[],
            $32::timestamptz[])
    as change (order_id, number, channel, region, delivery_method, payment_method, currency, placed_at,
               business_day, stated_total, order_state, order_state_version, payment_state,
               payment_state_version, fulfilment_state, fulfilment_state_version, confirmed_at, cancelled_at,
               returned_at, paid_at, allocated_at, reserved_at, picking_at, packed_at, shipped_at,
               delivered_at, failed_at, awaiting_since, paid, customer_id, customer_first_order,
               customer_identified_at)
order by order_id
on conflict (order_id) do update set
    number = case when excluded.placed_at is null then known.number else excluded.number end,
    channel = case when excluded.placed_at is null then known.channel else excluded.channel end,
    region = case when excluded.placed_at is null then known.region else excluded.region end,
    delivery_method =
        case when excluded.placed_at is null then known.delivery_method else excluded.delivery_method end,
    payment_method =
        case when excluded.placed_at is null then known.payment_method else excluded.payment_method end,
    currency = case when excluded.placed_at is null then known.currency else excluded.currency end,
    placed_at = coalesce(excluded.placed_at, known.placed_at),
    business_day = coalesce(excluded.business_day, known.business_day),
    stated_total = case when excluded.placed_at is null then known.stated_total else excluded.stated_total end,
    order_state = case when excluded.order_state_version > known.order_state_version
        then excluded.order_state else known.order_state end,
    order_state_version = greatest(known.order_state_version, excluded.order_state_version),
    payment_state = case when excluded.payment_state_version > known.payment_state_version
        then excluded.payment_state else known.payment_state end,
    payment_state_version = greatest(known.payment_state_version, excluded.payment_state_version),
    fulfilment_state = case when excluded.fulfilment_state_version > known.fulfilment_state_version
        then excluded.fulfilment_state else known.fulfilment_state end,
    fulfilment_state_version = greatest(known.fulfilment_state_version, excluded.fulfilment_state_version),
    confirmed_at = least(known.confirmed_at, excluded.confirmed_at),
    cancelled_at = least(known.cancelled_at, excluded.cancelled_at),
    returned_at = least(known.returned_at, excluded.returned_at),
    paid_at = least(known.paid_at, excluded.paid_at),
    allocated_at = least(known.allocated_at, excluded.allocated_at),
    reserved_at = least(known.reserved_at, excluded.reserved_at),
    picking_at = least(known.picking_at, excluded.picking_at),
    packed_at = least(known.packed_at, excluded.packed_at),
    shipped_at = least(known.shipped_at, excluded.shipped_at),
    delivered_at = least(known.delivered_at, excluded.delivered_at),
    failed_at = least(known.failed_at, excluded.failed_at),
    awaiting_since = least(known.awaiting_since, excluded.awaiting_since),
    paid = known.paid + excluded.paid,
    (customer_id, customer_first_order, customer_identified_at) = (
        select excluded.customer_id, excluded.customer_first_order, excluded.customer_identified_at
        where known.customer_identified_at is null
           or (excluded.customer_identified_at, excluded.customer_id, excluded.customer_first_order)
              > (known.customer_identified_at, known.customer_id, known.customer_first_order)
        union all
        select known.customer_id, known.customer_first_order, known.customer_identified_at
        limit 1)";

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

/// One column of an `unnest`: the same field of every change, in key order.
pub(super) fn column<'a, K, V, T>(changes: &'a BTreeMap<K, V>, field: impl Fn(&'a V) -> T) -> Vec<T> {
    changes.values().map(field).collect()
}

fn placed<'a, T>(orders: &'a BTreeMap<Uuid, OrderChange>, field: impl Fn(&'a PlacedOrder) -> T) -> Vec<Option<T>> {
    column(orders, |order| order.placed.as_ref().map(&field))
}

/// Inserts or brings up to date what orders carry themselves, and locks their rows.
pub(super) async fn upsert_orders(conn: &mut PgConnection, orders: &BTreeMap<Uuid, OrderChange>) -> sqlx::Result<()> {
    if orders.is_empty() {
        return Ok(());
    }
    sqlx::query(UPSERT_ORDERS)
        .bind(orders.keys().copied().collect::<Vec<_>>())
        .bind(placed(orders, |placed| placed.number.as_str()))
        .bind(placed(orders, |placed| placed.channel.as_str()))
        .bind(placed(orders, |placed| placed.region.as_str()))
        .bind(placed(orders, |placed| placed.delivery_method.as_str()))
        .bind(placed(orders, |placed| placed.payment_method.as_str()))
        .bind(placed(orders, |placed| placed.currency.as_str()))
        .bind(placed(orders, |placed| placed.placed_at))
        .bind(placed(orders, |placed| placed.business_day))
        .bind(placed(orders, |placed| placed.total))
        .bind(column(orders, |order| order.order_state.value.as_str()))
        .bind(column(orders, |order| order.order_state.version))
        .bind(column(orders, |order| order.payment_state.value.as_str()))
        .bind(column(orders, |order| order.payment_state.version))
        .bind(column(orders, |order| order.fulfilment_state.value.as_str()))
        .bind(column(orders, |order| order.fulfilment_state.version))
        .bind(column(orders, |order| order.moments.confirmed))
        .bind(column(orders, |order| order.moments.cancelled))
        .bind(column(orders, |order| order.moments.returned))
        .bind(column(orders, |order| order.moments.paid))
        .bind(column(orders, |order| order.moments.allocated))
        .bind(column(orders, |order| order.moments.reserved))
        .bind(column(orders, |order| order.moments.picking))
        .bind(column(orders, |order| order.moments.packed))
        .bind(column(orders, |order| order.moments.shipped))
        .bind(column(orders, |order| order.moments.delivered))
        .bind(column(orders, |order| order.moments.failed))
        .bind(column(orders, |order| order.moments.awaiting))
        .bind(column(orders, |order| order.paid))
        .bind(column(orders, |order| order.customer.as_ref().map(|link| link.customer_id)))
        .bind(column(orders, |order| order.customer.as_ref().map(|link| link.first_order)))
        .bind(column(orders, |order| order.customer.as_ref().map(|link| link.at)))
        .execute(conn)
        .await?;
    Ok(())
}

type Lines = BTreeMap<(Uuid, i32), LineChange>;

fn placed_line<'a, T>(lines: &'a Lines, field: impl Fn(&'a PlacedLine) -> T) -> Vec<Option<T>> {
    column(lines, |line| line.placed.as_ref().map(&field))
}

/// Inserts lines or adds to them. The caller holds the locks of their orders.
pub(super) async fn upsert_lines(conn: &mut PgConnection, lines: &Lines) -> sqlx::Result<()> {
    let part = |which: fn(&LineChange) -> &Part, what: fn(&Part) -> rust_decimal::Decimal| {
        column(lines, |line| what(which(line)))
    };
    let (quantity, amount, tax) = (|part: &Part| part.quantity, |part: &Part| part.amount, |part: &Part| part.tax);
    sqlx::query(UPSERT_LINES)
        .bind(lines.keys().map(|(order_id, _)| *order_id).collect::<Vec<_>>())
        .bind(lines.keys().map(|(_, line_no)| *line_no).collect::<Vec<_>>())
        .bind(placed_line(lines, |line| line.goods))
        .bind(placed_line(lines, |line| line.sku.as_str()))
        .bind(placed_line(lines, |line| line.category.as_str()))
        .bind(placed_line(lines, |line| line.brand.as_str()))
        .bind(placed_line(lines, |line| i16::try_from(line.digits).unwrap_or(2)))
        .bind(placed_line(lines, |line| line.quantity))
        .bind(placed_line(lines, |line| line.gross))
        .bind(placed_line(lines, |line| line.discount))
        .bind(placed_line(lines, |line| line.tax))
        .bind(placed_line(lines, |line| line.total))
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

/// Brings the sums of orders over their lines up to date and marks the days whose figures thereby change.
pub(super) async fn sum_lines(conn: &mut PgConnection, orders: &[Uuid], now: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query(
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
        insert into day_mark (day, marked_at)
        select distinct business_day, $2::timestamptz from summed where business_day is not null",
    )
    .bind(orders)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}
