//! Orders, lines and shipments as the domain wants them.

use std::collections::HashMap;

use rust_decimal::Decimal;
use sqlx::{FromRow, PgConnection};
use time::OffsetDateTime;
use types::{Currency, Unit};
use uuid::Uuid;

use crate::{
    catalogue::store::unreadable,
    life::domain::{
        FulfilmentState, Line, LineKind, Log, Machine, Money3, Order, OrderState, PaymentState, Shipment, ShipmentState,
    },
};

#[derive(FromRow)]
struct OrderRow {
    id: Uuid,
    number: i64,
    currency: String,
    channel: String,
    placed_at: OffsetDateTime,
    customer_id: Option<Uuid>,
    region: String,
    delivery_method: String,
    priority: i32,
    warehouse: String,
    hold_id: Option<Uuid>,
    total: Decimal,
    cancelled_amount: Decimal,
    returned_amount: Decimal,
    paid: Decimal,
    refunded: Decimal,
    state: String,
    payment_state: String,
    fulfilment_state: String,
    flags: Vec<String>,
    version: i64,
    #[sqlx(flatten)]
    held: Held,
}

/// What the warehouse holds for an order's lines, as it lies with the order.
#[derive(Debug, Default, FromRow)]
pub(in crate::life) struct Held {
    held_lines: Option<Vec<i32>>,
    reserved: Option<Vec<Decimal>>,
    backordered: Option<Vec<Decimal>>,
}

impl Held {
    /// Says it at the lines.
    pub(in crate::life) fn apply(&self, lines: &mut [Line]) {
        let (Some(line_nos), Some(reserved), Some(backordered)) = (&self.held_lines, &self.reserved, &self.backordered)
        else {
            return;
        };
        for ((line_no, reserved), backordered) in line_nos.iter().zip(reserved).zip(backordered) {
            if let Some(line) = lines.iter_mut().find(|line| line.line_no == *line_no) {
                (line.reserved, line.backordered) = (*reserved, *backordered);
            }
        }
    }
}

#[derive(FromRow)]
struct LineRow {
    order_id: Uuid,
    line_no: i32,
    kind: String,
    sku: String,
    unit: String,
    quantity: Decimal,
    unit_price: Decimal,
    list_price: Option<Decimal>,
    discount: Decimal,
    order_discount: Decimal,
    tax_rate: Decimal,
    tax: Decimal,
    total: Decimal,
    category: String,
    brand: String,
}

#[derive(FromRow)]
struct ProgressRow {
    order_id: Uuid,
    line_no: i32,
    cancelled: Decimal,
    cancelled_amount: Decimal,
    cancelled_discount: Decimal,
    cancelled_tax: Decimal,
    shipped: Decimal,
    failed: Decimal,
    returned: Decimal,
    returned_amount: Decimal,
    returned_discount: Decimal,
    returned_tax: Decimal,
}

#[derive(FromRow)]
struct ShipmentRow {
    order_id: Uuid,
    shipment_id: Uuid,
    state: String,
    carrier: String,
    tracking_number: String,
    shipped_at: Option<OffsetDateTime>,
    ended_at: Option<OffsetDateTime>,
}

/// A line as taken.
impl TryFrom<LineRow> for Line {
    type Error = sqlx::Error;

    fn try_from(row: LineRow) -> sqlx::Result<Self> {
        Ok(Self {
            line_no: row.line_no,
            kind: if row.kind == LineKind::Goods.code() { LineKind::Goods } else { LineKind::Charge },
            sku: row.sku,
            unit: Unit::parse(&row.unit).map_err(|_| unreadable("unit"))?,
            quantity: row.quantity,
            unit_price: row.unit_price,
            list_price: row.list_price,
            worth: Money3 { amount: row.total, discount: row.discount, tax: row.tax },
            order_discount: row.order_discount,
            tax_rate: row.tax_rate,
            category: row.category,
            brand: row.brand,
            cancelled: Decimal::ZERO,
            cancelled_worth: Money3::default(),
            reserved: Decimal::ZERO,
            backordered: Decimal::ZERO,
            shipped: Decimal::ZERO,
            failed: Decimal::ZERO,
            returned: Decimal::ZERO,
            returned_worth: Money3::default(),
            dirty: false,
            held_dirty: false,
        })
    }
}

impl ProgressRow {
    /// Says at its line what became of it.
    fn apply(&self, lines: &mut [Line]) {
        let Some(line) = lines.iter_mut().find(|line| line.line_no == self.line_no) else { return };
        line.cancelled = self.cancelled;
        line.cancelled_worth =
            Money3 { amount: self.cancelled_amount, discount: self.cancelled_discount, tax: self.cancelled_tax };
        (line.shipped, line.failed, line.returned) = (self.shipped, self.failed, self.returned);
        line.returned_worth =
            Money3 { amount: self.returned_amount, discount: self.returned_discount, tax: self.returned_tax };
    }
}

