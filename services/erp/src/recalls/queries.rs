//! SQL of the reads of recalls.

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// A recall without its lots.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct RecallView {
    pub(crate) id: Uuid,
    pub(crate) number: i64,
    pub(crate) state: String,
    pub(crate) severity: String,
    pub(crate) reason: String,
    pub(crate) supplier_lot: String,
    pub(crate) order_count: i32,
    pub(crate) opened_by: String,
    pub(crate) opened_at: OffsetDateTime,
    pub(crate) closed_by: String,
    pub(crate) closed_at: Option<OffsetDateTime>,
    pub(crate) summary: String,
}

/// One recall.
pub(crate) async fn recall(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<RecallView>> {
    sqlx::query_as(
        "-- recall_by_id
        select id, number, state, severity, reason, supplier_lot, order_count, opened_by, opened_at, closed_by, closed_at,
            summary
        from recall where id = $1",
    )
    .bind(id)
    .fetch_optional(conn)
    .await
}

/// Recalls before a number, newest first.
pub(crate) async fn list(
    conn: &mut PgConnection,
    state: Option<&str>,
    before: Option<i64>,
    limit: i64,
) -> sqlx::Result<Vec<RecallView>> {
    sqlx::query_as(
        "-- list_recalls
        select id, number, state, severity, reason, supplier_lot, order_count, opened_by, opened_at, closed_by, closed_at,
            summary
        from recall
        where ($1::text is null or state = $1) and ($2::int8 is null or number < $2)
        order by number desc limit $3",
    )
    .bind(state)
    .bind(before)
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// What has become of a recalled lot.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct ProgressView {
    pub(crate) sku: String,
    pub(crate) lot: String,
    pub(crate) unit: String,
    pub(crate) named: bool,
    pub(crate) on_hand_before: Decimal,
    pub(crate) out_before: Decimal,
    pub(crate) stopped: Decimal,
    pub(crate) on_hand: Decimal,
    pub(crate) out: Decimal,
    pub(crate) returned: Decimal,
    pub(crate) destroyed: Decimal,
}

/// What has become of a recall's lots, those named first.
pub(crate) async fn progress(conn: &mut PgConnection, recall: Uuid) -> sqlx::Result<Vec<ProgressView>> {
    // The fixed places: 2 customer, 4 loss.
    sqlx::query_as(
        "-- recall_progress
        select l.sku, l.number as lot, coalesce(i.unit, '') as unit, r.named, r.on_hand_before, r.out_before,
            s.stopped, b.on_hand, m.out, m.returned, m.destroyed
        from recall c
        join recall_lot r on r.recall_id = c.id
        join lot l on l.id = r.lot_id
        join stock_item i on i.sku = l.sku
        cross join lateral (
            select coalesce(sum(quantity), 0) as stopped from recall_stop
            where recall_id = c.id and lot_id = l.id
        ) s
        cross join lateral (select coalesce(sum(on_hand), 0) as on_hand from stock_balance where lot_id = l.id) b
        cross join lateral (
            select coalesce(sum(case when to_place = 2 then quantity when from_place = 2 then -quantity else 0 end), 0) as out,
                coalesce(sum(quantity) filter (where from_place = 2 and id > c.after_move), 0) as returned,
                coalesce(sum(quantity) filter (where to_place = 4 and id > c.after_move), 0) as destroyed
            from stock_move where lot_id = l.id
        ) m
        where c.id = $1
        order by r.named desc, l.sku, l.number",
    )
    .bind(recall)
    .fetch_all(conn)
    .await
}

/// What an order has to do with a recalled lot.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct OrderView {
    pub(crate) order_id: Uuid,
    pub(crate) lot_id: Uuid,
    pub(crate) sku: String,
    pub(crate) lot: String,
    pub(crate) stopped: Decimal,
    pub(crate) shipped: Decimal,
    pub(crate) returned: Decimal,
}

/// Orders of a recall after a key, by order and lot.
pub(crate) async fn orders(
    conn: &mut PgConnection,
    recall: Uuid,
    only_out: bool,
    after: Option<(Uuid, Uuid)>,
    limit: i64,
) -> sqlx::Result<Vec<OrderView>> {
    sqlx::query_as(
        "-- orders_of_recall
        select order_id, lot_id, l.sku, l.number as lot, coalesce(s.quantity, 0) as stopped,
            coalesce(m.shipped, 0) as shipped, coalesce(m.returned, 0) as returned
        from (
            select m.order_id, m.lot_id, coalesce(sum(m.quantity) filter (where m.to_place = 2), 0) as shipped,
                coalesce(sum(m.quantity) filter (where m.from_place = 2), 0) as returned
            from recall_lot r join stock_move m on m.lot_id = r.lot_id
            where r.recall_id = $1 and m.order_id is not null and (m.to_place = 2 or m.from_place = 2)
            group by m.order_id, m.lot_id
        ) m
        full join (select order_id, lot_id, quantity from recall_stop where recall_id = $1) s using (order_id, lot_id)
        join lot l on l.id = lot_id
        where (not $2 or m.shipped > m.returned)
            and ($3::uuid is null or (order_id, lot_id) > ($3, $4::uuid))
        order by order_id, lot_id limit $5",
    )
    .bind(recall)
    .bind(only_out)
    .bind(after.map(|key| key.0))
    .bind(after.map(|key| key.1))
    .bind(limit)
    .fetch_all(conn)
    .await
}
