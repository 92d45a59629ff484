//! Writes of orders. One batch at a time writes orders and their lines, so rows are found, changed and added without waiting
//! for anybody in the midst of it.

use std::collections::{BTreeMap, HashSet};

use rust_decimal::Decimal;
use sqlx::{PgConnection, Postgres, postgres::PgArguments, query::Query};
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::{
    domain::{OrderChange, PlacedOrder},
    line_sums::LineSums,
};

const INSERT_ORDERS: &str = "-- insert_order_facts
insert into order_fact
    (order_id, number, channel, region, delivery_method, payment_method, currency, placed_at, business_day,
     stated_total, order_state, order_state_version, payment_state, payment_state_version, fulfilment_state,
     fulfilment_state_version, confirmed_at, cancelled_at, returned_at, paid_at, allocated_at, reserved_at,
     picking_at, packed_at, shipped_at, delivered_at, failed_at, awaiting_since, paid, customer_id,
     customer_first_order, customer_identified_at,
     lines, units, gross, discount, tax, placed, revenue, any_discount)
select order_id, coalesce(number, ''), coalesce(channel, ''), coalesce(region, ''),
       coalesce(delivery_method, ''), coalesce(payment_method, ''), coalesce(currency, ''), placed_at,
       business_day, coalesce(stated_total, 0),
       case when order_state = '' then 'new' else order_state end, order_state_version,
       case when payment_state = '' then 'unpaid' else payment_state end, payment_state_version,
       case when fulfilment_state = '' then 'none' else fulfilment_state end, fulfilment_state_version,
       confirmed_at, cancelled_at, returned_at, paid_at, allocated_at, reserved_at, picking_at, packed_at,
       shipped_at, delivered_at, failed_at, awaiting_since, paid, customer_id,
       coalesce(customer_first_order, false), customer_identified_at,
       lines, units, gross, discount, tax, placed, placed, any_discount
from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
            $8::timestamptz[], $9::date[], $10::numeric[], $11::text[], $12::bigint[], $13::text[],
            $14::bigint[], $15::text[], $16::bigint[], $17::timestamptz[], $18::timestamptz[],
            $19::timestamptz[], $20::timestamptz[], $21::timestamptz[], $22::timestamptz[], $23::timestamptz[],
            $24::timestamptz[], $25::timestamptz[], $26::timestamptz[], $27::timestamptz[], $28::timestamptz[],
            $29::numeric[], $30::uuid[], $31::boolean[], $32::timestamptz[], $33::integer[], $34::numeric[],
            $35::numeric[], $36::numeric[], $37::numeric[], $38::numeric[], $39::boolean[])
    as change (order_id, number, channel, region, delivery_method, payment_method, currency, placed_at,
               business_day, stated_total, order_state, order_state_version, payment_state,
               payment_state_version, fulfilment_state, fulfilment_state_version, confirmed_at, cancelled_at,
               returned_at, paid_at, allocated_at, reserved_at, picking_at, packed_at, shipped_at,
               delivered_at, failed_at, awaiting_since, paid, customer_id, customer_first_order,
               customer_identified_at, lines, units, gross, discount, tax, placed, any_discount)";