fn order(
    row: OrderRow,
    lines: &mut HashMap<Uuid, Vec<Line>>,
    shipments: &mut HashMap<Uuid, Vec<Shipment>>,
) -> sqlx::Result<Order> {
    let mut lines = lines.remove(&row.id).unwrap_or_default();
    row.held.apply(&mut lines);
    Ok(Order {
        lines,
        shipments: shipments.remove(&row.id).unwrap_or_default(),
        allocation: None,
        id: row.id,
        number: row.number,
        currency: Currency::parse(&row.currency).map_err(|_| unreadable("currency"))?,
        channel: row.channel,
        placed_at: row.placed_at,
        customer_id: row.customer_id,
        region: row.region,
        delivery_method: row.delivery_method,
        priority: row.priority,
        warehouse: row.warehouse,
        hold_id: row.hold_id,
        total: row.total,
        cancelled_amount: row.cancelled_amount,
        returned_amount: row.returned_amount,
        paid: row.paid,
        refunded: row.refunded,
        state: OrderState::parse(&row.state).ok_or_else(|| unreadable("order state"))?,
        payment_state: PaymentState::parse(&row.payment_state).ok_or_else(|| unreadable("payment state"))?,
        fulfilment_state: FulfilmentState::parse(&row.fulfilment_state)
            .ok_or_else(|| unreadable("fulfilment state"))?,
        flags: row.flags,
        version: row.version,
        log: Log::default(),
    })
}

/// Locks orders in the order of their ids and reads them whole. Unknown ids are missing.
///
/// # Errors
/// Database errors.
pub async fn lock(conn: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<Vec<Order>> {
    lock_partly(conn, ids, ids).await
}

/// Locks orders in the order of their ids; reads lines and shipments of those in `whole` only.
///
/// # Errors
/// Database errors.
pub async fn lock_partly(conn: &mut PgConnection, ids: &[Uuid], whole: &[Uuid]) -> sqlx::Result<Vec<Order>> {
    let heads = sqlx::query_as(
        "-- lock_orders
        select id, number, currency, channel, placed_at, customer_id, region, delivery_method, priority, warehouse, hold_id, total,
            cancelled_amount, returned_amount, paid, refunded, state, payment_state, fulfilment_state, flags, version,
            held_lines, reserved, backordered
        from orders where id = any($1) order by id for update",
    )
    .bind(ids)
    .fetch_all(&mut *conn)
    .await?;
    with_parts(conn, heads, whole).await
}

/// Reads one order whole, without a lock.
///
/// # Errors
/// Database errors.
pub async fn load(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Order>> {
    let heads = sqlx::query_as(
        "-- load_order
        select id, number, currency, channel, placed_at, customer_id, region, delivery_method, priority, warehouse, hold_id, total,
            cancelled_amount, returned_amount, paid, refunded, state, payment_state, fulfilment_state, flags, version,
            held_lines, reserved, backordered
        from orders where id = $1",
    )
    .bind(id)
    .fetch_all(&mut *conn)
    .await?;
    Ok(with_parts(conn, heads, &[id]).await?.pop())
}

async fn with_parts(conn: &mut PgConnection, heads: Vec<OrderRow>, whole: &[Uuid]) -> sqlx::Result<Vec<Order>> {
    let mut lines = lines(conn, whole).await?;
    progress(conn, whole, &mut lines).await?;
    let mut shipments = shipments(conn, whole).await?;
    heads.into_iter().map(|head| order(head, &mut lines, &mut shipments)).collect()
}

/// Lines of orders as taken, by order and number.
///
/// # Errors
/// Database errors.
pub async fn lines(conn: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<HashMap<Uuid, Vec<Line>>> {
    let mut lines: HashMap<Uuid, Vec<Line>> = HashMap::with_capacity(ids.len());
    if ids.is_empty() {
        return Ok(lines);
    }
    let rows: Vec<LineRow> = sqlx::query_as(
        "-- order_lines
        select order_id, line_no, kind, sku, unit, quantity, unit_price, list_price, discount, order_discount, tax_rate,
            tax, total, category, brand
        from order_line where order_id = any($1) order by order_id, line_no",
    )
    .bind(ids)
    .fetch_all(conn)
    .await?;
    for row in rows {
        lines.entry(row.order_id).or_default().push(row.try_into()?);
    }
    Ok(lines)
}

/// Says at the lines of orders what became of them.
///
/// # Errors
/// Database errors.
pub async fn progress(conn: &mut PgConnection, ids: &[Uuid], lines: &mut HashMap<Uuid, Vec<Line>>) -> sqlx::Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let rows: Vec<ProgressRow> = sqlx::query_as(
        "-- order_line_progress
        select order_id, line_no, cancelled, cancelled_amount, cancelled_discount, cancelled_tax, shipped, failed, returned,
            returned_amount, returned_discount, returned_tax
        from order_line_progress where order_id = any($1)",
    )
    .bind(ids)
    .fetch_all(conn)
    .await?;
    for row in rows {
        row.apply(lines.entry(row.order_id).or_default());
    }
    Ok(())
}

/// Shipments of orders, by order and age.
///
/// # Errors
/// Database errors.
pub async fn shipments(conn: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<HashMap<Uuid, Vec<Shipment>>> {
    let mut shipments: HashMap<Uuid, Vec<Shipment>> = HashMap::new();
    if ids.is_empty() {
        return Ok(shipments);
    }
    let rows: Vec<ShipmentRow> = sqlx::query_as(
        "-- order_shipments
        select order_id, shipment_id, state, carrier, tracking_number, shipped_at, ended_at
        from order_shipment where order_id = any($1) order by order_id, shipment_id",
    )
    .bind(ids)
    .fetch_all(conn)
    .await?;
    for row in rows {
        shipments.entry(row.order_id).or_default().push(row.try_into()?);
    }
    Ok(shipments)
}

impl TryFrom<ShipmentRow> for Shipment {
    type Error = sqlx::Error;

    fn try_from(row: ShipmentRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.shipment_id,
            state: ShipmentState::parse(&row.state).ok_or_else(|| unreadable("shipment state"))?,
            carrier: row.carrier,
            tracking_number: row.tracking_number,
            shipped_at: row.shipped_at,
            ended_at: row.ended_at,
            dirty: false,
        })
    }
}
