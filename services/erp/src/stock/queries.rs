//! SQL of the reads of stock.

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

/// Figures of an item in a warehouse; in all when it has none.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct AvailabilityView {
    pub(crate) sku: String,
    pub(crate) warehouse: String,
    pub(crate) on_hand: Decimal,
    pub(crate) reserved: Decimal,
    pub(crate) available: Decimal,
    pub(crate) backordered: Decimal,
}

/// Figures per item and warehouse, by sku and warehouse; a warehouse without any is left out, and so is an unknown item.
/// An item without stock and backorders has one row without a warehouse.
pub(crate) async fn availability(
    conn: &mut PgConnection,
    skus: &[String],
    today: Date,
    min_life_days: i32,
) -> sqlx::Result<Vec<AvailabilityView>> {
    sqlx::query_as(
        "-- availability
        with asked as (select sku from stock_item where sku = any ($1)),
        stock as (
            select b.sku, p.warehouse_id, sum(b.on_hand) as on_hand, sum(b.reserved) as reserved,
                sum(b.on_hand - b.reserved) filter (
                    where l.status = 'available'
                        and (l.expires_on is null or l.expires_on >= $2::date + greatest($3::int4, w.min_life_days))
                ) as available
            from stock_balance b
            join place p on p.id = b.place_id and p.kind = 'stock'
            join warehouse w on w.id = p.warehouse_id
            join lot l on l.id = b.lot_id
            where b.sku = any ($1) and b.on_hand > 0
            group by b.sku, p.warehouse_id
        ), wanted as (
            select sku, warehouse_id, sum(backordered) as backordered
            from demand_line
            where sku = any ($1) and backordered > 0 and not closed
            group by sku, warehouse_id
        ), both_sides as (
            select sku, warehouse_id, s.on_hand, s.reserved, s.available, w.backordered
            from stock s full join wanted w using (sku, warehouse_id)
        )
        select a.sku, coalesce(w.code, '') as warehouse, coalesce(b.on_hand, 0) as on_hand,
            coalesce(b.reserved, 0) as reserved, coalesce(b.available, 0) as available,
            coalesce(b.backordered, 0) as backordered
        from asked a
        left join both_sides b using (sku)
        left join warehouse w on w.id = b.warehouse_id
        order by a.sku, w.code",
    )
    .bind(skus)
    .bind(today)
    .bind(min_life_days)
    .fetch_all(conn)
    .await
}

/// A lot in an own place.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct LotView {
    pub(crate) lot: String,
    pub(crate) place: String,
    pub(crate) warehouse: String,
    pub(crate) expires_on: Option<Date>,
    pub(crate) supplier_lot: String,
    pub(crate) received_at: OffsetDateTime,
    pub(crate) status: String,
    pub(crate) on_hand: Decimal,
    pub(crate) reserved: Decimal,
    pub(crate) value: Decimal,
}

/// The lots of an item that have a quantity, first to expire first.
pub(crate) async fn lots(conn: &mut PgConnection, sku: &str) -> sqlx::Result<Vec<LotView>> {
    sqlx::query_as(
        "-- lots_of_item
        select l.number as lot, p.code as place, coalesce(w.code, '') as warehouse, l.expires_on, l.supplier_lot,
            l.received_at, l.status, b.on_hand, b.reserved, b.value
        from stock_balance b
        join lot l on l.id = b.lot_id
        join place p on p.id = b.place_id
        left join warehouse w on w.id = p.warehouse_id
        where b.sku = $1 and b.on_hand > 0
        order by l.expires_on nulls last, l.received_at, l.number, p.id limit 1000",
    )
    .bind(sku)
    .fetch_all(conn)
    .await
}

/// Value of an item in own places.
pub(crate) async fn value(conn: &mut PgConnection, sku: &str) -> sqlx::Result<Decimal> {
    sqlx::query_scalar(
        "-- value_of_item
        select coalesce(sum(value), 0) from stock_balance where sku = $1 and on_hand > 0",
    )
    .bind(sku)
    .fetch_one(conn)
    .await
}

/// An entry of the ledger.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct MoveView {
    pub(crate) id: i64,
    pub(crate) moved_at: OffsetDateTime,
    pub(crate) recorded_at: OffsetDateTime,
    pub(crate) from_place: String,
    pub(crate) to_place: String,
    pub(crate) sku: String,
    pub(crate) lot: String,
    pub(crate) quantity: Decimal,
    pub(crate) value: Decimal,
    pub(crate) cause_kind: String,
    pub(crate) cause_id: Uuid,
    pub(crate) order_id: Option<Uuid>,
    pub(crate) created_by: String,
}

/// Which entries.
#[derive(Clone, Debug)]
pub(crate) enum MoveFilter {
    /// Of an item.
    Item(String),
    /// Of a lot of an item.
    Lot(String, String),
    /// Of an order, all items or one.
    Order(Uuid, Option<String>),
}

/// Entries before a number, newest first.
pub(crate) async fn moves(
    conn: &mut PgConnection,
    filter: &MoveFilter,
    before: Option<i64>,
    limit: i64,
) -> sqlx::Result<Vec<MoveView>> {
    // Three texts, so that each has the plan of its own index.
    match filter {
        MoveFilter::Item(sku) => sqlx::query_as(
            "-- moves_of_item
            select m.id, m.moved_at, m.recorded_at, f.code as from_place, t.code as to_place, m.sku, l.number as lot,
                m.quantity, m.value, m.cause_kind, m.cause_id, m.order_id, m.created_by
            from stock_move m join lot l on l.id = m.lot_id join place f on f.id = m.from_place
            join place t on t.id = m.to_place
            where m.sku = $1 and m.id < coalesce($2, 9223372036854775807) order by m.id desc limit $3",
        )
        .bind(sku)
        .bind(before)
        .bind(limit),
        MoveFilter::Lot(sku, lot) => sqlx::query_as(
            "-- moves_of_lot
            select m.id, m.moved_at, m.recorded_at, f.code as from_place, t.code as to_place, m.sku, l.number as lot,
                m.quantity, m.value, m.cause_kind, m.cause_id, m.order_id, m.created_by
            from stock_move m join lot l on l.id = m.lot_id join place f on f.id = m.from_place
            join place t on t.id = m.to_place
            where m.lot_id = (select id from lot where sku = $1 and number = $4)
                and m.id < coalesce($2, 9223372036854775807)
            order by m.id desc limit $3",
        )
        .bind(sku)
        .bind(before)
        .bind(limit)
        .bind(lot),
        MoveFilter::Order(order, sku) => sqlx::query_as(
            "-- moves_of_order
            select m.id, m.moved_at, m.recorded_at, f.code as from_place, t.code as to_place, m.sku, l.number as lot,
                m.quantity, m.value, m.cause_kind, m.cause_id, m.order_id, m.created_by
            from stock_move m join lot l on l.id = m.lot_id join place f on f.id = m.from_place
            join place t on t.id = m.to_place
            where m.order_id = $1 and m.id < coalesce($2, 9223372036854775807) and ($4::text is null or m.sku = $4)
            order by m.id desc limit $3",
        )
        .bind(order)
        .bind(before)
        .bind(limit)
        .bind(sku),
    }
    .fetch_all(conn)
    .await
}
