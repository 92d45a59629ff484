//! The SQL of order facts.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use sqlx::PgConnection;
use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::domain::{FactLine, OrderFact};
use crate::error::Error;

/// A row of `order_fact`.
#[derive(sqlx::FromRow)]
pub(crate) struct FactRow {
    order_id: Uuid,
    customer_id: Option<Uuid>,
    resolved_at: Option<OffsetDateTime>,
    customer_created: bool,
    resolve_notes: Vec<String>,
    placed_at: Option<OffsetDateTime>,
    channel: String,
    region: String,
    currency: String,
    gross: Decimal,
    discount: Decimal,
    tax: Decimal,
    total: Decimal,
    cancelled_amount: Decimal,
    cancelled_discount: Decimal,
    cancelled_tax: Decimal,
    returned_amount: Decimal,
    returned_tax: Decimal,
    cancelled: bool,
    completed: bool,
    returns: i32,
    defect_returns: i32,
    shipments: i32,
    failed_shipments: i32,
    cost: Decimal,
    lines: Json<Vec<FactLine>>,
}

impl From<FactRow> for OrderFact {
    fn from(row: FactRow) -> Self {
        Self {
            order_id: row.order_id,
            customer_id: row.customer_id,
            resolved_at: row.resolved_at,
            customer_created: row.customer_created,
            resolve_notes: row.resolve_notes,
            placed_at: row.placed_at,
            channel: row.channel,
            region: row.region,
            currency: row.currency,
            gross: row.gross,
            discount: row.discount,
            tax: row.tax,
            total: row.total,
            cancelled_amount: row.cancelled_amount,
            cancelled_discount: row.cancelled_discount,
            cancelled_tax: row.cancelled_tax,
            returned_amount: row.returned_amount,
            returned_tax: row.returned_tax,
            cancelled: row.cancelled,
            completed: row.completed,
            returns: row.returns,
            defect_returns: row.defect_returns,
            shipments: row.shipments,
            failed_shipments: row.failed_shipments,
            cost: row.cost,
            lines: row.lines.0,
        }
    }
}

/// Locks that stand for all orders there could be.
const LOCKS: u128 = 64;

/// The facts of orders, which nobody else writes until the end of the transaction; also of orders nothing is known of
/// yet, so that a fact is stored whole by whoever learns of the order first.
pub(crate) async fn lock_facts(conn: &mut PgConnection, ids: &[Uuid]) -> Result<BTreeMap<Uuid, OrderFact>, Error> {
    let locks: BTreeSet<i32> = ids.iter().map(|id| i32::try_from(id.as_u128() % LOCKS).unwrap_or_default()).collect();
    sqlx::query("-- lock_order_facts\nselect pg_advisory_xact_lock(20262, lock) from unnest($1::int4[]) as lock")
        .bind(locks.into_iter().collect::<Vec<_>>())
        .execute(&mut *conn)
        .await?;
    let rows: Vec<FactRow> = sqlx::query_as(
        "-- order_facts_by_id
        select order_id, customer_id, resolved_at, customer_created, resolve_notes, placed_at, channel, region,
            currency, gross, discount, tax, total, cancelled_amount, cancelled_discount, cancelled_tax,
            returned_amount, returned_tax, cancelled, completed, returns, defect_returns, shipments,
            failed_shipments, cost, lines
        from order_fact where order_id = any($1)",
    )
    .bind(ids)
    .fetch_all(conn)
    .await?;
    let mut facts: BTreeMap<Uuid, OrderFact> = rows.into_iter().map(|row| (row.order_id, row.into())).collect();
    for id in ids {
        facts.entry(*id).or_insert_with(|| OrderFact::unknown(*id));
    }
    Ok(facts)
}

