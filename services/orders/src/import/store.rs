//! The tables of imports.

use sqlx::{FromRow, PgConnection};
use time::OffsetDateTime;

use super::domain::Rejection;

/// An import as it lies in its table.
#[derive(Clone, Debug, FromRow)]
pub(super) struct JobRow {
    pub(super) caller: String,
    pub(super) parts: i32,
    pub(super) price_list: String,
    pub(super) finished_at: Option<OffsetDateTime>,
    pub(super) rows: i64,
    pub(super) created: i64,
    pub(super) changed: i64,
    pub(super) unchanged: i64,
    pub(super) rejected: i64,
    pub(super) prices: i64,
}

/// Begins an import unless it has begun.
pub(super) async fn begin(
    conn: &mut PgConnection,
    job_id: &str,
    caller: &str,
    parts: i32,
    price_list: &str,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query(
        "-- begin_import
        insert into import_job (job_id, caller, parts, price_list, started_at) values ($1, $2, $3, $4, $5)
        on conflict (job_id) do nothing",
    )
    .bind(job_id)
    .bind(caller)
    .bind(parts)
    .bind(price_list)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}

/// Reads and locks an import.
pub(super) async fn lock(conn: &mut PgConnection, job_id: &str) -> sqlx::Result<Option<JobRow>> {
    sqlx::query_as(
        "-- lock_import
        select caller, parts, price_list, finished_at, rows, created, changed, unchanged, rejected, prices
        from import_job where job_id = $1 for update",
    )
    .bind(job_id)
    .fetch_optional(conn)
    .await
}

/// Stages a part unless it is there; returns the digest of what is there.
pub(super) async fn stage(
    conn: &mut PgConnection,
    job_id: &str,
    part: i32,
    content_hash: &[u8],
    data: &[u8],
) -> sqlx::Result<Vec<u8>> {
    sqlx::query_scalar(
        "-- stage_import_part
        insert into import_part (job_id, part, content_hash, data) values ($1, $2, $3, $4)
        on conflict (job_id, part) do update set part = excluded.part returning content_hash",
    )
    .bind(job_id)
    .bind(part)
    .bind(content_hash)
    .bind(data)
    .fetch_one(conn)
    .await
}

/// Number of parts staged.
pub(super) async fn staged(conn: &mut PgConnection, job_id: &str) -> sqlx::Result<i64> {
    sqlx::query_scalar("-- staged_import_parts\nselect count(*) from import_part where job_id = $1")
        .bind(job_id)
        .fetch_one(conn)
        .await
}

/// The bytes of all parts in order.
pub(super) async fn data(conn: &mut PgConnection, job_id: &str) -> sqlx::Result<Vec<u8>> {
    let parts: Vec<Option<Vec<u8>>> =
        sqlx::query_scalar("-- import_data\nselect data from import_part where job_id = $1 order by part")
            .bind(job_id)
            .fetch_all(conn)
            .await?;
    Ok(parts.into_iter().flatten().flatten().collect())
}

/// Marks an import as finished and drops its bytes.
pub(super) async fn finish(
    conn: &mut PgConnection,
    job_id: &str,
    job: &JobRow,
    rejections: &[Rejection],
) -> sqlx::Result<()> {
    sqlx::query(
        "-- finish_import
        update import_job set finished_at = $2, rows = $3, created = $4, changed = $5, unchanged = $6, rejected = $7,
            prices = $8
        where job_id = $1",
    )
    .bind(job_id)
    .bind(job.finished_at)
    .bind(job.rows)
    .bind(job.created)
    .bind(job.changed)
    .bind(job.unchanged)
    .bind(job.rejected)
    .bind(job.prices)
    .execute(&mut *conn)
    .await?;
    sqlx::query(
        "-- insert_import_rejections
        insert into import_rejection (job_id, seq, row_no, sku, column_name, reason)
        select $1, n.seq, n.row_no, n.sku, n.column_name, n.reason
        from unnest($2::int8[], $3::text[], $4::text[], $5::text[])
            with ordinality as n (row_no, sku, column_name, reason, seq)",
    )
    .bind(job_id)
    .bind(rejections.iter().map(|one| one.row_no.cast_signed()).collect::<Vec<_>>())
    .bind(rejections.iter().map(|one| one.sku.replace('\0', "")).collect::<Vec<_>>())
    .bind(rejections.iter().map(|one| one.column.as_str()).collect::<Vec<_>>())
    .bind(rejections.iter().map(|one| one.reason.replace('\0', "")).collect::<Vec<_>>())
    .execute(&mut *conn)
    .await?;
    sqlx::query("-- drop_import_data\nupdate import_part set data = null where job_id = $1")
        .bind(job_id)
        .execute(conn)
        .await?;
    Ok(())
}

/// A rejected row as it lies in its table.
#[derive(Clone, Debug, FromRow)]
pub(super) struct RejectionRow {
    pub(super) seq: i64,
    pub(super) row_no: i64,
    pub(super) sku: String,
    pub(super) column_name: String,
    pub(super) reason: String,
}

/// Rejected rows of an import after one of them.
pub(super) async fn rejections(
    conn: &mut PgConnection,
    job_id: &str,
    after: i64,
    limit: i64,
) -> sqlx::Result<Vec<RejectionRow>> {
    sqlx::query_as(
        "-- list_import_rejections
        select seq, row_no, sku, column_name, reason from import_rejection
        where job_id = $1 and seq > $2 order by seq limit $3",
    )
    .bind(job_id)
    .bind(after)
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// Drops imports that were begun before a moment and never finished, with their bytes.
pub(super) async fn drop_abandoned(conn: &mut PgConnection, before: OffsetDateTime) -> sqlx::Result<u64> {
    let done = sqlx::query(
        "-- drop_abandoned_imports
        delete from import_job where finished_at is null and started_at < $1",
    )
    .bind(before)
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
