//! Reads of orders and their history.

use rust_decimal::Decimal;
use sqlx::{FromRow, PgConnection, Row as _};
use time::OffsetDateTime;
use types::Currency;
use uuid::Uuid;

use super::{
    domain::{Line, Shipment},
    store::{self, Held},
};
use crate::catalogue::store::unreadable;

/// The head of an order as it lies in its table.
#[derive(FromRow)]
pub(super) struct HeadRow {
    pub(super) id: Uuid,
    pub(super) number: i64,
    pub(super) channel: String,
    pub(super) external_id: String,
    pub(super) placed_at: OffsetDateTime,
    pub(super) received_at: OffsetDateTime,
    currency: String,
    pub(super) prices_include_tax: bool,
    pub(super) customer_id: Option<Uuid>,
    pub(super) region: String,
    pub(super) delivery_method: String,
    pub(super) payment_method: String,
    pub(super) comment: String,
    pub(super) priority: i32,
    pub(super) warehouse: String,
    pub(super) hold_reasons: Vec<String>,
    pub(super) gross: Decimal,
    pub(super) discount: Decimal,
    pub(super) tax: Decimal,
    pub(super) total: Decimal,
    pub(super) cancelled_amount: Decimal,
    pub(super) returned_amount: Decimal,
    pub(super) paid: Decimal,
    pub(super) refunded: Decimal,
    pub(super) state: String,
    pub(super) payment_state: String,
    pub(super) fulfilment_state: String,
    pub(super) flags: Vec<String>,
    pub(super) version: i64,
}

/// The head of an order.
pub(super) struct Head {
    pub(super) row: HeadRow,
    pub(super) currency: Currency,
}

impl TryFrom<HeadRow> for Head {
    type Error = sqlx::Error;

    fn try_from(row: HeadRow) -> sqlx::Result<Self> {
        let currency = Currency::parse(&row.currency).map_err(|_| unreadable("currency"))?;
        Ok(Self { row, currency })
    }
}

/// A head, and what there is to read besides its lines: mostly nothing.
#[derive(FromRow)]
struct WholeRow {
    #[sqlx(flatten)]
    head: HeadRow,
    #[sqlx(flatten)]
    held: Held,
    has_progress: bool,
    has_shipments: bool,
}

/// Orders for everybody's view; unknown ids are missing.
pub(super) async fn whole(
    conn: &mut PgConnection,
    ids: &[Uuid],
) -> sqlx::Result<Vec<(Head, Vec<Line>, Vec<Shipment>)>> {
    let rows: Vec<WholeRow> = sqlx::query_as(
        "-- order_whole
        select id, number, channel, external_id, placed_at, received_at, currency, prices_include_tax, customer_id,
            region, delivery_method, payment_method, comment, priority, warehouse, hold_reasons, gross, discount, tax,
            total, cancelled_amount, returned_amount, paid, refunded, state, payment_state, fulfilment_state, flags,
            version, held_lines, reserved, backordered,
            exists (select from order_line_progress p where p.order_id = orders.id) as has_progress,
            exists (select from order_shipment s where s.order_id = orders.id) as has_shipments
        from orders where id = any($1)",
    )
    .bind(ids)
    .fetch_all(&mut *conn)
    .await?;
    let those = |has: fn(&WholeRow) -> bool| -> Vec<Uuid> {
        rows.iter().filter(|row| has(row)).map(|row| row.head.id).collect()
    };
    let mut lines = store::lines(conn, ids).await?;
    store::progress(conn, &those(|row| row.has_progress), &mut lines).await?;
    let mut shipments = store::shipments(conn, &those(|row| row.has_shipments)).await?;
    let one = |row: WholeRow| {
        let mut lines = lines.remove(&row.head.id).unwrap_or_default();
        row.held.apply(&mut lines);
        let shipments = shipments.remove(&row.head.id).unwrap_or_default();
        Ok((row.head.try_into()?, lines, shipments))
    };
    rows.into_iter().map(one).collect()
}

