//! SQL of traces: along `lot_input` from lot to lot, and the sums of each lot's movements.

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

/// A lot by its names.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct LotRef {
    pub(crate) id: Uuid,
    pub(crate) sku: String,
    pub(crate) number: String,
}

/// Lots by item and number; those there are.
pub(crate) async fn by_number(conn: &mut PgConnection, keys: &[(String, String)]) -> sqlx::Result<Vec<LotRef>> {
    sqlx::query_as(
        "-- lots_to_trace
        select l.id, l.sku, l.number
        from (select distinct * from unnest($1::text[], $2::text[])) as k (sku, number)
        join lot l on l.sku = k.sku collate \"C\" and l.number = k.number collate \"C\"
        order by l.sku, l.number",
    )
    .bind(keys.iter().map(|(sku, _)| sku.as_str()).collect::<Vec<_>>())
    .bind(keys.iter().map(|(_, number)| number.as_str()).collect::<Vec<_>>())
    .fetch_all(conn)
    .await
}

/// Lots that came in under a supplier's lot number.
pub(crate) async fn by_supplier_lot(
    conn: &mut PgConnection,
    number: &str,
    supplier: &str,
    limit: i64,
) -> sqlx::Result<Vec<LotRef>> {
    sqlx::query_as(
        "-- lots_of_supplier_lot
        select id, sku, number from lot
        where supplier_lot = $1 and supplier_lot <> '' and ($2 = '' or supplier = $2)
        order by sku, number limit $3",
    )
    .bind(number)
    .bind(supplier)
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// Lots and everything made of them, over any number of steps.
pub(crate) async fn made_of(conn: &mut PgConnection, lots: &[Uuid], limit: i64) -> sqlx::Result<Vec<LotRef>> {
    sqlx::query_as(
        "-- lots_made_of
        with recursive made (lot_id) as (
            select unnest($1::uuid[])
            union
            select i.output_lot from made m join lot_input i on i.input_lot = m.lot_id
        )
        select l.id, l.sku, l.number from made m join lot l on l.id = m.lot_id limit $2",
    )
    .bind(lots)
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// A document that turned one lot into another.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct LinkView {
    pub(crate) kind: String,
    pub(crate) document_id: Uuid,
    pub(crate) at: OffsetDateTime,
    pub(crate) input_move: i64,
    pub(crate) input_lot: Uuid,
    pub(crate) input_quantity: Decimal,
    pub(crate) output_move: i64,
    pub(crate) output_lot: Uuid,
    pub(crate) output_quantity: Decimal,
}

/// How lots became others: all steps from these forwards. The subquery with a limit is looked up lot by lot, which nobody
/// would expect of lots found by walking.
pub(crate) async fn links_forward(conn: &mut PgConnection, lots: &[Uuid], limit: i64) -> sqlx::Result<Vec<LinkView>> {
    sqlx::query_as(
        "-- links_forward
        with recursive made (lot_id) as (
            select unnest($1::uuid[])
            union
            select i.output_lot from made m join lot_input i on i.input_lot = m.lot_id
        )
        select o.cause_kind as kind, o.cause_id as document_id, o.moved_at as at, l.input_move, l.input_lot,
            i.quantity as input_quantity, l.output_move, l.output_lot, o.quantity as output_quantity
        from made m
        cross join lateral (select * from lot_input where input_lot = m.lot_id limit all) l
        join stock_move o on o.id = l.output_move
        join stock_move i on i.id = l.input_move
        limit $2",
    )
    .bind(lots)
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// What lots were made of: all steps from these backwards.
pub(crate) async fn links_backward(conn: &mut PgConnection, lots: &[Uuid], limit: i64) -> sqlx::Result<Vec<LinkView>> {
    sqlx::query_as(
        "-- links_backward
        with recursive used (lot_id) as (
            select unnest($1::uuid[])
            union
            select i.input_lot from used u join lot_input i on i.output_lot = u.lot_id
        )
        select o.cause_kind as kind, o.cause_id as document_id, o.moved_at as at, l.input_move, l.input_lot,
            i.quantity as input_quantity, l.output_move, l.output_lot, o.quantity as output_quantity
        from used u
        cross join lateral (select * from lot_input where output_lot = u.lot_id limit all) l
        join stock_move o on o.id = l.output_move
        join stock_move i on i.id = l.input_move
        limit $2",
    )
    .bind(lots)
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// A lot with its papers and the sums of its movements.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct TracedView {
    pub(crate) id: Uuid,
    pub(crate) sku: String,
    pub(crate) number: String,
    pub(crate) unit: String,
    pub(crate) status: String,
    pub(crate) expires_on: Option<Date>,
    pub(crate) supplier: String,
    pub(crate) supplier_lot: String,
    pub(crate) certificate: String,
    pub(crate) certified_on: Option<Date>,
    pub(crate) country: String,
    pub(crate) manufacturer: String,
    pub(crate) made_on: Option<Date>,
    pub(crate) received: Decimal,
    pub(crate) made: Decimal,
    pub(crate) returned: Decimal,
    pub(crate) counted_up: Decimal,
    pub(crate) on_hand: Decimal,
    pub(crate) shipped: Decimal,
    pub(crate) written_off: Decimal,
    pub(crate) consumed: Decimal,
    pub(crate) counted_down: Decimal,
    pub(crate) sent_back: Decimal,
}

/// Lots with what came into them, what went and what is there, all of one moment.
pub(crate) async fn traced(conn: &mut PgConnection, lots: &[Uuid]) -> sqlx::Result<Vec<TracedView>> {
    // The fixed places: 1 supplier, 2 customer, 3 production, 4 loss, 5 counting.
    sqlx::query_as(
        "-- traced_lots
        select l.id, l.sku, l.number, coalesce(i.unit, '') as unit, l.status, l.expires_on, l.supplier, l.supplier_lot,
            l.certificate, l.certified_on, l.country, l.manufacturer, l.made_on,
            m.received, m.made, m.returned, m.counted_up, b.on_hand, m.shipped, m.written_off, m.consumed,
            m.counted_down, m.sent_back
        from lot l
        join stock_item i on i.sku = l.sku
        cross join lateral (
            select coalesce(sum(quantity) filter (where from_place = 1), 0) as received,
                coalesce(sum(quantity) filter (where from_place = 3), 0) as made,
                coalesce(sum(quantity) filter (where from_place = 2), 0) as returned,
                coalesce(sum(quantity) filter (where from_place = 5), 0) as counted_up,
                coalesce(sum(quantity) filter (where to_place = 2), 0) as shipped,
                coalesce(sum(quantity) filter (where to_place = 4), 0) as written_off,
                coalesce(sum(quantity) filter (where to_place = 3), 0) as consumed,
                coalesce(sum(quantity) filter (where to_place = 5), 0) as counted_down,
                coalesce(sum(quantity) filter (where to_place = 1), 0) as sent_back
            from stock_move where lot_id = l.id
        ) m
        cross join lateral (select coalesce(sum(on_hand), 0) as on_hand from stock_balance where lot_id = l.id) b
        where l.id = any ($1)",
    )
    .bind(lots)
    .fetch_all(conn)
    .await
}

/// A lot in a place.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct PlaceView {
    pub(crate) lot_id: Uuid,
    pub(crate) place: String,
    pub(crate) warehouse: String,
    pub(crate) on_hand: Decimal,
    pub(crate) reserved: Decimal,
}

/// Where lots lie.
pub(crate) async fn places(conn: &mut PgConnection, lots: &[Uuid]) -> sqlx::Result<Vec<PlaceView>> {
    sqlx::query_as(
        "-- places_of_lots
        select b.lot_id, p.code as place, coalesce(w.code, '') as warehouse, b.on_hand, b.reserved
        from stock_balance b join place p on p.id = b.place_id left join warehouse w on w.id = p.warehouse_id
        where b.lot_id = any ($1) and b.on_hand > 0 order by p.code",
    )
    .bind(lots)
    .fetch_all(conn)
    .await
}

/// A receipt of a lot.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct ReceiptView {
    pub(crate) lot_id: Uuid,
    pub(crate) id: Uuid,
    pub(crate) number: i64,
    pub(crate) supplier: String,
    pub(crate) warehouse: String,
    pub(crate) quantity: Decimal,
    pub(crate) received_at: OffsetDateTime,
}

