//! Writes of orders. One batch at a time writes orders and their lines, so rows are found, changed and added without waiting
//! for anybody in the midst of it.

use std::collections::{BTreeMap, HashSet};

use sqlx::{PgConnection, Postgres, postgres::PgArguments, query::Query};
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::{
    domain::{OrderChange, PlacedOrder},
    domain_sums::LineSums,
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
       coalesce(lines, 0), coalesce(units, 0), coalesce(gross, 0), coalesce(discount, 0), coalesce(tax, 0),
       coalesce(placed, 0), coalesce(placed, 0), coalesce(any_discount, false)
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

/// One column of an `unnest`: the same field of every change, in key order.
pub(super) fn column<'a, K, V, T>(changes: &'a BTreeMap<K, V>, field: impl Fn(&'a V) -> T) -> Vec<T> {
    changes.values().map(field).collect()
}

/// What is written of an order.
#[derive(Clone)]
pub(super) struct OrderRow<'a> {
    pub(super) order_id: Uuid,
    pub(super) change: &'a OrderChange,
    /// Sums over its lines; none leaves them as they are.
    pub(super) sums: Option<LineSums>,
}

pub(super) fn each<'a, T>(orders: &[OrderRow<'a>], field: impl Fn(&'a OrderChange) -> T) -> Vec<T> {
    orders.iter().map(|row| field(row.change)).collect()
}

fn placed<'a, T>(orders: &[OrderRow<'a>], field: impl Fn(&'a PlacedOrder) -> T) -> Vec<Option<T>> {
    each(orders, |order| order.placed.as_ref().map(&field))
}

fn sums<T>(orders: &[OrderRow<'_>], field: impl Fn(&LineSums) -> T) -> Vec<Option<T>> {
    orders.iter().map(|row| row.sums.as_ref().map(&field)).collect()
}

/// A statement whose parameters are being bound.
pub(super) type Statement<'q> = Query<'q, Postgres, PgArguments>;

/// Binds the ids and what `OrderPlaced` says, ten parameters.
pub(super) fn bind_placed<'q>(statement: Statement<'q>, orders: &[OrderRow<'q>]) -> Statement<'q> {
    statement
        .bind(orders.iter().map(|row| row.order_id).collect::<Vec<_>>())
        .bind(placed(orders, |placed| placed.number.as_str()))
        .bind(placed(orders, |placed| placed.channel.as_str()))
        .bind(placed(orders, |placed| placed.region.as_str()))
        .bind(placed(orders, |placed| placed.delivery_method.as_str()))
        .bind(placed(orders, |placed| placed.payment_method.as_str()))
        .bind(placed(orders, |placed| placed.currency.as_str()))
        .bind(placed(orders, |placed| placed.placed_at))
        .bind(placed(orders, |placed| placed.business_day))
        .bind(placed(orders, |placed| placed.total))
}

/// Binds the sums over the lines, seven parameters.
pub(super) fn bind_sums<'q>(statement: Statement<'q>, orders: &[OrderRow<'q>]) -> Statement<'q> {
    statement
        .bind(sums(orders, |sums| sums.lines))
        .bind(sums(orders, |sums| sums.units))
        .bind(sums(orders, |sums| sums.gross))
        .bind(sums(orders, |sums| sums.discount))
        .bind(sums(orders, |sums| sums.tax))
        .bind(sums(orders, |sums| sums.placed))
        .bind(sums(orders, |sums| sums.any_discount))
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

/// Adds orders that have no row yet.
pub(super) async fn insert_orders(conn: &mut PgConnection, orders: &[OrderRow<'_>]) -> sqlx::Result<()> {
    if orders.is_empty() {
        return Ok(());
    }
    let statement = bind_placed(sqlx::query(INSERT_ORDERS), orders)
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
        .bind(each(orders, |order| order.customer.as_ref().map(|link| link.at)));
    bind_sums(statement, orders).execute(conn).await?;
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