/// All facts of some customers.
pub(crate) async fn facts_of_customers(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<OrderFact>, Error> {
    let rows: Vec<FactRow> = sqlx::query_as(
        "-- order_facts_of_customers
        select order_id, customer_id, resolved_at, customer_created, resolve_notes, placed_at, channel, region,
            currency, gross, discount, tax, total, cancelled_amount, cancelled_discount, cancelled_tax,
            returned_amount, returned_tax, cancelled, completed, returns, defect_returns, shipments,
            failed_shipments, cost, '[]'::json as lines
        from order_fact where customer_id = any($1) and placed_at is not null",
    )
    .bind(ids)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(OrderFact::from).collect())
}

/// One column of a batch.
fn column<'a, T>(facts: &'a [OrderFact], field: impl Fn(&'a OrderFact) -> T) -> Vec<T> {
    facts.iter().map(field).collect()
}

/// Writes what events say; whose order it is stays as it is.
pub(crate) async fn save_facts(conn: &mut PgConnection, facts: &[OrderFact]) -> Result<(), Error> {
    sqlx::query(
        "-- save_order_facts
        insert into order_fact (order_id, placed_at, channel, region, currency, gross, discount, tax, total,
            cancelled_amount, cancelled_discount, cancelled_tax, returned_amount, returned_tax, cancelled, completed,
            returns, defect_returns, shipments, failed_shipments, cost, lines, counts)
        select order_id, placed_at, channel, region, currency, gross, discount, tax, total, cancelled_amount,
            cancelled_discount, cancelled_tax, returned_amount, returned_tax, cancelled, completed, returns,
            defect_returns, shipments, failed_shipments, cost, lines::json, counts
        from unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::numeric[], $7::numeric[],
            $8::numeric[], $9::numeric[], $10::numeric[], $11::numeric[], $12::numeric[], $13::numeric[],
            $14::numeric[], $15::bool[], $16::bool[], $17::int4[], $18::int4[], $19::int4[], $20::int4[],
            $21::numeric[], $22::text[], $23::bool[])
            as r(order_id, placed_at, channel, region, currency, gross, discount, tax, total, cancelled_amount,
                cancelled_discount, cancelled_tax, returned_amount, returned_tax, cancelled, completed, returns,
                defect_returns, shipments, failed_shipments, cost, lines, counts)
        on conflict (order_id) do update set
            placed_at = excluded.placed_at, channel = excluded.channel, region = excluded.region,
            currency = excluded.currency, gross = excluded.gross, discount = excluded.discount, tax = excluded.tax,
            total = excluded.total, cancelled_amount = excluded.cancelled_amount,
            cancelled_discount = excluded.cancelled_discount, cancelled_tax = excluded.cancelled_tax,
            returned_amount = excluded.returned_amount, returned_tax = excluded.returned_tax,
            cancelled = excluded.cancelled, completed = excluded.completed, returns = excluded.returns,
            defect_returns = excluded.defect_returns, shipments = excluded.shipments,
            failed_shipments = excluded.failed_shipments, cost = excluded.cost, lines = excluded.lines,
            counts = excluded.counts",
    )
    .bind(column(facts, |fact| fact.order_id))
    .bind(column(facts, |fact| fact.placed_at))
    .bind(column(facts, |fact| fact.channel.as_str()))
    .bind(column(facts, |fact| fact.region.as_str()))
    .bind(column(facts, |fact| fact.currency.as_str()))
    .bind(column(facts, |fact| fact.gross))
    .bind(column(facts, |fact| fact.discount))
    .bind(column(facts, |fact| fact.tax))
    .bind(column(facts, |fact| fact.total))
    .bind(column(facts, |fact| fact.cancelled_amount))
    .bind(column(facts, |fact| fact.cancelled_discount))
    .bind(column(facts, |fact| fact.cancelled_tax))
    .bind(column(facts, |fact| fact.returned_amount))
    .bind(column(facts, |fact| fact.returned_tax))
    .bind(column(facts, |fact| fact.cancelled))
    .bind(column(facts, |fact| fact.completed))
    .bind(column(facts, |fact| fact.returns))
    .bind(column(facts, |fact| fact.defect_returns))
    .bind(column(facts, |fact| fact.shipments))
    .bind(column(facts, |fact| fact.failed_shipments))
    .bind(column(facts, |fact| fact.cost))
    .bind(facts.iter().map(|fact| serde_json::to_string(&fact.lines)).collect::<Result<Vec<_>, _>>()?)
    .bind(column(facts, OrderFact::counts))
    .execute(conn)
    .await?;
    Ok(())
}