/// The id of the order with an external id.
pub(super) async fn by_external_id(
    conn: &mut PgConnection,
    channel: &str,
    external_id: &str,
) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar("-- order_by_external_id\nselect id from orders where channel = $1 and external_id = $2")
        .bind(channel)
        .bind(external_id)
        .fetch_optional(conn)
        .await
}

/// Which orders to list; `None` for all.
#[derive(Debug, Default)]
pub(super) struct Filter {
    pub(super) state: Option<String>,
    pub(super) payment_state: Option<String>,
    pub(super) fulfilment_state: Option<String>,
    pub(super) channel: Option<String>,
    pub(super) customer_id: Option<Uuid>,
    pub(super) placed_from: Option<OffsetDateTime>,
    pub(super) placed_before: Option<OffsetDateTime>,
    pub(super) number: Option<i64>,
}

/// Later than any order.
const END_OF_TIME: OffsetDateTime = time::macros::datetime!(9999-12-31 23:59:59 UTC);
/// Earlier than any order.
const BEGINNING_OF_TIME: OffsetDateTime = time::macros::datetime!(0001-01-01 00:00 UTC);

/// A page of heads before a key, the latest placed first. Each way into the table has its own statement, so that its
/// plan does not depend on which filters are given.
pub(super) async fn list(
    conn: &mut PgConnection,
    filter: &Filter,
    before: Option<(OffsetDateTime, Uuid)>,
    limit: i64,
) -> sqlx::Result<Vec<Head>> {
    let way = match filter {
        Filter { number: Some(number), .. } => sqlx::query_scalar::<_, Uuid>(
            "-- list_orders_by_number
            select id from orders
            where number = $9 and placed_at >= $1 and placed_at < $2 and (placed_at, id) < ($3, $4)
              and ($5::text is null or state = $5) and ($6::text is null or payment_state = $6)
              and ($7::text is null or fulfilment_state = $7) and ($8::text is null or channel = $8)
              and ($10::uuid is null or customer_id = $10)
            order by placed_at desc, id desc limit $11",
        )
        .bind_filter(filter, before)
        .bind(number)
        .bind(filter.customer_id),
        Filter { customer_id: Some(_), .. } => sqlx::query_scalar::<_, Uuid>(
            "-- list_orders_of_customer
            select o.id from customer_order c join orders o on o.id = c.order_id
            where c.customer_id = $10 and c.placed_at >= $1 and c.placed_at < $2
              and (c.placed_at, c.order_id) < ($3, $4) and o.customer_id = $10
              and ($5::text is null or state = $5) and ($6::text is null or payment_state = $6)
              and ($7::text is null or fulfilment_state = $7) and ($8::text is null or channel = $8)
              and ($9::int8 is null or number = $9)
            order by c.placed_at desc, c.order_id desc limit $11",
        )
        .bind_filter(filter, before)
        .bind(filter.number)
        .bind(filter.customer_id),
        Filter { state: Some(state), .. } if state == "new" => sqlx::query_scalar::<_, Uuid>(
            "-- list_held_orders
            select id from orders
            where state = 'new' and placed_at >= $1 and placed_at < $2 and (placed_at, id) < ($3, $4)
              and ($5::text is null or state = $5) and ($6::text is null or payment_state = $6)
              and ($7::text is null or fulfilment_state = $7) and ($8::text is null or channel = $8)
              and ($9::int8 is null or number = $9) and ($10::uuid is null or customer_id = $10)
            order by placed_at desc, id desc limit $11",
        )
        .bind_filter(filter, before)
        .bind(filter.number)
        .bind(filter.customer_id),
        _ => sqlx::query_scalar::<_, Uuid>(
            "-- list_orders
            select id from orders
            where placed_at >= $1 and placed_at < $2 and (placed_at, id) < ($3, $4)
              and ($5::text is null or state = $5) and ($6::text is null or payment_state = $6)
              and ($7::text is null or fulfilment_state = $7) and ($8::text is null or channel = $8)
              and ($9::int8 is null or number = $9) and ($10::uuid is null or customer_id = $10)
            order by placed_at desc, id desc limit $11",
        )
        .bind_filter(filter, before)
        .bind(filter.number)
        .bind(filter.customer_id),
    };
    let ids = way.bind(limit).fetch_all(&mut *conn).await?;
    heads(conn, &ids).await
}