/// The newest receipts of lots.
pub(crate) async fn receipts(conn: &mut PgConnection, lots: &[Uuid], each: i64) -> sqlx::Result<Vec<ReceiptView>> {
    sqlx::query_as(
        "-- receipts_of_lots
        select l.lot_id, r.id, r.number, r.supplier, r.warehouse, r.quantity, r.received_at
        from unnest($1::uuid[]) as l (lot_id)
        cross join lateral (
            select r.id, r.number, r.supplier, w.code as warehouse, sum(c.quantity) as quantity, r.received_at
            from receipt_line c join receipt r on r.id = c.receipt_id join warehouse w on w.id = r.warehouse_id
            where c.lot_id = l.lot_id group by r.id, w.code order by r.number desc limit $2
        ) r",
    )
    .bind(lots)
    .bind(each)
    .fetch_all(conn)
    .await
}

/// What an order got of a lot.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct OrderView {
    pub(crate) order_id: Uuid,
    pub(crate) lot_id: Uuid,
    pub(crate) sku: String,
    pub(crate) lot: String,
    pub(crate) shipped: Decimal,
    pub(crate) returned: Decimal,
    pub(crate) shipped_at: Option<OffsetDateTime>,
}

/// Orders that got anything of lots, after a key, by order and lot.
pub(crate) async fn orders(
    conn: &mut PgConnection,
    lots: &[Uuid],
    after: Option<(Uuid, Uuid)>,
    limit: i64,
) -> sqlx::Result<Vec<OrderView>> {
    sqlx::query_as(
        "-- orders_of_lots
        select m.order_id, m.lot_id, l.sku, l.number as lot, m.shipped, m.returned, m.shipped_at
        from (
            select order_id, lot_id, coalesce(sum(quantity) filter (where to_place = 2), 0) as shipped,
                coalesce(sum(quantity) filter (where from_place = 2), 0) as returned,
                min(moved_at) filter (where to_place = 2) as shipped_at
            from stock_move
            where lot_id = any ($1) and order_id is not null and (to_place = 2 or from_place = 2)
                and ($2::uuid is null or (order_id, lot_id) > ($2, $3::uuid))
            group by order_id, lot_id order by order_id, lot_id limit $4
        ) m
        join lot l on l.id = m.lot_id
        order by m.order_id, m.lot_id",
    )
    .bind(lots)
    .bind(after.map(|key| key.0))
    .bind(after.map(|key| key.1))
    .bind(limit)
    .fetch_all(conn)
    .await
}