const UPDATE_ORDERS: &str = "-- update_order_facts
update order_fact known set
    number = case when change.placed_at is null then known.number else change.number end,
    channel = case when change.placed_at is null then known.channel else change.channel end,
    region = case when change.placed_at is null then known.region else change.region end,
    delivery_method =
        case when change.placed_at is null then known.delivery_method else change.delivery_method end,
    payment_method =
        case when change.placed_at is null then known.payment_method else change.payment_method end,
    currency = case when change.placed_at is null then known.currency else change.currency end,
    placed_at = coalesce(change.placed_at, known.placed_at),
    business_day = coalesce(change.business_day, known.business_day),
    stated_total = case when change.placed_at is null then known.stated_total else change.stated_total end,
    order_state = case when change.order_state_version > known.order_state_version
        then change.order_state else known.order_state end,
    order_state_version = greatest(known.order_state_version, change.order_state_version),
    payment_state = case when change.payment_state_version > known.payment_state_version
        then change.payment_state else known.payment_state end,
    payment_state_version = greatest(known.payment_state_version, change.payment_state_version),
    fulfilment_state = case when change.fulfilment_state_version > known.fulfilment_state_version
        then change.fulfilment_state else known.fulfilment_state end,
    fulfilment_state_version = greatest(known.fulfilment_state_version, change.fulfilment_state_version),
    confirmed_at = least(known.confirmed_at, change.confirmed_at),
    cancelled_at = least(known.cancelled_at, change.cancelled_at),
    returned_at = least(known.returned_at, change.returned_at),
    paid_at = least(known.paid_at, change.paid_at),
    allocated_at = least(known.allocated_at, change.allocated_at),
    reserved_at = least(known.reserved_at, change.reserved_at),
    picking_at = least(known.picking_at, change.picking_at),
    packed_at = least(known.packed_at, change.packed_at),
    shipped_at = least(known.shipped_at, change.shipped_at),
    delivered_at = least(known.delivered_at, change.delivered_at),
    failed_at = least(known.failed_at, change.failed_at),
    awaiting_since = least(known.awaiting_since, change.awaiting_since),
    paid = known.paid + change.paid,
    customer_id = case when known.customer_id is null then change.customer_id
        when (change.customer_identified_at, change.customer_id, change.customer_first_order)
             > (known.customer_identified_at, known.customer_id, known.customer_first_order)
            then change.customer_id else known.customer_id end,
    customer_first_order = case when known.customer_id is null then coalesce(change.customer_first_order, false)
        when (change.customer_identified_at, change.customer_id, change.customer_first_order)
             > (known.customer_identified_at, known.customer_id, known.customer_first_order)
            then change.customer_first_order else known.customer_first_order end,
    customer_identified_at = case when known.customer_id is null then change.customer_identified_at
        when (change.customer_identified_at, change.customer_id, change.customer_first_order)
             > (known.customer_identified_at, known.customer_id, known.customer_first_order)
            then change.customer_identified_at else known.customer_identified_at end
from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
            $8::timestamptz[], $9::date[], $10::numeric[], $11::text[], $12::bigint[], $13::text[],
            $14::bigint[], $15::text[], $16::bigint[], $17::timestamptz[], $18::timestamptz[],
            $19::timestamptz[], $20::timestamptz[], $21::timestamptz[], $22::timestamptz[], $23::timestamptz[],
            $24::timestamptz[], $25::timestamptz[], $26::timestamptz[], $27::timestamptz[], $28::timestamptz[],
            $29::numeric[], $30::uuid[], $31::boolean[], $32::timestamptz[])
    as change (order_id, number, channel, region, delivery_method, payment_method, currency, placed_at,
               business_day, stated_total, order_state, order_state_version, payment_state,
               payment_state_version, fulfilment_state, fulfilment_state_version, confirmed_at, cancelled_at,
               returned_at, paid_at, allocated_at, reserved_at, picking_at, packed_at, shipped_at,
               delivered_at, failed_at, awaiting_since, paid, customer_id, customer_first_order,
               customer_identified_at)
where known.order_id = change.order_id";

/// One column of an `unnest`: the same field of every change, in key order.
pub(super) fn column<'a, K, V, T>(changes: &'a BTreeMap<K, V>, field: impl Fn(&'a V) -> T) -> Vec<T> {
    changes.values().map(field).collect()
}

type Orders<'a> = [(Uuid, &'a OrderChange)];

fn each<'a, T>(orders: &Orders<'a>, field: impl Fn(&'a OrderChange) -> T) -> Vec<T> {
    orders.iter().map(|(_, order)| field(order)).collect()
}

fn placed<'a, T>(orders: &Orders<'a>, field: impl Fn(&'a PlacedOrder) -> T) -> Vec<Option<T>> {
    each(orders, |order| order.placed.as_ref().map(&field))
}

type Statement<'q> = Query<'q, Postgres, PgArguments>;

