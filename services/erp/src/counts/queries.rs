//! SQL of the reads of counts.

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::domain::{Finding, Line};

/// A count with its progress.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct CountView {
    pub(super) id: Uuid,
    pub(super) number: i64,
    pub(super) warehouse: String,
    pub(super) title: String,
    pub(super) state: String,
    pub(super) uncounted_is_empty: bool,
    pub(super) skus: Vec<String>,
    pub(super) categories: Vec<String>,
    pub(super) version: i64,
    pub(super) created_by: String,
    pub(super) created_at: OffsetDateTime,
    pub(super) closed_by: String,
    pub(super) closed_at: Option<OffsetDateTime>,
    pub(super) ended_by: String,
    pub(super) ended_at: Option<OffsetDateTime>,
    pub(super) bins: i64,
    pub(super) bins_complete: i64,
    pub(super) lines: i64,
    pub(super) recounts_open: i64,
}

/// Counts by number, newest first: before a number, in a state (empty for any), or one by id.
pub(super) async fn counts(
    conn: &mut PgConnection,
    id: Option<Uuid>,
    state: &str,
    before: Option<i64>,
    limit: i64,
) -> sqlx::Result<Vec<CountView>> {
    sqlx::query_as(
        "-- counts
        select c.id, c.number, w.code as warehouse, c.title, c.state, c.uncounted_is_empty, c.skus, c.categories, c.version,
            c.created_by, c.created_at, c.closed_by, c.closed_at, c.ended_by, c.ended_at, b.bins, b.bins_complete,
            l.lines, l.recounts_open
        from (
            select * from stock_count
            where ($1::uuid is null or id = $1) and ($2 = '' or state = $2) and number < coalesce($3, 9223372036854775807)
            order by number desc limit $4
        ) c
        join warehouse w on w.id = c.warehouse_id
        cross join lateral (
            select count(*) as bins, count(completed_at) as bins_complete from stock_count_bin where count_id = c.id
        ) b
        cross join lateral (
            select count(*) as lines, count(*) filter (where not exists (select from stock_count_entry e
                where e.count_id = l.count_id and e.place_id = l.place_id and e.lot_id = l.lot_id and e.round = l.round))
                as recounts_open
            from stock_count_line l where l.count_id = c.id
        ) l
        order by c.number desc",
    )
    .bind(id)
    .bind(state)
    .bind(before)
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// A bin of a count; what waits to be counted again there, as two lists of equal length.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct BinView {
    pub(super) place_id: i64,
    pub(super) place: String,
    pub(super) barcode: String,
    pub(super) zone: String,
    pub(super) pick_sequence: i32,
    pub(super) completed_by: String,
    pub(super) completed_at: Option<OffsetDateTime>,
    pub(super) lines: i64,
    pub(super) recount_skus: Vec<String>,
    pub(super) recount_lots: Vec<String>,
}

/// Bins of a count along the route, after a turn and place.
pub(super) async fn bins(
    conn: &mut PgConnection,
    id: Uuid,
    open_only: bool,
    after: Option<(i32, i64)>,
    limit: i64,
) -> sqlx::Result<Vec<BinView>> {
    sqlx::query_as(
        "-- bins_of_count
        select b.place_id, p.code as place, p.barcode, p.zone, p.pick_sequence, b.completed_by, b.completed_at, l.lines,
            l.recount_skus, l.recount_lots
        from stock_count_bin b join place p on p.id = b.place_id
        cross join lateral (
            select count(*) filter (where not x.waits) as lines,
                coalesce(array_agg(x.sku order by x.sku, x.number) filter (where x.waits), '{}') as recount_skus,
                coalesce(array_agg(x.number order by x.sku, x.number) filter (where x.waits), '{}') as recount_lots
            from (
                select n.sku, t.number, not exists (select from stock_count_entry e
                    where e.count_id = n.count_id and e.place_id = n.place_id and e.lot_id = n.lot_id and e.round = n.round) as waits
                from stock_count_line n join lot t on t.id = n.lot_id
                where n.count_id = b.count_id and n.place_id = b.place_id
            ) x
        ) l
        where b.count_id = $1 and (not $2 or b.completed_at is null or cardinality(l.recount_skus) > 0)
            and ($3::int4 is null or (p.pick_sequence, b.place_id) > ($3, $4))
        order by p.pick_sequence, b.place_id limit $5",
    )
    .bind(id)
    .bind(open_only)
    .bind(after.map(|(turn, _)| turn))
    .bind(after.map(|(_, place)| place))
    .bind(limit)
    .fetch_all(conn)
    .await
}

#[derive(sqlx::FromRow)]
struct LineRow {
    place_id: i64,
    place: String,
    kind: String,
    sku: String,
    unit: String,
    lot_id: Uuid,
    lot: String,
    lot_cost: Decimal,
    round: i32,
    counted: Option<Decimal>,
    on_hand: Option<Decimal>,
    picked: Option<Decimal>,
    picking: Option<Decimal>,
    learned: Decimal,
    disputed: bool,
    difference: Option<Decimal>,
    value: Option<Decimal>,
}

