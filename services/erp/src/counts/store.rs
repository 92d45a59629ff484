//! SQL of changes of counts.

use std::collections::HashMap;

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::domain::{Head, MAX_BINS, NewCount, State};

/// Which of these items nobody knows, in order.
pub(super) async fn unknown_skus(conn: &mut PgConnection, skus: &[String]) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(
        "-- unknown_skus
        select distinct s.sku from unnest($1::text[]) as s (sku)
        where not exists (select from stock_item i where i.sku = s.sku collate \"C\") order by s.sku",
    )
    .bind(skus)
    .fetch_all(conn)
    .await
}

/// Bins of a warehouse by the barcode or place code that names them.
pub(super) async fn bins_by_scan(
    conn: &mut PgConnection,
    warehouse: Uuid,
    texts: &[String],
) -> sqlx::Result<HashMap<String, i64>> {
    let rows = sqlx::query_as::<_, (String, i64)>(
        "-- bins_by_scan
        select s.text, p.id
        from unnest($2::text[]) as s (text)
        join place p on p.warehouse_id = $1 and ((p.barcode = s.text collate \"C\" and p.barcode <> '') or p.code = s.text collate \"C\")",
    )
    .bind(warehouse)
    .bind(texts)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().collect())
}

/// Writes the head of a count.
pub(super) async fn insert(
    conn: &mut PgConnection,
    count: &NewCount,
    warehouse: Uuid,
    (by, now): (&str, OffsetDateTime),
) -> sqlx::Result<()> {
    sqlx::query(
        "-- insert_count
        insert into stock_count (id, warehouse_id, title, uncounted_is_empty, skus, categories, created_by, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(count.id)
    .bind(warehouse)
    .bind(&count.title)
    .bind(count.uncounted_is_empty)
    .bind(&count.skus)
    .bind(&count.categories)
    .bind(by)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes the bins of a count: those named, those of the zones, or all; without those in which none of the goods lie, unless
/// bins or zones are named and goods are not. Returns how many, at most one more than allowed.
pub(super) async fn insert_bins(
    conn: &mut PgConnection,
    count: &NewCount,
    warehouse: Uuid,
    named: &[i64],
) -> sqlx::Result<u64> {
    let some = !count.zones.is_empty() || !named.is_empty();
    let goods = !count.skus.is_empty() || !count.categories.is_empty();
    let done = sqlx::query(
        "-- insert_count_bins
        insert into stock_count_bin (count_id, place_id)
        select $1, p.id from place p
        where p.warehouse_id = $2 and (not $5 or p.zone = any ($3) or p.id = any ($4))
            and (($5 and not $6) or exists (
                select from stock_balance b join stock_item i on i.sku = b.sku
                where b.place_id = p.id and b.on_hand > 0
                    and (not $6 or b.sku = any ($7) or (i.category <> '' and i.category = any ($8)))))
        order by p.id limit $9",
    )
    .bind(count.id)
    .bind(warehouse)
    .bind(&count.zones)
    .bind(named)
    .bind(some)
    .bind(goods)
    .bind(&count.skus)
    .bind(&count.categories)
    .bind(MAX_BINS + 1)
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Whether bins of a count that are not complete in the end count as empty: said when it begins, never changed.
pub(super) async fn counts_empties(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<bool> {
    let said = sqlx::query_scalar(
        "-- count_counts_empties
        select uncounted_is_empty from stock_count where id = $1",
    )
    .bind(id)
    .fetch_optional(conn)
    .await?;
    Ok(said.unwrap_or_default())
}

#[derive(sqlx::FromRow)]
struct HeadRow {
    number: i64,
    warehouse: String,
    title: String,
    state: String,
    uncounted_is_empty: bool,
    version: i64,
    created_at: OffsetDateTime,
}

impl From<HeadRow> for Head {
    fn from(row: HeadRow) -> Self {
        Self {
            number: row.number,
            warehouse: row.warehouse,
            title: row.title,
            state: State::parse(&row.state),
            uncounted_is_empty: row.uncounted_is_empty,
            version: row.version,
            created_at: row.created_at,
        }
    }
}

/// Locks a count against changes of its state, while something is written to it.
pub(super) async fn share(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Head>> {
    let row = sqlx::query_as::<_, HeadRow>(
        "-- share_count
        select c.number, w.code as warehouse, c.title, c.state, c.uncounted_is_empty, c.version, c.created_at
        from stock_count c join warehouse w on w.id = c.warehouse_id where c.id = $1 for share of c",
    )
    .bind(id)
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Head::from))
}

/// Locks a count to change its state.
pub(super) async fn lock(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Head>> {
    let row = sqlx::query_as::<_, HeadRow>(
        "-- lock_count
        select c.number, w.code as warehouse, c.title, c.state, c.uncounted_is_empty, c.version, c.created_at
        from stock_count c join warehouse w on w.id = c.warehouse_id where c.id = $1 for no key update of c",
    )
    .bind(id)
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Head::from))
}

/// Changes the state of a count; its row is locked.
pub(super) async fn set_state(
    conn: &mut PgConnection,
    id: Uuid,
    state: State,
    (by, now): (&str, OffsetDateTime),
) -> sqlx::Result<()> {
    sqlx::query(
        "-- set_count_state
        update stock_count set state = $2, version = version + 1,
            closed_by = case $2 when 'closed' then $3 when 'open' then '' else closed_by end,
            closed_at = case $2 when 'closed' then $4 when 'open' then null else closed_at end,
            ended_by = case when $2 in ('posted', 'cancelled') then $3 else ended_by end,
            ended_at = case when $2 in ('posted', 'cancelled') then $4 else ended_at end
        where id = $1",
    )
    .bind(id)
    .bind(state.code())
    .bind(by)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether somebody counted anything of a count.
pub(super) async fn has_counted(conn: &mut PgConnection, id: Uuid, person: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar(
        "-- has_counted
        select exists (select from stock_count_entry where count_id = $1 and counted_by = $2)
            or exists (select from stock_count_bin where count_id = $1 and completed_by = $2)",
    )
    .bind(id)
    .bind(person)
    .fetch_one(conn)
    .await
}

/// Items of a count's lines, in order.
pub(super) async fn skus(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(
        "-- skus_of_count
        select distinct sku from stock_count_line where count_id = $1 order by sku",
    )
    .bind(id)
    .fetch_all(conn)
    .await
}

/// Keeps what was posted of each line, and the sums.
pub(super) async fn set_posted(
    conn: &mut PgConnection,
    id: Uuid,
    posted: &[(i64, Uuid, Decimal, Decimal)],
    (surplus, shortage): (Decimal, Decimal),
) -> sqlx::Result<()> {
    sqlx::query(
        "-- set_count_posted
        with head as (update stock_count set surplus = $6, shortage = $7 where id = $1)
        update stock_count_line l set difference = n.difference, value = n.value
        from unnest($2::int8[], $3::uuid[], $4::numeric[], $5::numeric[]) as n (place_id, lot_id, difference, value)
        where l.count_id = $1 and l.place_id = n.place_id and l.lot_id = n.lot_id",
    )
    .bind(id)
    .bind(posted.iter().map(|(place, ..)| *place).collect::<Vec<_>>())
    .bind(posted.iter().map(|(_, lot, ..)| *lot).collect::<Vec<_>>())
    .bind(posted.iter().map(|(_, _, difference, _)| *difference).collect::<Vec<_>>())
    .bind(posted.iter().map(|(.., value)| *value).collect::<Vec<_>>())
    .bind(surplus)
    .bind(shortage)
    .execute(conn)
    .await?;
    Ok(())
}
