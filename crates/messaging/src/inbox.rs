//! The inbox: which events a consumer has applied.
//!
//! Ids of events are made in order of time, and a batch holds events of about the same time. So one row remembers many of
//! them, and those a batch has to be compared with are the few rows whose ids come close.

use std::collections::HashSet;

use sqlx::PgConnection;
use uuid::Uuid;

/// Bits of an id below its time in steps of 1.024 seconds: of its 48 bits of milliseconds the last ten, and the rest.
const WITHIN: u32 = 128 - 48 + 10;

/// Marks events as applied by `consumer` and returns those that had not been before.
///
/// Waits for a concurrent transaction that marks events of the same consumer, so that each is applied once.
pub(crate) async fn mark_new(conn: &mut PgConnection, consumer: &str, ids: &[Uuid]) -> sqlx::Result<HashSet<Uuid>> {
    sqlx::query("-- inbox_lock\nselect pg_advisory_xact_lock(hashtextextended($1, 1))")
        .bind(consumer)
        .execute(&mut *conn)
        .await?;
    let mut asked = ids.to_vec();
    asked.sort_unstable();
    asked.dedup();
    let runs = runs(&asked);
    let known: Vec<Vec<Uuid>> = sqlx::query_scalar(
        "-- inbox_known
        select event_ids from unnest($2::uuid[], $3::uuid[], $4::uuid[]) as asked (oldest, newest, latest)
            join inbox i on i.consumer = $1 and i.newest between asked.oldest and asked.latest
                and i.oldest <= asked.newest",
    )
    .bind(consumer)
    .bind(runs.iter().map(|run| run[0]).collect::<Vec<_>>())
    .bind(runs.iter().map(|run| run[run.len() - 1]).collect::<Vec<_>>())
    .bind(runs.iter().map(|run| latest_beside(run[0])).collect::<Vec<_>>())
    .fetch_all(&mut *conn)
    .await?;
    let known: HashSet<Uuid> = known.into_iter().flatten().collect();
    asked.retain(|id| !known.contains(id));
    insert(conn, consumer, &asked).await?;
    Ok(asked.into_iter().collect())
}

/// Stores sorted ids, a row for each run of them.
async fn insert(conn: &mut PgConnection, consumer: &str, ids: &[Uuid]) -> sqlx::Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let lengths: Vec<i32> = runs(ids).iter().map(|run| i32::try_from(run.len()).unwrap_or(i32::MAX)).collect();
    sqlx::query(
        "-- mark_inbox
        insert into inbox (consumer, newest, oldest, event_ids)
        select $1, ($2::uuid[])[run.last], ($2::uuid[])[run.last - run.length + 1],
            ($2::uuid[])[run.last - run.length + 1:run.last]
        from (select length, sum(length) over (order by place)::int4 as last
            from unnest($3::int4[]) with ordinality as n (length, place)) as run",
    )
    .bind(consumer)
    .bind(ids)
    .bind(lengths)
    .execute(conn)
    .await?;
    Ok(())
}

/// Cuts sorted ids where a new step of time begins, so that no row spans more than one.
fn runs(ids: &[Uuid]) -> Vec<&[Uuid]> {
    ids.chunk_by(|one, next| one.as_u128() >> WITHIN == next.as_u128() >> WITHIN).collect()
}

/// The greatest id of the same step of time.
fn latest_beside(id: Uuid) -> Uuid {
    Uuid::from_u128(id.as_u128() | ((1 << WITHIN) - 1))
}
