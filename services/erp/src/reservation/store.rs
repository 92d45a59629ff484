//! SQL of reservations.

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::domain::{FreeLot, Grant, Held, Need, good_until};

#[derive(sqlx::FromRow)]
struct FreeRow {
    sku: String,
    warehouse_id: Uuid,
    place_id: i64,
    lot_id: Uuid,
    expires_on: Option<Date>,
    received_at: OffsetDateTime,
    number: String,
    free: Decimal,
}

/// What of locked items could be given to an order today: in sellable places, free, not expired, quarantined, blocked
/// or too short-lived.
pub(crate) async fn free_lots(
    conn: &mut PgConnection,
    skus: &[String],
    today: Date,
    min_life_days: i32,
) -> sqlx::Result<Vec<FreeLot>> {
    let rows = sqlx::query_as::<_, FreeRow>(
        "-- free_lots
        select b.sku, b.warehouse_id, b.place_id, b.lot_id, b.expires_on, b.received_at, b.lot_number as number, b.free
        from unnest($1::text[]) as s (sku)
        cross join lateral (
            select *, on_hand - reserved as free
            from stock_balance where sku = s.sku collate \"C\" and on_hand > 0 and on_hand > reserved and sellable
            -- A subquery with a limit is looked up item by item, also while nothing is known of the table's size.
            limit all
        ) as b
        join warehouse w on w.id = b.warehouse_id
        where b.expires_on is null or b.expires_on >= $2::date + greatest($3::int4, w.min_life_days)",
    )
    .bind(skus)
    .bind(today)
    .bind(min_life_days)
    .fetch_all(conn)
    .await?;
    let lot = |row: FreeRow| FreeLot {
        sku: row.sku,
        warehouse: row.warehouse_id,
        place: row.place_id,
        lot: row.lot_id,
        expires_on: row.expires_on,
        received_at: row.received_at,
        number: row.number,
        free: row.free,
    };
    Ok(rows.into_iter().map(lot).collect())
}

#[derive(sqlx::FromRow)]
struct WaitingRow {
    order_id: Uuid,
    line_no: i32,
    sku: String,
    warehouse_id: Uuid,
    quantity: Decimal,
    priority: i32,
    placed_at: OffsetDateTime,
    min_life_days: i32,
}

/// Lines that wait for what is free, the first ones only, as far as it can reach: of those that ask for the same life, who
/// comes after others that want all there is gets nothing.
pub(crate) async fn waiting(
    conn: &mut PgConnection,
    free: &[(String, Uuid, String, Decimal)],
    today: Date,
) -> sqlx::Result<Vec<Need>> {
    if free.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query_as::<_, WaitingRow>(
        "-- waiting_lines
        select w.order_id, w.line_no, f.sku, f.warehouse_id, w.quantity, w.priority, w.placed_at,
            w.min_life_days
        from unnest($1::text[], $2::uuid[], $3::text[], $4::numeric[]) as f (sku, warehouse_id, unit, free)
        cross join lateral (
            select l.order_id, l.line_no, l.backordered as quantity, l.priority, l.placed_at, l.min_life_days,
                sum(l.backordered) over (
                    partition by l.min_life_days order by l.priority desc, l.placed_at, l.order_id, l.line_no
                    rows unbounded preceding
                ) - l.backordered as before
            from demand_line l
            where l.sku = f.sku collate \"C\" and l.warehouse_id = f.warehouse_id and l.unit = f.unit
                and l.backordered > 0 and not l.closed
        ) w
        where w.before < f.free",
    )
    .bind(free.iter().map(|(sku, ..)| sku.as_str()).collect::<Vec<_>>())
    .bind(free.iter().map(|(_, warehouse, ..)| *warehouse).collect::<Vec<_>>())
    .bind(free.iter().map(|(_, _, unit, _)| unit.as_str()).collect::<Vec<_>>())
    .bind(free.iter().map(|(.., free)| *free).collect::<Vec<_>>())
    .fetch_all(conn)
    .await?;
    let need = |row: WaitingRow| Need {
        order: row.order_id,
        line_no: row.line_no,
        sku: row.sku,
        warehouse: Some(row.warehouse_id),
        quantity: row.quantity,
        priority: row.priority,
        placed_at: row.placed_at,
        good_until: good_until(today, row.min_life_days),
    };
    Ok(rows.into_iter().map(need).collect())
}

