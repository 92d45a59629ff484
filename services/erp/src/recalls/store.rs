//! SQL of recalls.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{config::Stamp, reservation::domain::Held};

/// A recall's head.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Head {
    pub(crate) id: Uuid,
    pub(crate) number: i64,
    pub(crate) state: String,
    pub(crate) severity: String,
    pub(crate) reason: String,
    /// Facts it was told in.
    pub(crate) parts: i32,
}

/// Orders to whom anything of lots went that has not come back, by id. The lots' items are locked.
pub(super) async fn orders_out(conn: &mut PgConnection, lots: &[Uuid]) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar(
        "-- orders_with_lots_out
        select distinct order_id from (
            select order_id from stock_move
            where lot_id = any ($1) and order_id is not null and (to_place = 2 or from_place = 2)
            group by order_id, lot_id
            having sum(case when to_place = 2 then quantity else -quantity end) > 0
        ) o
        order by order_id",
    )
    .bind(lots)
    .fetch_all(conn)
    .await
}

/// Inserts a recall and returns its number. What moved before it is known by the last movement there is.
pub(super) async fn insert(
    conn: &mut PgConnection,
    head: &Head,
    supplier_lot: &str,
    order_count: i32,
    stamp: &Stamp<'_>,
) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "-- insert_recall
        insert into recall (id, severity, reason, supplier_lot, parts, order_count, after_move, opened_by, opened_at)
        values ($1, $2, $3, $4, $5, $6, (select coalesce(max(id), 0) from stock_move), $7, $8) returning number",
    )
    .bind(head.id)
    .bind(&head.severity)
    .bind(&head.reason)
    .bind(supplier_lot)
    .bind(head.parts)
    .bind(order_count)
    .bind(stamp.by)
    .bind(stamp.now)
    .fetch_one(conn)
    .await
}

