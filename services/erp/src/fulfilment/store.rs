//! SQL of shipments.

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::domain::{Shipment, ShipmentLine, State};
use crate::reservation::domain::Held;

#[derive(sqlx::FromRow)]
struct HeadRow {
    id: Uuid,
    order_id: Uuid,
    state: String,
    created_at: OffsetDateTime,
    shipped_at: Option<OffsetDateTime>,
}

impl From<HeadRow> for Shipment {
    fn from(row: HeadRow) -> Self {
        Self {
            id: row.id,
            order: row.order_id,
            state: State::parse(&row.state).unwrap_or(State::Cancelled),
            created_at: row.created_at,
            shipped_at: row.shipped_at,
        }
    }
}

/// Locks shipments by id, in the order of their ids.
pub(crate) async fn lock(conn: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<Vec<Shipment>> {
    let rows = sqlx::query_as::<_, HeadRow>(
        "-- lock_shipments
        select id, order_id, state, created_at, shipped_at from shipment where id = any ($1) order by id for no key update",
    )
    .bind(ids)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Shipment::from).collect())
}

/// Locks all shipments of orders, in the order of their ids.
pub(crate) async fn lock_of_orders(conn: &mut PgConnection, orders: &[Uuid]) -> sqlx::Result<Vec<Shipment>> {
    let rows = sqlx::query_as::<_, HeadRow>(
        "-- lock_shipments_of_orders
        select id, order_id, state, created_at, shipped_at
        from shipment where order_id = any ($1) order by id for no key update",
    )
    .bind(orders)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Shipment::from).collect())
}

#[derive(sqlx::FromRow)]
struct LineRow {
    shipment_id: Uuid,
    line_no: i32,
    sku: String,
    unit: String,
    lot_id: Uuid,
    lot_number: String,
    place_id: i64,
    quantity: Decimal,
    cost: Decimal,
    returned: Decimal,
    returned_cost: Decimal,
    move_id: Option<i64>,
}

/// Lines of shipments that have a quantity: by shipment and line, first to expire first.
pub(crate) async fn lines(conn: &mut PgConnection, shipments: &[Uuid]) -> sqlx::Result<Vec<ShipmentLine>> {
    let rows = sqlx::query_as::<_, LineRow>(
        "-- shipment_lines
        select s.shipment_id, s.line_no, s.sku, s.unit, s.lot_id, l.number as lot_number, s.place_id, s.quantity, s.cost,
            s.returned, s.returned_cost, s.move_id
        from shipment_line s join lot l on l.id = s.lot_id
        where s.shipment_id = any ($1) and s.quantity > 0
        order by s.shipment_id, s.line_no, l.expires_on nulls last, l.received_at, l.number, s.place_id",
    )
    .bind(shipments)
    .fetch_all(conn)
    .await?;
    let line = |row: LineRow| ShipmentLine {
        shipment: row.shipment_id,
        line_no: row.line_no,
        sku: row.sku,
        unit: row.unit,
        lot: row.lot_id,
        lot_number: row.lot_number,
        place: row.place_id,
        quantity: row.quantity,
        cost: row.cost,
        returned: row.returned,
        returned_cost: row.returned_cost,
        moved: row.move_id,
    };
    Ok(rows.into_iter().map(line).collect())
}

/// Items of shipments. They never change, so this needs no lock.
pub(crate) async fn skus(conn: &mut PgConnection, shipments: &[Uuid]) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(
        "-- skus_of_shipments
        select distinct sku from shipment_line where shipment_id = any ($1)",
    )
    .bind(shipments)
    .fetch_all(conn)
    .await
}

