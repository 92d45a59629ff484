//! SQL of the past: the period that is still open, what was there when, corrections, snapshots.

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// From when on the book may be written to; none when everything may. Nobody closes a period until we are done.
pub(crate) async fn share_period(conn: &mut PgConnection) -> sqlx::Result<Option<OffsetDateTime>> {
    sqlx::query_scalar(
        "-- share_period
        select closed_before from accounting_period for share",
    )
    .fetch_one(conn)
    .await
}

/// The same, for whoever is to change it.
pub(crate) async fn lock_period(conn: &mut PgConnection) -> sqlx::Result<Option<OffsetDateTime>> {
    sqlx::query_scalar(
        "-- lock_period
        select closed_before from accounting_period for update",
    )
    .fetch_one(conn)
    .await
}

/// Moves the border between what is closed and what is open, and keeps who did it.
pub(crate) async fn set_period(
    conn: &mut PgConnection,
    closed_before: Option<OffsetDateTime>,
    event: (Uuid, &str, Option<time::Date>, &str),
    (now, by): (OffsetDateTime, &str),
) -> sqlx::Result<()> {
    sqlx::query(
        "-- set_period
        with kept as (
            insert into period_event (id, action, closed_through, reason, created_by, created_at)
            values ($2, $3, $4, $5, $6, $7)
        )
        update accounting_period set closed_before = $1",
    )
    .bind(closed_before)
    .bind(event.0)
    .bind(event.1)
    .bind(event.2)
    .bind(event.3)
    .bind(by)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}

/// A moment at which less than nothing would have been there.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Gap {
    /// Item.
    pub sku: String,
    /// Lot number.
    pub lot: String,
    /// Place code.
    pub place: String,
    /// When.
    pub at: OffsetDateTime,
    /// How much would be missing.
    pub missing: Decimal,
}

/// The first moment at which some lot in some place would have been below zero, with changes that are not posted yet.
pub(crate) async fn first_negative(
    conn: &mut PgConnection,
    changes: &[(Uuid, i64, OffsetDateTime, Decimal)],
) -> sqlx::Result<Option<Gap>> {
    sqlx::query_as(
        "-- first_negative
        with changes as (
            select * from unnest($1::uuid[], $2::int8[], $3::timestamptz[], $4::numeric[])
                with ordinality as c (lot_id, place_id, moved_at, quantity, n)
        ), sides as (
            select k.lot_id, k.place_id, m.moved_at, m.id,
                case when m.to_place = k.place_id then m.quantity else -m.quantity end as quantity
            from (select distinct lot_id, place_id from changes) k
            join stock_move m on m.lot_id = k.lot_id and k.place_id in (m.from_place, m.to_place) and m.quantity > 0
            union all
            select lot_id, place_id, moved_at, 9000000000000000000 + n, quantity from changes
        ), running as (
            select *, sum(quantity) over (partition by lot_id, place_id order by moved_at, id) as there from sides
        )
        select l.sku, l.number as lot, p.code as place, r.moved_at as at, -r.there as missing
        from running r join lot l on l.id = r.lot_id join place p on p.id = r.place_id
        where r.there < 0 order by r.moved_at, r.id limit 1",
    )
    .bind(changes.iter().map(|(lot, ..)| *lot).collect::<Vec<_>>())
    .bind(changes.iter().map(|(_, place, ..)| *place).collect::<Vec<_>>())
    .bind(changes.iter().map(|(_, _, at, _)| *at).collect::<Vec<_>>())
    .bind(changes.iter().map(|(.., quantity)| *quantity).collect::<Vec<_>>())
    .fetch_optional(conn)
    .await
}

/// What of a lot was in a place at a moment.
pub(crate) async fn on_hand_at(
    conn: &mut PgConnection,
    lot: Uuid,
    place: i64,
    at: OffsetDateTime,
) -> sqlx::Result<Decimal> {
    sqlx::query_scalar(
        "-- on_hand_at
        select coalesce(sum(case when to_place = $2 then quantity else -quantity end), 0)
        from stock_move where lot_id = $1 and $2 in (from_place, to_place) and moved_at <= $3",
    )
    .bind(lot)
    .bind(place)
    .bind(at)
    .fetch_one(conn)
    .await
}

/// An entry that changes what a movement is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Correction {
    /// The movement.
    pub(crate) id: i64,
    /// By how much.
    pub(crate) value: Decimal,
    /// It is what PRICE_VARIANCE took of it that changes.
    pub(crate) of_variance: bool,
}

/// Why values change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reason {
    /// Kind of entry.
    pub(crate) kind: &'static str,
    /// Document.
    pub(crate) id: Uuid,
}