fn bind<'q>(statement: Statement<'q>, orders: &Orders<'q>) -> Statement<'q> {
    statement
        .bind(orders.iter().map(|(order_id, _)| *order_id).collect::<Vec<_>>())
        .bind(placed(orders, |placed| placed.number.as_str()))
        .bind(placed(orders, |placed| placed.channel.as_str()))
        .bind(placed(orders, |placed| placed.region.as_str()))
        .bind(placed(orders, |placed| placed.delivery_method.as_str()))
        .bind(placed(orders, |placed| placed.payment_method.as_str()))
        .bind(placed(orders, |placed| placed.currency.as_str()))
        .bind(placed(orders, |placed| placed.placed_at))
        .bind(placed(orders, |placed| placed.business_day))
        .bind(placed(orders, |placed| placed.total))
        .bind(each(orders, |order| order.order_state.value.as_str()))
        .bind(each(orders, |order| order.order_state.version))
        .bind(each(orders, |order| order.payment_state.value.as_str()))
        .bind(each(orders, |order| order.payment_state.version))
        .bind(each(orders, |order| order.fulfilment_state.value.as_str()))
        .bind(each(orders, |order| order.fulfilment_state.version))
        .bind(each(orders, |order| order.moments.confirmed))
        .bind(each(orders, |order| order.moments.cancelled))
        .bind(each(orders, |order| order.moments.returned))
        .bind(each(orders, |order| order.moments.paid))
        .bind(each(orders, |order| order.moments.allocated))
        .bind(each(orders, |order| order.moments.reserved))
        .bind(each(orders, |order| order.moments.picking))
        .bind(each(orders, |order| order.moments.packed))
        .bind(each(orders, |order| order.moments.shipped))
        .bind(each(orders, |order| order.moments.delivered))
        .bind(each(orders, |order| order.moments.failed))
        .bind(each(orders, |order| order.moments.awaiting))
        .bind(each(orders, |order| order.paid))
        .bind(each(orders, |order| order.customer.as_ref().map(|link| link.customer_id)))
        .bind(each(orders, |order| order.customer.as_ref().map(|link| link.first_order)))
        .bind(each(orders, |order| order.customer.as_ref().map(|link| link.at)))
}

/// Waits until no other batch writes orders or their lines. Lasts to the end of the transaction.
pub(super) async fn lock(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query(
        "-- lock_order_facts
        select pg_advisory_xact_lock(hashtext('kpi.order_facts'))",
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Which of these orders have a row.
pub(super) async fn known_orders(conn: &mut PgConnection, orders: &[Uuid]) -> sqlx::Result<HashSet<Uuid>> {
    let known: Vec<Uuid> = sqlx::query_scalar(
        "-- known_order_facts
        select order_id from order_fact where order_id = any($1)",
    )
    .bind(orders)
    .fetch_all(conn)
    .await?;
    Ok(known.into_iter().collect())
}

/// Brings up to date what known orders carry themselves.
pub(super) async fn update_orders(conn: &mut PgConnection, orders: &Orders<'_>) -> sqlx::Result<()> {
    if orders.is_empty() {
        return Ok(());
    }
    bind(sqlx::query(UPDATE_ORDERS), orders).execute(conn).await?;
    Ok(())
}

/// Adds orders that have no row yet, each with the sums over its lines.
pub(super) async fn insert_orders(conn: &mut PgConnection, orders: &Orders<'_>, sums: &[LineSums]) -> sqlx::Result<()> {
    if orders.is_empty() {
        return Ok(());
    }
    let sum = |of: fn(&LineSums) -> Decimal| sums.iter().map(of).collect::<Vec<_>>();
    bind(sqlx::query(INSERT_ORDERS), orders)
        .bind(sums.iter().map(|sums| sums.lines).collect::<Vec<_>>())
        .bind(sum(|sums| sums.units))
        .bind(sum(|sums| sums.gross))
        .bind(sum(|sums| sums.discount))
        .bind(sum(|sums| sums.tax))
        .bind(sum(|sums| sums.placed))
        .bind(sums.iter().map(|sums| sums.any_discount).collect::<Vec<_>>())
        .execute(conn)
        .await?;
    Ok(())
}

/// Marks days whose figures change.
pub(super) async fn mark_days(conn: &mut PgConnection, days: &[Date], now: OffsetDateTime) -> sqlx::Result<()> {
    if days.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "-- mark_days
        insert into day_mark (day, marked_at) select day, $2 from unnest($1::date[]) as day order by day",
    )
    .bind(days)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}
