//! SQL of the reads of stock.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

/// Figures of an item in a warehouse; in all when it has none.
#[derive(Clone, Debug, Default, sqlx::FromRow)]
pub(crate) struct AvailabilityView {
    pub(crate) sku: String,
    pub(crate) warehouse: String,
    pub(crate) on_hand: Decimal,
    pub(crate) reserved: Decimal,
    pub(crate) available: Decimal,
    pub(crate) backordered: Decimal,
}

/// Stock per item and warehouse, by sku and warehouse, with what the item is waited for in all of them. An unknown item is
/// left out, an item without stock has one row without a warehouse.
pub(crate) async fn availability(
    conn: &mut PgConnection,
    skus: &[String],
    today: Date,
    min_life_days: i32,
) -> sqlx::Result<Vec<AvailabilityView>> {
    sqlx::query_as(
        "-- availability
        select i.sku, coalesce(s.warehouse, '') as warehouse, coalesce(sum(s.on_hand), 0) as on_hand,
            coalesce(sum(s.reserved), 0) as reserved,
            coalesce(sum(s.on_hand - s.reserved) filter (
                where s.status = 'available'
                    and (s.expires_on is null or s.expires_on >= $2::date + greatest($3::int4, s.min_life_days))), 0)
                as available,
            i.backordered
        from stock_item i
        left join (
            select b.sku, w.code as warehouse, b.on_hand, b.reserved, l.status, l.expires_on, w.min_life_days
            from stock_balance b
            join place p on p.id = b.place_id and p.kind = 'stock'
            join warehouse w on w.id = p.warehouse_id
            join lot l on l.id = b.lot_id
            where b.on_hand > 0
        ) s on s.sku = i.sku
        where i.sku = any ($1)
        group by i.sku, s.warehouse
        order by i.sku, s.warehouse",
    )
    .bind(skus)
    .bind(today)
    .bind(min_life_days)
    .fetch_all(conn)
    .await
}

/// What items are waited for, by sku and warehouse.
pub(crate) async fn waiting(conn: &mut PgConnection, skus: &[&str]) -> sqlx::Result<Vec<(String, String, Decimal)>> {
    sqlx::query_as(
        "-- waiting_by_warehouse
        select l.sku, w.code, sum(l.backordered)
        from demand_line l join warehouse w on w.id = l.warehouse_id
        where l.sku = any ($1) and l.backordered > 0 and not l.closed
        group by l.sku, w.code",
    )
    .bind(skus)
    .fetch_all(conn)
    .await
}

/// A lot in an own place, with its item. An item that has nothing has one row without a lot.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct LotView {
    pub(crate) unit: String,
    pub(crate) backordered: Decimal,
    pub(crate) lot: String,
    pub(crate) place_id: Option<i64>,
    pub(crate) expires_on: Option<Date>,
    pub(crate) supplier_lot: String,
    pub(crate) received_at: Option<OffsetDateTime>,
    pub(crate) status: String,
    pub(crate) on_hand: Decimal,
    pub(crate) reserved: Decimal,
    pub(crate) available: bool,
    /// The warehouse it is valued in; none in transit.
    pub(crate) warehouse_id: Option<Uuid>,
    /// The lot it is valued with; all lots of the item together when there is none.
    pub(crate) pool_lot: Option<Uuid>,
    /// What all that is valued together is worth.
    pub(crate) pool_value: Decimal,
}