/// Writes a recall's lots with what is known of each before it. A lot that another open recall blocks keeps the status it
/// had before that one.
pub(super) async fn insert_lots(
    conn: &mut PgConnection,
    recall: Uuid,
    lots: &[Uuid],
    named: &[Uuid],
) -> sqlx::Result<()> {
    sqlx::query(
        "-- insert_recall_lots
        insert into recall_lot (recall_id, lot_id, named, status_before, on_hand_before, out_before)
        select $1, l.id, l.id = any ($3),
            coalesce((
                select o.status_before from recall_lot o join recall r on r.id = o.recall_id
                where o.lot_id = l.id and r.state = 'open' order by r.number limit 1
            ), l.status),
            (select coalesce(sum(on_hand), 0) from stock_balance where lot_id = l.id),
            (select coalesce(sum(case when to_place = 2 then quantity when from_place = 2 then -quantity else 0 end), 0)
                from stock_move where lot_id = l.id)
        from lot l where l.id = any ($2)",
    )
    .bind(recall)
    .bind(lots)
    .bind(named)
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes what orders had to give back.
pub(super) async fn insert_stops(
    conn: &mut PgConnection,
    recall: Uuid,
    stops: &BTreeMap<(Uuid, Uuid), Decimal>,
) -> sqlx::Result<()> {
    sqlx::query(
        "-- insert_recall_stops
        insert into recall_stop (recall_id, order_id, lot_id, quantity)
        select $1, s.* from unnest($2::uuid[], $3::uuid[], $4::numeric[]) as s",
    )
    .bind(recall)
    .bind(stops.keys().map(|(order, _)| *order).collect::<Vec<_>>())
    .bind(stops.keys().map(|(_, lot)| *lot).collect::<Vec<_>>())
    .bind(stops.values().copied().collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct HeldRow {
    id: Uuid,
    order_id: Uuid,
    line_no: i32,
    sku: String,
    lot_id: Uuid,
    place_id: i64,
    quantity: Decimal,
    shipment_id: Option<Uuid>,
}

/// Who holds any of lots, also for shipments that have not left.
pub(super) async fn held(conn: &mut PgConnection, lots: &[Uuid]) -> sqlx::Result<Vec<Held>> {
    let rows = sqlx::query_as::<_, HeldRow>(
        "-- held_of_recalled_lots
        select id, order_id, line_no, sku, lot_id, place_id, quantity, shipment_id
        from reservation where lot_id = any ($1) and state = 'active' order by order_id, id",
    )
    .bind(lots)
    .fetch_all(conn)
    .await?;
    let held = |row: HeldRow| Held {
        id: row.id,
        order: row.order_id,
        line_no: row.line_no,
        sku: row.sku,
        lot: row.lot_id,
        place: row.place_id,
        quantity: row.quantity,
        shipment: row.shipment_id,
    };
    Ok(rows.into_iter().map(held).collect())
}

/// Gives up locked shipments that have not left; what is held for them is held by their orders alone again.
pub(super) async fn give_up_shipments(
    conn: &mut PgConnection,
    shipments: &[Uuid],
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query(
        "-- give_up_recalled_shipments
        with given_up as (
            update shipment set state = 'cancelled', ended_at = greatest($2, created_at)
            where id = any ($1) and state in ('picking', 'picked', 'packed')
            returning id, order_id
        )
        update reservation r set shipment_id = null
        from given_up g where r.order_id = g.order_id and r.shipment_id = g.id and r.state = 'active'",
    )
    .bind(shipments)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}

/// Blocks lots, and with it what of them may be sold.
pub(super) async fn block(conn: &mut PgConnection, lots: &[Uuid]) -> sqlx::Result<()> {
    sqlx::query(
        "-- block_recalled_lots
        with blocked as (update lot set status = 'blocked' where id = any ($1))
        update stock_balance set sellable = false where lot_id = any ($1) and sellable",
    )
    .bind(lots)
    .execute(conn)
    .await?;
    Ok(())
}

/// Items of a recall's lots. They never change, so this needs no lock.
pub(super) async fn skus(conn: &mut PgConnection, recall: Uuid) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(
        "-- skus_of_recall
        select distinct l.sku from recall_lot r join lot l on l.id = r.lot_id where r.recall_id = $1",
    )
    .bind(recall)
    .fetch_all(conn)
    .await
}

/// Locks a recall; its items are locked.
pub(super) async fn lock(conn: &mut PgConnection, recall: Uuid) -> sqlx::Result<Option<Head>> {
    sqlx::query_as(
        "-- lock_recall
        select id, number, state, severity, reason, parts from recall where id = $1 for no key update",
    )
    .bind(recall)
    .fetch_optional(conn)
    .await
}

/// Ends a locked recall.
pub(super) async fn close(conn: &mut PgConnection, recall: Uuid, summary: &str, stamp: &Stamp<'_>) -> sqlx::Result<()> {
    sqlx::query(
        "-- close_recall
        update recall set state = 'closed', summary = $2, closed_by = $3, closed_at = greatest($4, opened_at) where id = $1",
    )
    .bind(recall)
    .bind(summary)
    .bind(stamp.by)
    .bind(stamp.now)
    .execute(conn)
    .await?;
    Ok(())
}

/// Gives the lots of a closed recall back the status they had, but not those of another open recall.
pub(super) async fn release_lots(conn: &mut PgConnection, recall: Uuid) -> sqlx::Result<()> {
    sqlx::query(
        "-- release_recalled_lots
        with released as (
            update lot l set status = r.status_before
            from recall_lot r
            where r.recall_id = $1 and l.id = r.lot_id
                and not exists (
                    select from recall_lot o join recall c on c.id = o.recall_id
                    where o.lot_id = r.lot_id and c.state = 'open'
                )
            returning l.id, l.status
        )
        update stock_balance b set sellable = p.kind = 'stock' and r.status = 'available'
        from released r, place p where b.lot_id = r.id and p.id = b.place_id",
    )
    .bind(recall)
    .execute(conn)
    .await?;
    Ok(())
}

/// Lots of a recall that was no false alarm stay blocked when another one of them turns out to be.
pub(super) async fn keep_blocked(conn: &mut PgConnection, recall: Uuid) -> sqlx::Result<()> {
    sqlx::query(
        "-- keep_recalled_lots_blocked
        update recall_lot o set status_before = 'blocked'
        from recall_lot r, recall c
        where r.recall_id = $1 and o.lot_id = r.lot_id and c.id = o.recall_id and c.state = 'open'",
    )
    .bind(recall)
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether an open recall names a lot; its item is locked.
pub(crate) async fn is_recalled(conn: &mut PgConnection, lot: Uuid) -> sqlx::Result<bool> {
    sqlx::query_scalar(
        "-- lot_is_recalled
        select exists (
            select from recall_lot l join recall r on r.id = l.recall_id where l.lot_id = $1 and r.state = 'open'
        )",
    )
    .bind(lot)
    .fetch_one(conn)
    .await
}