impl From<LineRow> for Line {
    fn from(row: LineRow) -> Self {
        let said = row.counted.zip(row.on_hand).zip(row.picked.zip(row.picking));
        let finding = said.map(|((counted, on_hand), (picked, picking))| Finding {
            counted,
            on_hand,
            picked,
            picking,
            learned: row.learned,
        });
        Self {
            place: row.place_id,
            place_code: row.place,
            place_kind: row.kind,
            sku: row.sku,
            unit: row.unit,
            lot: row.lot_id,
            lot_number: row.lot,
            lot_cost: row.lot_cost,
            round: row.round,
            finding,
            disputed: row.disputed,
            posted: row.difference.zip(row.value),
        }
    }
}

/// Lines of a count after a place, sku and lot. What the books have learned since are movements against counting differences, and
/// those dated back before the count.
pub(super) async fn lines(
    conn: &mut PgConnection,
    id: Uuid,
    after: Option<&(i64, String, String)>,
    limit: i64,
) -> sqlx::Result<Vec<Line>> {
    let rows = sqlx::query_as::<_, LineRow>(
        "-- lines_of_count
        select l.place_id, p.code as place, p.kind, l.sku, coalesce(i.unit, '') as unit, l.lot_id, t.number as lot,
            t.unit_cost as lot_cost, l.round, e.counted, e.on_hand, e.picked, e.picking, coalesce(m.learned, 0) as learned,
            coalesce(d.disputed, false) as disputed, l.difference, l.value
        from stock_count_line l
        join place p on p.id = l.place_id
        join stock_item i on i.sku = l.sku
        join lot t on t.id = l.lot_id
        left join lateral (
            select * from stock_count_entry e
            where e.count_id = l.count_id and e.place_id = l.place_id and e.lot_id = l.lot_id and e.round = l.round
            order by e.id desc limit 1
        ) e on true
        left join lateral (
            select sum(case when m.to_place = l.place_id then m.quantity else -m.quantity end) as learned
            from stock_move m
            where m.lot_id = l.lot_id and m.id > e.mark and m.cause_id <> l.count_id
                and (m.to_place = l.place_id or m.from_place = l.place_id)
                and (m.to_place = 5 or m.from_place = 5 or (m.moved_at < m.recorded_at and m.moved_at <= e.counted_at))
        ) m on true
        left join lateral (
            select max(x.least) > min(x.most) as disputed from (
                select distinct on (o.counted_by) o.counted + o.picked - o.on_hand as least,
                    o.counted + o.picked + o.picking - o.on_hand as most
                from stock_count_entry o
                where o.count_id = l.count_id and o.place_id = l.place_id and o.lot_id = l.lot_id and o.round = l.round
                    and not o.implied
                order by o.counted_by, o.id desc
            ) x
        ) d on true
        where l.count_id = $1
            and ($2::int8 is null or (l.place_id, l.sku, t.number) > ($2, $3 collate \"C\", $4 collate \"C\"))
        order by l.place_id, l.sku, t.number limit $5",
    )
    .bind(id)
    .bind(after.map(|(place, ..)| *place))
    .bind(after.map(|(_, sku, _)| sku))
    .bind(after.map(|(.., lot)| lot))
    .bind(limit)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Line::from).collect())
}

/// Something somebody said of a line.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct EntryView {
    pub(super) place_id: i64,
    pub(super) lot_id: Uuid,
    pub(super) id: i64,
    pub(super) round: i32,
    pub(super) counted: Decimal,
    pub(super) counted_by: String,
    pub(super) counted_at: OffsetDateTime,
    pub(super) implied: bool,
}

/// The latest things said of lines, newest first.
pub(super) async fn entries(
    conn: &mut PgConnection,
    id: Uuid,
    lines: &[&Line],
    each: i64,
) -> sqlx::Result<Vec<EntryView>> {
    sqlx::query_as(
        "-- entries_of_count_lines
        select e.place_id, e.lot_id, e.id, e.round, e.counted, e.counted_by, e.counted_at, e.implied
        from unnest($2::int8[], $3::uuid[]) as n (place_id, lot_id)
        cross join lateral (
            select * from stock_count_entry e
            where e.count_id = $1 and e.place_id = n.place_id and e.lot_id = n.lot_id
            order by e.round desc, e.id desc limit $4
        ) e
        order by e.id desc",
    )
    .bind(id)
    .bind(lines.iter().map(|line| line.place).collect::<Vec<_>>())
    .bind(lines.iter().map(|line| line.lot).collect::<Vec<_>>())
    .bind(each)
    .fetch_all(conn)
    .await
}
