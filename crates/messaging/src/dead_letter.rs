//! Events that could not be applied, and those parked behind them.
//!
//! The first failed event of an aggregate is `retrying`, then `dead` when it was tried often enough; all later events
//! of that aggregate are `parked` until it is applied. So order per aggregate holds and other aggregates never wait.

use std::{borrow::Cow, collections::HashSet};

use sqlx::{PgConnection, PgPool};
use time::{Duration, OffsetDateTime};

use crate::{
    event::Event,
    inbox,
    subscription::{Subscription, is_database_away},
    trace,
};

/// Tries before an event is given up on; with the pauses below that is about four minutes.
const MAX_ATTEMPTS: i32 = 8;
/// Dead letters driven in one round.
const ROUND: i64 = 100;

/// Pause after the nth failed attempt: 1, 2, 4 … seconds.
fn pause_after(attempts: i32) -> Duration {
    Duration::seconds(1 << attempts.clamp(1, 8).saturating_sub(1))
}

/// Parks those events whose aggregate has a dead letter; returns the others.
pub(crate) async fn park_behind<'a>(
    conn: &mut PgConnection,
    consumer: &str,
    events: Cow<'a, [Event]>,
    now: OffsetDateTime,
) -> sqlx::Result<Cow<'a, [Event]>> {
    if events.is_empty() {
        return Ok(events);
    }
    let aggregates: Vec<&str> = events.iter().map(|event| event.aggregate_id.as_str()).collect();
    let blocked: HashSet<String> = sqlx::query_scalar(
        "-- blocked_aggregates
        select distinct aggregate_id from dead_letter where consumer = $1 and aggregate_id = any($2)",
    )
    .bind(consumer)
    .bind(aggregates)
    .fetch_all(&mut *conn)
    .await?
    .into_iter()
    .collect();
    if blocked.is_empty() {
        return Ok(events);
    }
    let (parked, free): (Vec<_>, Vec<_>) =
        events.into_owned().into_iter().partition(|event| blocked.contains(&event.aggregate_id));
    for event in &parked {
        insert(conn, consumer, event, "parked", 0, "waits behind an earlier event of its aggregate", now).await?;
    }
    Ok(free.into())
}

/// Sets an event aside that could not be applied.
pub(crate) async fn set_aside(
    pool: &PgPool,
    consumer: &'static str,
    event: &Event,
    error: &anyhow::Error,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    tracing::warn!(
        consumer,
        event_id = %event.id,
        event_type = event.full_type(),
        error = format!("{error:#}"),
        "event set aside"
    );
    metrics::counter!("messaging_dead_letters_total", "consumer" => consumer).increment(1);
    let mut tx = pool.begin().await?;
    if inbox::mark_new(&mut tx, consumer, &[event.id]).await?.is_empty() {
        return Ok(());
    }
    insert(&mut tx, consumer, event, "retrying", 1, &format!("{error:#}"), now).await?;
    tx.commit().await
}

async fn insert(
    conn: &mut PgConnection,
    consumer: &str,
    event: &Event,
    state: &str,
    attempts: i32,
    error: &str,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query(
        "-- insert_dead_letter
        insert into dead_letter (consumer, event_id, source, event_name, aggregate_id, version, occurred_at, traceparent,
            payload, state, attempts, error, due_at, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) on conflict do nothing",
    )
    .bind(consumer)
    .bind(event.id)
    .bind(&event.source)
    .bind(&event.name)
    .bind(&event.aggregate_id)
    .bind(event.version)
    .bind(event.time)
    .bind(&event.traceparent)
    .bind(event.payload.as_ref())
    .bind(state)
    .bind(attempts)
    .bind(error.replace('\0', ""))
    .bind(now + pause_after(attempts.max(1)))
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct DueRow {
    dead_letter_id: i64,
    event_id: uuid::Uuid,
    source: String,
    event_name: String,
    aggregate_id: String,
    version: i64,
    occurred_at: OffsetDateTime,
    traceparent: String,
    payload: Vec<u8>,
    attempts: i32,
}

/// Tries the dead letters that are due, and what is parked behind each that succeeds. Returns how many were applied.
pub(crate) async fn retry_due(pool: &PgPool, subscription: &Subscription, now: OffsetDateTime) -> anyhow::Result<u64> {
    let mut applied = 0;
    for _ in 0..ROUND {
        let Some(row) = next_due(pool, subscription.consumer, now).await? else { break };
        let event = Event {
            id: row.event_id,
            source: row.source,
            name: row.event_name,
            aggregate_id: row.aggregate_id,
            version: row.version,
            time: row.occurred_at,
            traceparent: row.traceparent,
            payload: row.payload.into(),
        };
        match apply_one(pool, subscription, row.dead_letter_id, &event, now).await {
            Ok(()) => applied += 1,
            Err(error) if is_database_away(&error) => return Err(error),
            Err(error) => {
                let attempts = row.attempts + 1;
                let state = if attempts >= MAX_ATTEMPTS { "dead" } else { "retrying" };
                tracing::warn!(
                    consumer = subscription.consumer,
                    event_id = %event.id,
                    attempts,
                    state,
                    error = format!("{error:#}"),
                    "dead letter failed again"
                );
                sqlx::query(
                    "-- dead_letter_failed
                    update dead_letter set attempts = $2, state = $3, error = $4, due_at = $5 where dead_letter_id = $1",
                )
                .bind(row.dead_letter_id)
                .bind(attempts)
                .bind(state)
                .bind(format!("{error:#}").replace('\0', ""))
                .bind(now + pause_after(attempts))
                .execute(pool)
                .await?;
            }
        }
    }
    Ok(applied)
}

async fn next_due(pool: &PgPool, consumer: &str, now: OffsetDateTime) -> sqlx::Result<Option<DueRow>> {
    sqlx::query_as(
        "-- next_due_dead_letter
        select dead_letter_id, event_id, source, event_name, aggregate_id, version, occurred_at, traceparent, payload,
            attempts
        from dead_letter where consumer = $1 and state = 'retrying' and due_at <= $2 order by due_at, dead_letter_id
        limit 1",
    )
    .bind(consumer)
    .bind(now)
    .fetch_optional(pool)
    .await
}

async fn apply_one(
    pool: &PgPool,
    subscription: &Subscription,
    dead_letter_id: i64,
    event: &Event,
    now: OffsetDateTime,
) -> anyhow::Result<()> {
    let mut tx = pool.begin().await?;
    let gone = sqlx::query("-- delete_dead_letter\ndelete from dead_letter where dead_letter_id = $1")
        .bind(dead_letter_id)
        .execute(&mut *tx)
        .await?;
    if gone.rows_affected() == 0 {
        return Ok(());
    }
    let events = std::slice::from_ref(event);
    let (spans, traces) = trace::consume_spans(subscription.consumer, events);
    trace::with_traces(traces, subscription.handler.apply(&mut tx, events)).await?;
    drop(spans);
    sqlx::query(
        "-- unpark_next
        update dead_letter set state = 'retrying', due_at = $3
        where dead_letter_id = (
            select min(dead_letter_id) from dead_letter where consumer = $1 and aggregate_id = $2)",
    )
    .bind(subscription.consumer)
    .bind(&event.aggregate_id)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(())
}