type Way<'q> = sqlx::query::QueryScalar<'q, sqlx::Postgres, Uuid, sqlx::postgres::PgArguments>;

/// Binds the first eight parameters of each of the ways above.
trait BindFilter<'q> {
    fn bind_filter(self, filter: &'q Filter, before: Option<(OffsetDateTime, Uuid)>) -> Self;
}

impl<'q> BindFilter<'q> for Way<'q> {
    fn bind_filter(self, filter: &'q Filter, before: Option<(OffsetDateTime, Uuid)>) -> Self {
        let (at, id) = before.unwrap_or((END_OF_TIME, Uuid::max()));
        self.bind(filter.placed_from.unwrap_or(BEGINNING_OF_TIME))
            .bind(filter.placed_before.unwrap_or(END_OF_TIME))
            .bind(at)
            .bind(id)
            .bind(&filter.state)
            .bind(&filter.payment_state)
            .bind(&filter.fulfilment_state)
            .bind(&filter.channel)
    }
}

/// Heads by id, the latest placed first.
async fn heads(conn: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<Vec<Head>> {
    let rows: Vec<HeadRow> = sqlx::query_as(
        "-- order_heads
        select id, number, channel, external_id, placed_at, received_at, currency, prices_include_tax, customer_id,
            region, delivery_method, payment_method, comment, priority, warehouse, hold_reasons, gross, discount, tax,
            total, cancelled_amount, returned_amount, paid, refunded, state, payment_state, fulfilment_state, flags,
            version
        from orders where id = any($1) order by placed_at desc, id desc",
    )
    .bind(ids)
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Head::try_from).collect()
}

/// A history entry as it lies in its table.
#[derive(FromRow)]
pub(super) struct TimelineRow {
    pub(super) id: i64,
    pub(super) at: OffsetDateTime,
    pub(super) source: String,
    pub(super) actor: String,
    pub(super) code: String,
    pub(super) machine: Option<String>,
    pub(super) from_state: String,
    pub(super) to_state: String,
    pub(super) reason: String,
    pub(super) params: serde_json::Value,
}

/// The three states of an order.
#[derive(Clone, Debug, FromRow, PartialEq, Eq)]
pub(super) struct States {
    pub(super) state: String,
    pub(super) payment_state: String,
    pub(super) fulfilment_state: String,
}

/// The states of an order and its history after an entry, both of one moment; `None` when there is no such order. The
/// first entry is that it was placed: the order tells it, no row does.
pub(super) async fn timeline(
    conn: &mut PgConnection,
    order_id: Uuid,
    after: i64,
    limit: i64,
) -> sqlx::Result<Option<(States, Vec<TimelineRow>)>> {
    let rows = sqlx::query(
        "-- order_timeline
        select o.state, o.payment_state, o.fulfilment_state, t.*
        from orders o left join lateral (
            select 1::int8 as id, o.received_at as at, 'orders' as source, o.channel as actor, 'order_placed' as code,
                'order' as machine, '' as from_state,
                case when o.hold_reasons = '{}' then 'confirmed' else 'new' end as to_state,
                array_to_string(o.hold_reasons, ' ') as reason, '{}'::jsonb as params
            where $2 < 1
            union all
            (select id, at, source, actor, code, machine, from_state, to_state, reason, params
            from order_timeline where order_id = $1 and id > $2 order by id limit $3)
        ) as t on true
        where o.id = $1 order by t.id limit $3",
    )
    .bind(order_id)
    .bind(after)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    let Some(first) = rows.first() else { return Ok(None) };
    let states = States::from_row(first)?;
    // An order without anything new is a row without an entry.
    let entries = match first.try_get::<Option<i64>, _>("id")? {
        Some(_) => rows.iter().map(TimelineRow::from_row).collect::<sqlx::Result<_>>()?,
        None => Vec::new(),
    };
    Ok(Some((states, entries)))
}