/// Inserts shipments of pieces, each with its shipment and order; pieces of the same line, lot and place add up.
pub(crate) async fn insert(
    conn: &mut PgConnection,
    parts: &[(Held, Decimal, Uuid)],
    at: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query(
        "-- insert_shipments
        insert into shipment (id, order_id, state, created_at)
        select distinct p.id, p.order_id, 'picking', $3::timestamptz from unnest($1::uuid[], $2::uuid[]) as p (id, order_id)",
    )
    .bind(parts.iter().map(|(_, _, shipment)| *shipment).collect::<Vec<_>>())
    .bind(parts.iter().map(|(piece, ..)| piece.order).collect::<Vec<_>>())
    .bind(at)
    .execute(&mut *conn)
    .await?;
    sqlx::query(
        "-- insert_shipment_lines
        insert into shipment_line (shipment_id, line_no, lot_id, place_id, sku, unit, planned, quantity)
        select p.shipment_id, p.line_no, p.lot_id, p.place_id, p.sku, i.unit, sum(p.quantity), sum(p.quantity)
        from unnest($1::uuid[], $2::int4[], $3::uuid[], $4::int8[], $5::text[], $6::numeric[])
            as p (shipment_id, line_no, lot_id, place_id, sku, quantity)
        join stock_item i on i.sku = p.sku collate \"C\"
        group by p.shipment_id, p.line_no, p.lot_id, p.place_id, p.sku, i.unit",
    )
    .bind(parts.iter().map(|(_, _, shipment)| *shipment).collect::<Vec<_>>())
    .bind(parts.iter().map(|(piece, ..)| piece.line_no).collect::<Vec<_>>())
    .bind(parts.iter().map(|(piece, ..)| piece.lot).collect::<Vec<_>>())
    .bind(parts.iter().map(|(piece, ..)| piece.place).collect::<Vec<_>>())
    .bind(parts.iter().map(|(piece, ..)| piece.sku.as_str()).collect::<Vec<_>>())
    .bind(parts.iter().map(|(_, part, _)| *part).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes pieces out of shipments that have not left.
pub(crate) async fn shrink_lines(conn: &mut PgConnection, parts: &[(Uuid, Held, Decimal)]) -> sqlx::Result<()> {
    if parts.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "-- shrink_shipment_lines
        update shipment_line s set quantity = s.quantity - p.quantity
        from (
            select shipment_id, line_no, lot_id, place_id, sum(quantity) as quantity
            from unnest($1::uuid[], $2::int4[], $3::uuid[], $4::int8[], $5::numeric[])
                as u (shipment_id, line_no, lot_id, place_id, quantity)
            group by shipment_id, line_no, lot_id, place_id
        ) p
        where s.shipment_id = p.shipment_id and s.line_no = p.line_no and s.lot_id = p.lot_id and s.place_id = p.place_id",
    )
    .bind(parts.iter().map(|(shipment, ..)| *shipment).collect::<Vec<_>>())
    .bind(parts.iter().map(|(_, piece, _)| piece.line_no).collect::<Vec<_>>())
    .bind(parts.iter().map(|(_, piece, _)| piece.lot).collect::<Vec<_>>())
    .bind(parts.iter().map(|(_, piece, _)| piece.place).collect::<Vec<_>>())
    .bind(parts.iter().map(|(_, _, part)| *part).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

/// Gives up shipments of orders that have not left.
pub(crate) async fn cancel_open(conn: &mut PgConnection, orders: &[Uuid], now: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query(
        "-- cancel_open_shipments
        update shipment set state = 'cancelled', ended_at = $2
        where order_id = any ($1) and state in ('picking', 'picked', 'packed')",
    )
    .bind(orders)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}

/// Gives up those of the shipments in which nothing is left.
pub(crate) async fn cancel_empty(conn: &mut PgConnection, shipments: &[Uuid], now: OffsetDateTime) -> sqlx::Result<()> {
    if shipments.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "-- cancel_empty_shipments
        update shipment s set state = 'cancelled', ended_at = $2
        where s.id = any ($1) and s.state in ('picking', 'picked', 'packed')
            and not exists (select from shipment_line l where l.shipment_id = s.id and l.quantity > 0)",
    )
    .bind(shipments)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}

/// Marks a shipment as found.
pub(crate) async fn set_picked(conn: &mut PgConnection, shipment: Uuid) -> sqlx::Result<()> {
    sqlx::query(
        "-- set_shipment_picked
        update shipment set state = 'picked' where id = $1 and state = 'picking'",
    )
    .bind(shipment)
    .execute(conn)
    .await?;
    Ok(())
}

/// Closes the parcels of shipments.
pub(crate) async fn set_packed(
    conn: &mut PgConnection,
    shipments: &[Uuid],
    places: i32,
    weight_grams: Option<Decimal>,
) -> sqlx::Result<()> {
    sqlx::query(
        "-- set_shipments_packed
        update shipment set state = 'packed', places = $2, weight_grams = $3 where id = any ($1)",
    )
    .bind(shipments)
    .bind(places)
    .bind(weight_grams)
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes what left, when, at which cost and with which entries of the ledger.
pub(crate) async fn set_shipped(
    conn: &mut PgConnection,
    lines: &[ShipmentLine],
    at: OffsetDateTime,
    (carrier, tracking_number): (&str, &str),
) -> sqlx::Result<()> {
    sqlx::query(
        "-- set_shipment_line_costs
        update shipment_line s set cost = c.cost, move_id = c.move_id
        from unnest($1::uuid[], $2::int4[], $3::uuid[], $4::int8[], $5::numeric[], $6::int8[])
            as c (shipment_id, line_no, lot_id, place_id, cost, move_id)
        where s.shipment_id = c.shipment_id and s.line_no = c.line_no and s.lot_id = c.lot_id and s.place_id = c.place_id",
    )
    .bind(lines.iter().map(|line| line.shipment).collect::<Vec<_>>())
    .bind(lines.iter().map(|line| line.line_no).collect::<Vec<_>>())
    .bind(lines.iter().map(|line| line.lot).collect::<Vec<_>>())
    .bind(lines.iter().map(|line| line.place).collect::<Vec<_>>())
    .bind(lines.iter().map(|line| line.cost).collect::<Vec<_>>())
    .bind(lines.iter().map(|line| line.moved).collect::<Vec<_>>())
    .execute(&mut *conn)
    .await?;
    sqlx::query(
        "-- set_shipments_shipped
        update shipment s
        set state = 'shipped', shipped_at = $3, carrier = $4, tracking_number = $5, cost = c.cost
        from (
            select id, sum(cost) as cost from unnest($1::uuid[], $2::numeric[]) as u (id, cost) group by id
        ) c
        where s.id = c.id",
    )
    .bind(lines.iter().map(|line| line.shipment).collect::<Vec<_>>())
    .bind(lines.iter().map(|line| line.cost).collect::<Vec<_>>())
    .bind(at)
    .bind(carrier)
    .bind(tracking_number)
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends shipments that left.
pub(crate) async fn set_ended(
    conn: &mut PgConnection,
    ends: &[(Uuid, OffsetDateTime)],
    state: &str,
    failure: &str,
) -> sqlx::Result<()> {
    sqlx::query(
        "-- set_shipments_ended
        update shipment s set state = $3, failure = $4, ended_at = e.at
        from unnest($1::uuid[], $2::timestamptz[]) as e (id, at) where s.id = e.id",
    )
    .bind(ends.iter().map(|(id, _)| *id).collect::<Vec<_>>())
    .bind(ends.iter().map(|(_, at)| *at).collect::<Vec<_>>())
    .bind(state)
    .bind(failure)
    .execute(conn)
    .await?;
    Ok(())
}

/// Books what came back of lines: `returned` and `returned_cost` of each are what is added.
pub(crate) async fn add_returned(conn: &mut PgConnection, lines: &[ShipmentLine]) -> sqlx::Result<()> {
    sqlx::query(
        "-- add_returned
        update shipment_line s set returned = s.returned + r.quantity, returned_cost = s.returned_cost + r.cost
        from unnest($1::uuid[], $2::int4[], $3::uuid[], $4::int8[], $5::numeric[], $6::numeric[])
            as r (shipment_id, line_no, lot_id, place_id, quantity, cost)
        where s.shipment_id = r.shipment_id and s.line_no = r.line_no and s.lot_id = r.lot_id and s.place_id = r.place_id",
    )
    .bind(lines.iter().map(|line| line.shipment).collect::<Vec<_>>())
    .bind(lines.iter().map(|line| line.line_no).collect::<Vec<_>>())
    .bind(lines.iter().map(|line| line.lot).collect::<Vec<_>>())
    .bind(lines.iter().map(|line| line.place).collect::<Vec<_>>())
    .bind(lines.iter().map(|line| line.returned).collect::<Vec<_>>())
    .bind(lines.iter().map(|line| line.returned_cost).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

/// Which of these orders have everything shipped or cancelled, and all of it delivered.
pub(crate) async fn delivered_orders(conn: &mut PgConnection, orders: &[Uuid]) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar(
        "-- delivered_orders
        select d.order_id from demand d
        where d.order_id = any ($1)
            and not exists (
                select from demand_line l where l.order_id = d.order_id and (l.reserved > 0 or l.backordered > 0)
            )
            and not exists (
                select from shipment s where s.order_id = d.order_id and s.state not in ('delivered', 'cancelled')
            )",
    )
    .bind(orders)
    .fetch_all(conn)
    .await
}
