//! SQL of what is said in a count: bins, lines, entries.

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// Whether all of a bin has been counted.
pub(super) async fn is_complete(conn: &mut PgConnection, id: Uuid, place: i64) -> sqlx::Result<bool> {
    sqlx::query_scalar(
        "-- count_bin_is_complete
        select completed_at is not null from stock_count_bin where count_id = $1 and place_id = $2",
    )
    .bind(id)
    .bind(place)
    .fetch_one(conn)
    .await
}

/// Whether a bin is part of a count, and an item too: as the count names it or its category.
pub(super) async fn covers(conn: &mut PgConnection, id: Uuid, place: i64, sku: &str) -> sqlx::Result<(bool, bool)> {
    sqlx::query_as(
        "-- count_covers
        select exists (select from stock_count_bin b where b.count_id = c.id and b.place_id = $2),
            (cardinality(c.skus) = 0 and cardinality(c.categories) = 0) or $3 = any (c.skus)
                or exists (select from stock_item i where i.sku = $3 and i.category <> '' and i.category = any (c.categories))
        from stock_count c where c.id = $1",
    )
    .bind(id)
    .bind(place)
    .bind(sku)
    .fetch_one(conn)
    .await
}

/// A lot in a bin of a count.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct LineKey {
    pub(super) place_id: i64,
    pub(super) sku: String,
    pub(super) lot_id: Uuid,
}

/// What the books have in a bin of a count (or in all that are not complete) and nobody has counted in the present round.
pub(super) async fn uncounted(conn: &mut PgConnection, id: Uuid, place: Option<i64>) -> sqlx::Result<Vec<LineKey>> {
    sqlx::query_as(
        "-- uncounted_lots
        select b.place_id, b.sku, b.lot_id
        from stock_count c
        join stock_count_bin n on n.count_id = c.id
        join stock_balance b on b.place_id = n.place_id and b.on_hand > 0
        join stock_item i on i.sku = b.sku
        left join stock_count_line l on l.count_id = c.id and l.place_id = b.place_id and l.lot_id = b.lot_id
        where c.id = $1 and (n.place_id = $2 or ($2 is null and n.completed_at is null))
            and ((cardinality(c.skus) = 0 and cardinality(c.categories) = 0) or b.sku = any (c.skus)
                or (i.category <> '' and i.category = any (c.categories)))
            and not exists (select from stock_count_entry e
                where e.count_id = c.id and e.place_id = b.place_id and e.lot_id = b.lot_id and e.round = l.round)
        order by b.place_id, b.sku, b.lot_id",
    )
    .bind(id)
    .bind(place)
    .fetch_all(conn)
    .await
}

/// Lines of a count so far.
pub(super) async fn lines(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "-- count_lines_so_far
        select count(*) from stock_count_line where count_id = $1",
    )
    .bind(id)
    .fetch_one(conn)
    .await
}

/// Writes what was said of lots in bins, with the books of the moment; their items are locked. Returns number and round of each, in
/// no order.
pub(super) async fn record(
    conn: &mut PgConnection,
    id: Uuid,
    said: &[(LineKey, Decimal)],
    implied: bool,
    (by, now): (&str, OffsetDateTime),
) -> sqlx::Result<Vec<(i64, i32)>> {
    let places: Vec<_> = said.iter().map(|(key, _)| key.place_id).collect();
    let lots: Vec<_> = said.iter().map(|(key, _)| key.lot_id).collect();
    let skus: Vec<_> = said.iter().map(|(key, _)| key.sku.as_str()).collect();
    sqlx::query(
        "-- insert_count_lines
        insert into stock_count_line (count_id, place_id, sku, lot_id)
        select $1, n.* from unnest($2::int8[], $3::text[], $4::uuid[]) as n (place_id, sku, lot_id)
        order by n.place_id, n.lot_id
        on conflict (count_id, place_id, lot_id) do nothing",
    )
    .bind(id)
    .bind(&places)
    .bind(&skus)
    .bind(&lots)
    .execute(&mut *conn)
    .await?;
    sqlx::query_as(
        "-- insert_count_entries
        insert into stock_count_entry (count_id, place_id, lot_id, round, counted, on_hand, picked, picking, mark, implied,
            counted_by, counted_at)
        select $1, n.place_id, n.lot_id, l.round, n.counted, coalesce(b.on_hand, 0), coalesce(h.picked, 0), coalesce(h.picking, 0),
            m.mark, $6, $7, $8
        from unnest($2::int8[], $3::text[], $4::uuid[], $5::numeric[]) as n (place_id, sku, lot_id, counted)
        join stock_count_line l on l.count_id = $1 and l.place_id = n.place_id and l.lot_id = n.lot_id
        left join stock_balance b on b.lot_id = n.lot_id and b.place_id = n.place_id
        left join lateral (
            select sum(r.quantity) filter (where s.state <> 'picking') as picked,
                sum(r.quantity) filter (where s.state = 'picking') as picking
            from reservation r join shipment s on s.id = r.shipment_id
            where r.lot_id = n.lot_id and r.place_id = n.place_id and r.state = 'active'
        ) h on true
        cross join lateral (
            select coalesce(max(id), 0) as mark from stock_move where sku = n.sku collate \"C\"
        ) m
        returning id, round",
    )
    .bind(id)
    .bind(&places)
    .bind(&skus)
    .bind(&lots)
    .bind(said.iter().map(|(_, counted)| *counted).collect::<Vec<_>>())
    .bind(implied)
    .bind(by)
    .bind(now)
    .fetch_all(conn)
    .await
}

/// Notes that all of a bin (or of all bins that are not complete) has been counted.
pub(super) async fn complete(
    conn: &mut PgConnection,
    id: Uuid,
    place: Option<i64>,
    (by, now): (&str, OffsetDateTime),
) -> sqlx::Result<()> {
    sqlx::query(
        "-- complete_count_bins
        update stock_count_bin set completed_by = $3, completed_at = $4
        where count_id = $1 and ($2::int8 is null or place_id = $2) and completed_at is null",
    )
    .bind(id)
    .bind(place)
    .bind(by)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}

/// Lines that wait to be counted again.
pub(super) async fn recounts_open(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "-- recounts_open
        select count(*) from stock_count_line l
        where l.count_id = $1 and not exists (select from stock_count_entry e
            where e.count_id = l.count_id and e.place_id = l.place_id and e.lot_id = l.lot_id and e.round = l.round)",
    )
    .bind(id)
    .fetch_one(conn)
    .await
}

/// Begins a new round of lines, unless they already wait for one. Returns how many of them there are.
pub(super) async fn begin_round(conn: &mut PgConnection, id: Uuid, keys: &[(i64, Uuid)]) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "-- begin_count_round
        with named as (
            select l.place_id, l.lot_id from unnest($2::int8[], $3::uuid[]) as n (place_id, lot_id)
            join stock_count_line l on l.count_id = $1 and l.place_id = n.place_id and l.lot_id = n.lot_id
        ), begun as (
            update stock_count_line l set round = l.round + 1 from named n
            where l.count_id = $1 and l.place_id = n.place_id and l.lot_id = n.lot_id
                and exists (select from stock_count_entry e
                    where e.count_id = $1 and e.place_id = l.place_id and e.lot_id = l.lot_id and e.round = l.round)
        )
        select count(*) from named",
    )
    .bind(id)
    .bind(keys.iter().map(|(place, _)| *place).collect::<Vec<_>>())
    .bind(keys.iter().map(|(_, lot)| *lot).collect::<Vec<_>>())
    .fetch_one(conn)
    .await
}
