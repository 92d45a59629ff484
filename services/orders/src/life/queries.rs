//! Reads of orders and their history.

use rust_decimal::Decimal;
use sqlx::{FromRow, PgConnection};
use time::OffsetDateTime;
use types::Currency;
use uuid::Uuid;

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

/// One head.
pub(super) async fn head(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Head>> {
    let row: Option<HeadRow> = sqlx::query_as(
        "-- order_head
        select id, number, channel, external_id, placed_at, received_at, currency, prices_include_tax, customer_id,
            region, delivery_method, payment_method, comment, priority, warehouse, hold_reasons, gross, discount, tax,
            total, cancelled_amount, returned_amount, paid, refunded, state, payment_state, fulfilment_state, flags,
            version
        from orders where id = $1",
    )
    .bind(id)
    .fetch_optional(conn)
    .await?;
    row.map(Head::try_from).transpose()
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

/// A page of heads before a key, the latest placed first.
pub(super) async fn list(
    conn: &mut PgConnection,
    filter: &Filter,
    before: Option<(OffsetDateTime, Uuid)>,
    limit: i64,
) -> sqlx::Result<Vec<Head>> {
    let rows: Vec<HeadRow> = sqlx::query_as(
        "-- list_orders
        select id, number, channel, external_id, placed_at, received_at, currency, prices_include_tax, customer_id,
            region, delivery_method, payment_method, comment, priority, warehouse, hold_reasons, gross, discount, tax,
            total, cancelled_amount, returned_amount, paid, refunded, state, payment_state, fulfilment_state, flags,
            version
        from orders
        where ($1::text is null or state = $1)
          and ($2::text is null or payment_state = $2)
          and ($3::text is null or fulfilment_state = $3)
          and ($4::text is null or channel = $4)
          and ($5::uuid is null or customer_id = $5)
          and ($6::timestamptz is null or placed_at >= $6)
          and ($7::timestamptz is null or placed_at < $7)
          and ($8::int8 is null or number = $8)
          and ($9::timestamptz is null or (placed_at, id) < ($9, $10::uuid))
        order by placed_at desc, id desc limit $11",
    )
    .bind(&filter.state)
    .bind(&filter.payment_state)
    .bind(&filter.fulfilment_state)
    .bind(&filter.channel)
    .bind(filter.customer_id)
    .bind(filter.placed_from)
    .bind(filter.placed_before)
    .bind(filter.number)
    .bind(before.map(|(at, _)| at))
    .bind(before.map(|(_, id)| id))
    .bind(limit)
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

/// History of an order after an entry.
pub(super) async fn timeline(
    conn: &mut PgConnection,
    order_id: Uuid,
    after: i64,
    limit: i64,
) -> sqlx::Result<Vec<TimelineRow>> {
    sqlx::query_as(
        "-- order_timeline
        select id, at, source, actor, code, machine, from_state, to_state, reason, params
        from order_timeline where order_id = $1 and id > $2 order by id limit $3",
    )
    .bind(order_id)
    .bind(after)
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// The three states of an order.
#[derive(Clone, Debug, FromRow, PartialEq, Eq)]
pub(super) struct States {
    pub(super) state: String,
    pub(super) payment_state: String,
    pub(super) fulfilment_state: String,
}

/// The three states of an order.
pub(super) async fn states(conn: &mut PgConnection, order_id: Uuid) -> sqlx::Result<Option<States>> {
    sqlx::query_as("-- order_states\nselect state, payment_state, fulfilment_state from orders where id = $1")
        .bind(order_id)
        .fetch_optional(conn)
        .await
}