/// Whose order it is, as found by identification.
pub(crate) struct Link {
    /// The order.
    pub order_id: Uuid,
    /// The customer; `None` for an anonymous order.
    pub customer_id: Option<Uuid>,
    /// The order made the customer known.
    pub created: bool,
    /// Notes of the answer.
    pub notes: Vec<String>,
}

/// Writes whose orders they are.
pub(crate) async fn link_facts(conn: &mut PgConnection, links: &[Link], now: OffsetDateTime) -> Result<(), Error> {
    sqlx::query(
        "-- link_order_facts
        insert into order_fact (order_id, customer_id, resolved_at, customer_created, resolve_notes)
        select order_id, customer_id, $5, created, string_to_array(notes, ',')
        from unnest($1::uuid[], $2::uuid[], $3::bool[], $4::text[]) as r(order_id, customer_id, created, notes)
        on conflict (order_id) do update set customer_id = excluded.customer_id, resolved_at = excluded.resolved_at,
            customer_created = excluded.customer_created, resolve_notes = excluded.resolve_notes",
    )
    .bind(links.iter().map(|link| link.order_id).collect::<Vec<_>>())
    .bind(links.iter().map(|link| link.customer_id).collect::<Vec<_>>())
    .bind(links.iter().map(|link| link.created).collect::<Vec<_>>())
    .bind(links.iter().map(|link| link.notes.join(",")).collect::<Vec<_>>())
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
pub(crate) struct HistoryRow {
    pub customer_id: Uuid,
    pub placed_at: OffsetDateTime,
    pub region: String,
    pub currency: String,
    pub collected: bool,
    pub defect_returns: i32,
    pub failed_shipments: i32,
    pub lines: Json<Vec<FactLine>>,
}

/// The newest orders of each customer that count, at most `limit` each, the newest first.
pub(crate) async fn newest_orders(
    conn: &mut PgConnection,
    customers: &[Uuid],
    limit: i64,
) -> Result<Vec<HistoryRow>, Error> {
    Ok(sqlx::query_as(
        "-- newest_orders_of_customers
        select c.customer_id, o.placed_at, o.region, o.currency, o.collected, o.defect_returns, o.failed_shipments,
            o.lines
        from unnest($1::uuid[]) as c(customer_id)
        cross join lateral (
            select f.order_id, f.placed_at, f.region, f.currency, f.defect_returns, f.failed_shipments, f.lines,
                not (f.shipments > 0 and f.failed_shipments >= f.shipments) as collected
            from order_fact f
            where f.customer_id = c.customer_id and f.placed_at is not null and f.counts
            order by f.placed_at desc, f.order_id desc
            limit $2) o
        order by c.customer_id, o.placed_at desc, o.order_id desc",
    )
    .bind(customers)
    .bind(limit)
    .fetch_all(conn)
    .await?)
}

/// When the first order that counts was placed, for each customer that has one.
pub(crate) async fn first_orders(
    conn: &mut PgConnection,
    customers: &[Uuid],
) -> Result<Vec<(Uuid, OffsetDateTime)>, Error> {
    Ok(sqlx::query_as(
        "-- first_orders_of_customers
        select c.customer_id, o.placed_at
        from unnest($1::uuid[]) as c(customer_id)
        cross join lateral (
            select f.placed_at from order_fact f
            where f.customer_id = c.customer_id and f.placed_at is not null and f.counts
            order by f.placed_at, f.order_id
            limit 1) o",
    )
    .bind(customers)
    .fetch_all(conn)
    .await?)
}
