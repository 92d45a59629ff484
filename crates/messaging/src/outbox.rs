//! The outbox: events stored in the transaction of the change they tell of.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{event::NewEvent, trace};

/// Events of one batch at most.
const BATCH: usize = 500;

/// Appends events, in the order given. They are published after the transaction commits, in order per aggregate.
///
/// The caller holds the aggregate's row lock, or has just inserted it; that is what makes the order well defined.
///
/// # Errors
/// Database errors; among them the violation of `outbox_one_event_a_version` when a version is used twice.
pub async fn append(conn: &mut PgConnection, events: &[NewEvent]) -> sqlx::Result<()> {
    for batch in events.chunks(BATCH) {
        append_batch(conn, batch).await?;
    }
    Ok(())
}

async fn append_batch(conn: &mut PgConnection, events: &[NewEvent]) -> sqlx::Result<()> {
    let current = trace::current_traceparent();
    let traces: Vec<_> = events.iter().map(|event| trace::traceparent_for(event, &current)).collect();
    sqlx::query(
        "-- append_outbox
        with appended as (
            insert into outbox (event_id, event_name, aggregate_type, aggregate_id, version, occurred_at, traceparent,
                payload)
            select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::int8[], $6::timestamptz[],
                $7::text[], $8::bytea[])
            returning outbox_id
        )
        insert into outbox_batch (first_id, outbox_ids)
        select min(outbox_id), array_agg(outbox_id order by outbox_id) from appended",
    )
    .bind(events.iter().map(|_| Uuid::now_v7()).collect::<Vec<_>>())
    .bind(events.iter().map(|event| event.name).collect::<Vec<_>>())
    .bind(events.iter().map(|event| event.aggregate_type).collect::<Vec<_>>())
    .bind(events.iter().map(|event| event.aggregate_id.as_str()).collect::<Vec<_>>())
    .bind(events.iter().map(|event| event.version).collect::<Vec<_>>())
    .bind(events.iter().map(|event| event.occurred_at).collect::<Vec<_>>())
    .bind(traces)
    .bind(events.iter().map(|event| event.payload.as_slice()).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

/// Which events to publish again; all conditions given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplayFilter {
    /// Happened at or after.
    pub since: Option<OffsetDateTime>,
    /// Happened before.
    pub until: Option<OffsetDateTime>,
    /// Name of the fact.
    pub event_name: Option<String>,
    /// One aggregate.
    pub aggregate_id: Option<String>,
}

/// Has events published again that do not wait to be anyway; the relay does the rest. Returns how many.
///
/// # Errors
/// Database errors.
pub async fn replay(conn: &mut PgConnection, filter: &ReplayFilter) -> sqlx::Result<u64> {
    let events: i64 = sqlx::query_scalar(
        "-- replay_outbox
        with wanted as (
            select outbox_id, (row_number() over (order by outbox_id) - 1) / $5 as batch from outbox
            where outbox_id not in (select unnest(outbox_ids) from outbox_batch where last_seq is null)
              and ($1::timestamptz is null or occurred_at >= $1)
              and ($2::timestamptz is null or occurred_at < $2)
              and ($3::text is null or event_name = $3)
              and ($4::text is null or aggregate_id = $4)
        ), again as (
            insert into outbox_batch (first_id, outbox_ids)
            select 0, array_agg(outbox_id order by outbox_id) from wanted group by batch order by batch
            returning cardinality(outbox_ids) as events
        )
        select coalesce(sum(events), 0)::int8 from again",
    )
    .bind(filter.since)
    .bind(filter.until)
    .bind(&filter.event_name)
    .bind(&filter.aggregate_id)
    .bind(i64::try_from(BATCH).unwrap_or(i64::MAX))
    .fetch_one(conn)
    .await?;
    Ok(events.unsigned_abs())
}