/// Writes reservations.
pub(crate) async fn insert(conn: &mut PgConnection, grants: &[Grant], now: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query(
        "-- insert_reservations
        insert into reservation (id, order_id, line_no, sku, lot_id, place_id, quantity, created_at)
        select r.*, $8 from unnest($1::uuid[], $2::uuid[], $3::int4[], $4::text[], $5::uuid[], $6::int8[], $7::numeric[]) as r",
    )
    .bind(grants.iter().map(|_| service::new_id()).collect::<Vec<_>>())
    .bind(grants.iter().map(|grant| grant.order).collect::<Vec<_>>())
    .bind(grants.iter().map(|grant| grant.line_no).collect::<Vec<_>>())
    .bind(grants.iter().map(|grant| grant.sku.as_str()).collect::<Vec<_>>())
    .bind(grants.iter().map(|grant| grant.lot).collect::<Vec<_>>())
    .bind(grants.iter().map(|grant| grant.place).collect::<Vec<_>>())
    .bind(grants.iter().map(|grant| grant.quantity).collect::<Vec<_>>())
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
pub(super) struct HeldRow {
    id: Uuid,
    order_id: Uuid,
    line_no: i32,
    sku: String,
    lot_id: Uuid,
    place_id: i64,
    quantity: Decimal,
    shipment_id: Option<Uuid>,
}

impl From<HeldRow> for Held {
    fn from(row: HeldRow) -> Self {
        Self {
            id: row.id,
            order: row.order_id,
            line_no: row.line_no,
            sku: row.sku,
            lot: row.lot_id,
            place: row.place_id,
            quantity: row.quantity,
            shipment: row.shipment_id,
        }
    }
}

/// What orders hold, by order and line, first to expire first.
pub(crate) async fn held_by_orders(conn: &mut PgConnection, orders: &[Uuid]) -> sqlx::Result<Vec<Held>> {
    let rows = sqlx::query_as::<_, HeldRow>(
        "-- held_by_orders
        select r.id, r.order_id, r.line_no, r.sku, r.lot_id, r.place_id, r.quantity, r.shipment_id
        from reservation r join lot l on l.id = r.lot_id
        where r.order_id = any ($1) and r.state = 'active'
        order by r.order_id, r.line_no, l.expires_on nulls last, l.received_at, l.number, r.place_id, r.id",
    )
    .bind(orders)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Held::from).collect())
}

/// Who holds a lot (in one place, or anywhere), those served last first: they give way first.
pub(crate) async fn held_of_lot(conn: &mut PgConnection, lot: Uuid, place: Option<i64>) -> sqlx::Result<Vec<Held>> {
    let rows = sqlx::query_as::<_, HeldRow>(
        "-- held_of_lot
        select r.id, r.order_id, r.line_no, r.sku, r.lot_id, r.place_id, r.quantity, r.shipment_id
        from reservation r join demand d on d.order_id = r.order_id
        where r.lot_id = $1 and ($2::int8 is null or r.place_id = $2) and r.state = 'active'
        order by d.priority, d.placed_at desc, r.order_id desc, r.line_no desc, r.id desc",
    )
    .bind(lot)
    .bind(place)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Held::from).collect())
}

/// Ends reservations, whole or in part. A part becomes a row of its own, so that every row ends once.
pub(crate) async fn end(
    conn: &mut PgConnection,
    parts: &[(Held, Decimal)],
    state: &'static str,
    reason: &'static str,
    now: OffsetDateTime,
) -> sqlx::Result<u64> {
    let (whole, split): (Vec<_>, Vec<_>) = parts.iter().partition(|(held, part)| held.quantity == *part);
    let mut ended = 0;
    if !whole.is_empty() {
        let done = sqlx::query(
            "-- end_reservations
            update reservation r set state = $3, reason = $4, ended_at = $5
            from unnest($1::uuid[], $2::uuid[]) as e (order_id, id)
            where r.order_id = e.order_id and r.id = e.id and r.state = 'active'",
        )
        .bind(whole.iter().map(|(held, _)| held.order).collect::<Vec<_>>())
        .bind(whole.iter().map(|(held, _)| held.id).collect::<Vec<_>>())
        .bind(state)
        .bind(reason)
        .bind(now)
        .execute(&mut *conn)
        .await?;
        ended += done.rows_affected();
    }
    if !split.is_empty() {
        let done = sqlx::query(
            "-- end_parts_of_reservations
            with part as (
                select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::numeric[]) as p (order_id, id, new_id, quantity)
            ), rest as (
                update reservation r set quantity = r.quantity - p.quantity
                from part p where r.order_id = p.order_id and r.id = p.id and r.state = 'active'
                returning r.*, p.new_id, p.quantity as ended_quantity
            )
            insert into reservation (id, order_id, line_no, sku, lot_id, place_id, quantity, state, shipment_id, created_at,
                ended_at, reason)
            select new_id, order_id, line_no, sku, lot_id, place_id, ended_quantity, $5, shipment_id, created_at, $6, $7
            from rest",
        )
        .bind(split.iter().map(|(held, _)| held.order).collect::<Vec<_>>())
        .bind(split.iter().map(|(held, _)| held.id).collect::<Vec<_>>())
        .bind(split.iter().map(|_| service::new_id()).collect::<Vec<_>>())
        .bind(split.iter().map(|(_, part)| *part).collect::<Vec<_>>())
        .bind(state)
        .bind(now)
        .bind(reason)
        .execute(conn)
        .await?;
        ended += done.rows_affected();
    }
    Ok(ended)
}