/// Appends corrections, each at the moment of what it corrects or, if that is closed, at the first open one. Answers their
/// numbers.
pub(crate) async fn insert_corrections(
    conn: &mut PgConnection,
    corrections: &[Correction],
    reason: Reason,
    open_from: Option<OffsetDateTime>,
    (now, by): (OffsetDateTime, &str),
) -> sqlx::Result<Vec<i64>> {
    if corrections.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_scalar(
        "-- insert_corrections
        insert into stock_move (moved_at, recorded_at, from_place, to_place, sku, lot_id, quantity, value, cause_kind, cause_id,
            line_no, order_id, origin, corrects, created_by)
        select greatest(m.moved_at, $4), $5, case when c.of_variance then 7 else m.from_place end, m.to_place, m.sku, m.lot_id, 0,
            c.value, $6, $7, m.line_no, m.order_id, m.origin, m.id, $8
        from unnest($1::int8[], $2::numeric[], $3::bool[]) with ordinality as c (id, value, of_variance, n)
        join stock_move m on m.id = c.id
        order by c.n
        returning id",
    )
    .bind(corrections.iter().map(|one| one.id).collect::<Vec<_>>())
    .bind(corrections.iter().map(|one| one.value).collect::<Vec<_>>())
    .bind(corrections.iter().map(|one| one.of_variance).collect::<Vec<_>>())
    .bind(open_from)
    .bind(now)
    .bind(reason.kind)
    .bind(reason.id)
    .bind(by)
    .fetch_all(conn)
    .await
}

/// What a revaluation adds to the worth of an item in a warehouse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Revalued {
    pub(crate) sku: String,
    pub(crate) id: Uuid,
    pub(crate) warehouse: Uuid,
    pub(crate) at: OffsetDateTime,
    pub(crate) value: Decimal,
}

/// Appends what revaluations add, each at its moment or the first open one.
pub(crate) async fn insert_revalued(
    conn: &mut PgConnection,
    revalued: &[Revalued],
    open_from: Option<OffsetDateTime>,
    (now, by): (OffsetDateTime, &str),
) -> sqlx::Result<Vec<i64>> {
    if revalued.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_scalar(
        "-- insert_revalued
        insert into stock_move (moved_at, recorded_at, from_place, to_place, sku, quantity, value, cause_kind, cause_id, created_by)
        select greatest(r.at, $6), $7, 7, coalesce(p.id, 6), r.sku, 0, r.value, 'revaluation', r.id, $8
        from unnest($1::text[], $2::uuid[], $3::uuid[], $4::timestamptz[], $5::numeric[]) as r (sku, id, warehouse_id, at, value)
        left join place p on p.warehouse_id = r.warehouse_id and p.kind = 'stock' and p.is_default
        returning id",
    )
    .bind(revalued.iter().map(|one| one.sku.as_str()).collect::<Vec<_>>())
    .bind(revalued.iter().map(|one| one.id).collect::<Vec<_>>())
    .bind(revalued.iter().map(|one| one.warehouse).collect::<Vec<_>>())
    .bind(revalued.iter().map(|one| one.at).collect::<Vec<_>>())
    .bind(revalued.iter().map(|one| one.value).collect::<Vec<_>>())
    .bind(open_from)
    .bind(now)
    .bind(by)
    .fetch_all(conn)
    .await
}

/// Adds entries to all snapshots that were made of later moments.
pub(crate) async fn amend_snapshots(conn: &mut PgConnection, entries: &[i64]) -> sqlx::Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "-- amend_snapshots
        insert into stock_snapshot as s (at, sku, quantity, value)
        select k.at, m.sku, sum(m.quantity * w.sign), sum(m.value * w.sign)
        from stock_move m
        join place f on f.id = m.from_place
        join place t on t.id = m.to_place
        cross join lateral (
            select (t.kind in ('stock', 'quarantine', 'transit'))::int - (f.kind in ('stock', 'quarantine', 'transit'))::int as sign
        ) w
        join stock_snapshot_moment k on k.at > m.moved_at
        where m.id = any ($1) and w.sign <> 0
        group by k.at, m.sku
        on conflict (sku, at) do update set quantity = s.quantity + excluded.quantity, value = s.value + excluded.value",
    )
    .bind(entries)
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes what lots last came in at, where it is another figure; their items are locked.
pub(crate) async fn write_unit_costs(conn: &mut PgConnection, costs: &[(Uuid, Decimal)]) -> sqlx::Result<()> {
    if costs.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "-- write_unit_costs
        update lot l set unit_cost = c.cost from unnest($1::uuid[], $2::numeric[]) as c (id, cost)
        where l.id = c.id and l.unit_cost <> c.cost",
    )
    .bind(costs.iter().map(|(lot, _)| *lot).collect::<Vec<_>>())
    .bind(costs.iter().map(|(_, cost)| *cost).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}
