//! SQL of what is expected and who waits before.

use std::collections::HashMap;

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::Date;
use uuid::Uuid;

use super::domain::Incoming;

/// Most lines of one item in one warehouse that hear of a changed day.
const TOLD: i64 = 1000;

/// What is expected of items, by warehouse and day. What is late counts for the next day.
pub(crate) async fn incoming(conn: &mut PgConnection, skus: &[String], today: Date) -> sqlx::Result<Incoming> {
    let rows: Vec<(String, Uuid, Date, Decimal)> = sqlx::query_as(
        "-- expected_by_day
        select sku, warehouse_id, greatest(expected_on, $2) as day, sum(quantity - received)
        from expected_receipt
        where sku = any ($1) and state in ('open', 'partial') and quantity > received
        group by 1, 2, 3",
    )
    .bind(skus)
    .bind(today.next_day().unwrap_or(today))
    .fetch_all(conn)
    .await?;
    let mut incoming = Incoming::default();
    for (sku, warehouse, day, quantity) in rows {
        incoming.add(&sku, warehouse, day, quantity);
    }
    Ok(incoming)
}

/// What those want who wait for items, as long as a new order of this priority would stand behind them.
pub(crate) async fn ahead(
    conn: &mut PgConnection,
    skus: &[String],
    priority: i32,
) -> sqlx::Result<HashMap<(String, Uuid), Decimal>> {
    let rows: Vec<(String, Uuid, Decimal)> = sqlx::query_as(
        "-- waiting_ahead
        select l.sku, l.warehouse_id, sum(l.backordered)
        from stock_item i join demand_line l on l.sku = i.sku and l.unit = i.unit
        where i.sku = any ($1) and l.backordered > 0 and not l.closed and l.priority >= $2
        group by 1, 2",
    )
    .bind(skus)
    .bind(priority)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|(sku, warehouse, wanted)| ((sku, warehouse), wanted)).collect())
}

/// A line that waits, and what is wanted up to and with it in the order of service.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct WaitingLine {
    pub(crate) order_id: Uuid,
    pub(crate) line_no: i32,
    pub(crate) sku: String,
    pub(crate) unit: String,
    pub(crate) warehouse_id: Uuid,
    pub(crate) quantity: Decimal,
    pub(crate) upto: Decimal,
}

/// The waiting lines of one order or hold.
pub(crate) async fn waiting_of_order(conn: &mut PgConnection, order: Uuid) -> sqlx::Result<Vec<WaitingLine>> {
    sqlx::query_as(
        "-- waiting_lines_of_order
        select l.order_id, l.line_no, l.sku, l.unit, l.warehouse_id, l.backordered as quantity, a.upto
        from demand_line l join stock_item i on i.sku = l.sku and i.unit = l.unit
        cross join lateral (
            select sum(o.backordered) as upto from demand_line o
            where o.sku = l.sku and o.warehouse_id = l.warehouse_id and o.unit = l.unit
                and o.backordered > 0 and not o.closed and o.priority >= l.priority
                and (o.priority > l.priority
                    or (o.placed_at, o.order_id, o.line_no) <= (l.placed_at, l.order_id, l.line_no))
        ) a
        where l.order_id = $1 and l.backordered > 0 and not l.closed",
    )
    .bind(order)
    .fetch_all(conn)
    .await
}

/// The first lines of orders that wait for items in warehouses, as far as `reach` can matter to them; their items are locked.
pub(crate) async fn first_waiting(
    conn: &mut PgConnection,
    reach: &[(String, Uuid, Decimal)],
) -> sqlx::Result<Vec<WaitingLine>> {
    sqlx::query_as(
        "-- first_waiting_lines
        select w.order_id, w.line_no, r.sku, w.unit, r.warehouse_id, w.quantity, w.upto
        from unnest($1::text[], $2::uuid[], $3::numeric[]) as r (sku, warehouse_id, reach)
        join stock_item i on i.sku = r.sku collate \"C\"
        cross join lateral (
            select l.order_id, l.line_no, l.unit, l.backordered as quantity,
                sum(l.backordered) over (
                    order by l.priority desc, l.placed_at, l.order_id, l.line_no rows unbounded preceding
                ) as upto
            from demand_line l
            where l.sku = i.sku and l.warehouse_id = r.warehouse_id and l.unit = i.unit
                and l.backordered > 0 and not l.closed
            order by l.priority desc, l.placed_at, l.order_id, l.line_no
            limit $4
        ) w
        join demand d on d.order_id = w.order_id and d.kind = 'order'
        where w.upto <= r.reach
        order by w.order_id, w.line_no",
    )
    .bind(reach.iter().map(|(sku, ..)| sku.as_str()).collect::<Vec<_>>())
    .bind(reach.iter().map(|(_, warehouse, _)| *warehouse).collect::<Vec<_>>())
    .bind(reach.iter().map(|(.., reach)| *reach).collect::<Vec<_>>())
    .bind(TOLD)
    .fetch_all(conn)
    .await
}