/// An item with its lots that have a quantity, first to expire first; nothing for an unknown item.
pub(crate) async fn lots(
    conn: &mut PgConnection,
    sku: &str,
    today: Date,
    min_life_days: i32,
) -> sqlx::Result<Vec<LotView>> {
    sqlx::query_as(
        "-- lots_of_item
        select coalesce(i.unit, '') as unit, i.backordered, coalesce(b.lot_number, '') as lot, b.place_id, b.expires_on,
            coalesce(l.supplier_lot, '') as supplier_lot, b.received_at, coalesce(l.status, '') as status,
            coalesce(b.on_hand, 0) as on_hand, coalesce(b.reserved, 0) as reserved, b.warehouse_id, c.lot_id as pool_lot,
            coalesce(c.value, 0) as pool_value, coalesce(b.sellable and (b.expires_on is null or b.expires_on >= $2::date + greatest($3::int4,
                (select min_life_days from warehouse w where w.id = b.warehouse_id))), false) as available
        from stock_item i
        left join stock_balance b on b.sku = i.sku and b.on_hand > 0
        left join lot l on l.id = b.lot_id
        left join lateral (
            select c.lot_id, sum(c.value) as value from cost_layer c
            where c.sku = b.sku and c.warehouse_id = coalesce(b.warehouse_id, '00000000-0000-0000-0000-000000000000')
                and c.lot_id in (b.lot_id, '00000000-0000-0000-0000-000000000000')
            group by c.lot_id
        ) c on b.sku is not null
        where i.sku = $1
        order by b.expires_on nulls last, b.received_at, b.lot_number, b.place_id",
    )
    .bind(sku)
    .bind(today)
    .bind(min_life_days)
    .fetch_all(conn)
    .await
}

/// What a place is called, and whether goods are sold from it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct PlaceView {
    pub(crate) id: i64,
    pub(crate) code: String,
    pub(crate) warehouse: String,
    pub(crate) sells: bool,
}

/// All places.
async fn places(conn: &mut PgConnection) -> sqlx::Result<Vec<PlaceView>> {
    sqlx::query_as(
        "-- all_places
        select p.id, p.code, coalesce(w.code, '') as warehouse, p.kind = 'stock' as sells
        from place p left join warehouse w on w.id = p.warehouse_id",
    )
    .fetch_all(conn)
    .await
}

/// Places by number.
pub(super) type Known = HashMap<i64, PlaceView>;

/// The places read so far, kept in memory: a place is never changed or deleted once it is made.
#[derive(Default)]
pub(crate) struct Places(RwLock<Arc<Known>>);

impl Places {
    /// Places, among them these; read again when one of these was made since.
    pub(super) async fn with(
        &self,
        conn: &mut PgConnection,
        mut ids: impl Iterator<Item = i64>,
    ) -> sqlx::Result<Arc<Known>> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        if ids.all(|id| known.contains_key(&id)) {
            return Ok(known);
        }
        let all: Known = places(conn).await?.into_iter().map(|place| (place.id, place)).collect();
        let all = Arc::new(all);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = all.clone();
        Ok(all)
    }
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
    pub(crate) line_no: Option<i32>,
    pub(crate) corrects: Option<i64>,
    pub(crate) origin: Option<i64>,
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
            select m.id, m.moved_at, m.recorded_at, f.code as from_place, t.code as to_place, m.sku, coalesce(l.number, '') as lot,
                m.quantity, m.value, m.cause_kind, m.cause_id, m.order_id, m.created_by, m.line_no, m.corrects, m.origin
            from stock_move m left join lot l on l.id = m.lot_id join place f on f.id = m.from_place
            join place t on t.id = m.to_place
            where m.sku = $1 and m.id < coalesce($2, 9223372036854775807) order by m.id desc limit $3",
        )
        .bind(sku)
        .bind(before)
        .bind(limit),
        MoveFilter::Lot(sku, lot) => sqlx::query_as(
            "-- moves_of_lot
            select m.id, m.moved_at, m.recorded_at, f.code as from_place, t.code as to_place, m.sku, coalesce(l.number, '') as lot,
                m.quantity, m.value, m.cause_kind, m.cause_id, m.order_id, m.created_by, m.line_no, m.corrects, m.origin
            from stock_move m left join lot l on l.id = m.lot_id join place f on f.id = m.from_place
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
            select m.id, m.moved_at, m.recorded_at, f.code as from_place, t.code as to_place, m.sku, coalesce(l.number, '') as lot,
                m.quantity, m.value, m.cause_kind, m.cause_id, m.order_id, m.created_by, m.line_no, m.corrects, m.origin
            from stock_move m left join lot l on l.id = m.lot_id join place f on f.id = m.from_place
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
