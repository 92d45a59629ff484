//! SQL of snapshots.

use sqlx::PgConnection;
use time::OffsetDateTime;

/// The moment of the last snapshot, and of the first movement.
pub(crate) async fn bounds(conn: &mut PgConnection) -> sqlx::Result<(Option<OffsetDateTime>, Option<OffsetDateTime>)> {
    sqlx::query_as(
        "-- snapshot_bounds
        select (select max(at) from stock_snapshot_moment),
            case when not exists (select from stock_snapshot_moment) then (select min(moved_at) from stock_move) end",
    )
    .fetch_one(conn)
    .await
}

/// Makes the snapshot of a moment from the one before it. Nobody dates anything before today meanwhile.
pub(crate) async fn make(
    conn: &mut PgConnection,
    at: OffsetDateTime,
    before: Option<OffsetDateTime>,
) -> sqlx::Result<()> {
    sqlx::query(
        "-- insert_snapshot_moment
        insert into stock_snapshot_moment (at) values ($1)",
    )
    .bind(at)
    .execute(&mut *conn)
    .await?;
    sqlx::query(
        "-- make_snapshot
        insert into stock_snapshot (at, sku, quantity, value)
        select $1, s.sku, sum(s.quantity), sum(s.value)
        from (
            select sku, quantity, value from stock_snapshot where at = $2
            union all
            select m.sku, m.quantity * w.sign, m.value * w.sign
            from stock_move m
            join place f on f.id = m.from_place
            join place t on t.id = m.to_place
            cross join lateral (
                select (t.kind in ('stock', 'quarantine', 'transit'))::int - (f.kind in ('stock', 'quarantine', 'transit'))::int
                    as sign
            ) w
            where m.moved_at < $1 and m.moved_at >= coalesce($2, '-infinity') and w.sign <> 0
        ) s
        group by s.sku having sum(s.quantity) <> 0 or sum(s.value) <> 0",
    )
    .bind(at)
    .bind(before)
    .execute(conn)
    .await?;
    Ok(())
}