/// Gives held pieces, whole or in part, to shipments.
pub(crate) async fn assign(conn: &mut PgConnection, parts: &[(Held, Decimal, Uuid)]) -> sqlx::Result<u64> {
    let (whole, split): (Vec<_>, Vec<_>) = parts.iter().partition(|(held, part, _)| held.quantity == *part);
    let mut assigned = 0;
    if !whole.is_empty() {
        let done = sqlx::query(
            "-- assign_reservations
            update reservation r set shipment_id = a.shipment_id
            from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as a (order_id, id, shipment_id)
            where r.order_id = a.order_id and r.id = a.id and r.state = 'active' and r.shipment_id is null",
        )
        .bind(whole.iter().map(|(held, ..)| held.order).collect::<Vec<_>>())
        .bind(whole.iter().map(|(held, ..)| held.id).collect::<Vec<_>>())
        .bind(whole.iter().map(|(_, _, shipment)| *shipment).collect::<Vec<_>>())
        .execute(&mut *conn)
        .await?;
        assigned += done.rows_affected();
    }
    if !split.is_empty() {
        let done = sqlx::query(
            "-- assign_parts_of_reservations
            with part as (
                select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::numeric[], $5::uuid[])
                    as p (order_id, id, new_id, quantity, shipment)
            ), rest as (
                update reservation r set quantity = r.quantity - p.quantity
                from part p where r.order_id = p.order_id and r.id = p.id and r.state = 'active' and r.shipment_id is null
                returning r.*, p.new_id, p.quantity as part_quantity, p.shipment
            )
            insert into reservation (id, order_id, line_no, sku, lot_id, place_id, quantity, shipment_id, created_at)
            select new_id, order_id, line_no, sku, lot_id, place_id, part_quantity, shipment, created_at from rest",
        )
        .bind(split.iter().map(|(held, ..)| held.order).collect::<Vec<_>>())
        .bind(split.iter().map(|(held, ..)| held.id).collect::<Vec<_>>())
        .bind(split.iter().map(|_| service::new_id()).collect::<Vec<_>>())
        .bind(split.iter().map(|(_, part, _)| *part).collect::<Vec<_>>())
        .bind(split.iter().map(|(_, _, shipment)| *shipment).collect::<Vec<_>>())
        .execute(conn)
        .await?;
        assigned += done.rows_affected();
    }
    Ok(assigned)
}

/// Lots past their last day that nobody has looked at since, with their items.
pub(crate) async fn lots_to_expire(
    conn: &mut PgConnection,
    today: Date,
    limit: i64,
) -> sqlx::Result<Vec<(Uuid, String)>> {
    sqlx::query_as(
        "-- lots_to_expire
        select id, sku from lot where not expiry_noted and expires_on < $1 order by expires_on, id limit $2",
    )
    .bind(today)
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// Notes that lots' expiry has been dealt with.
pub(crate) async fn note_expired(conn: &mut PgConnection, lots: &[Uuid]) -> sqlx::Result<()> {
    sqlx::query(
        "-- note_expired_lots
        update lot set expiry_noted = true where id = any ($1)",
    )
    .bind(lots)
    .execute(conn)
    .await?;
    Ok(())
}
