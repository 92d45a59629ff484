//! Questions and orders about a service's events: how far they are, what failed, send again.

use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use crate::{Bus, Consumer, Event, Subscription};

/// Events committed and not yet acknowledged by the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct OutboxWaiting {
    /// How many.
    pub count: i64,
    /// Age of the oldest in milliseconds; 0 when there is none.
    pub age_ms: i64,
}

/// How much waits in the outbox.
///
/// # Errors
/// Database errors.
pub async fn outbox_waiting(conn: &mut PgConnection) -> sqlx::Result<OutboxWaiting> {
    sqlx::query_as(
        "-- outbox_waiting
        select count(*) as count,
            coalesce((extract(epoch from now() - min(occurred_at)) * 1000)::int8, 0) as age_ms
        from outbox_batch join outbox on outbox_id = any(outbox_ids)
        where last_seq is null",
    )
    .fetch_one(conn)
    .await
}

/// All events of the outbox in the order they were appended, as a consumer would get them. For tests and tools.
///
/// # Errors
/// Database errors.
pub async fn outbox_events(conn: &mut PgConnection, service: &str, after: i64, limit: i64) -> sqlx::Result<Vec<Event>> {
    type Row = (uuid::Uuid, String, String, i64, OffsetDateTime, String, Vec<u8>);
    let rows: Vec<Row> = sqlx::query_as(
        "-- outbox_events
        select event_id, event_name, aggregate_id, version, occurred_at, traceparent, payload
        from outbox where outbox_id > $1 order by outbox_id limit $2",
    )
    .bind(after)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|(id, name, aggregate_id, version, time, traceparent, payload)| Event {
            id,
            source: service.to_owned(),
            name,
            aggregate_id,
            version,
            time,
            traceparent,
            payload: payload.into(),
        })
        .collect())
}

/// The state of one consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerStatus {
    /// Its name.
    pub consumer: &'static str,
    /// Whose events it takes.
    pub source: &'static str,
    /// Events in the stream not yet taken; `None` while the broker cannot be asked.
    pub pending: Option<i64>,
    /// Events that are tried again or wait behind one that is.
    pub parked: i64,
    /// Events given up on.
    pub dead: i64,
}

/// How far a consumer is.
///
/// # Errors
/// Database errors; a broker that is away is not one.
pub async fn consumer_status(pool: &PgPool, bus: &Bus, subscription: &Subscription) -> sqlx::Result<ConsumerStatus> {
    let (parked, dead): (i64, i64) = sqlx::query_as(
        "-- consumer_dead_letters
        select count(*) filter (where state <> 'dead'), count(*) filter (where state = 'dead')
        from dead_letter where consumer = $1",
    )
    .bind(subscription.consumer)
    .fetch_one(pool)
    .await?;
    let pending = match bus.is_connected() {
        true => Consumer::pending(bus, subscription.source, subscription.consumer).await.ok(),
        false => None,
    };
    Ok(ConsumerStatus { consumer: subscription.consumer, source: subscription.source, pending, parked, dead })
}

/// An event that waits outside the normal flow.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct DeadLetter {
    /// Its id.
    pub dead_letter_id: i64,
    /// Consumer it is for.
    pub consumer: String,
    /// Event id.
    pub event_id: uuid::Uuid,
    /// Publishing service.
    pub source: String,
    /// Name of the fact.
    pub event_name: String,
    /// Its aggregate.
    pub aggregate_id: String,
    /// `retrying`, `parked` or `dead`.
    pub state: String,
    /// How often it was tried.
    pub attempts: i32,
    /// The last error.
    pub error: String,
    /// When it was set aside.
    pub created_at: OffsetDateTime,
}

/// Dead letters after the one with id `after`, oldest first; of one consumer or, when empty, of all.
///
/// # Errors
/// Database errors.
pub async fn dead_letters(
    conn: &mut PgConnection,
    consumer: &str,
    after: i64,
    limit: i64,
) -> sqlx::Result<Vec<DeadLetter>> {
    sqlx::query_as(
        "-- list_dead_letters
        select dead_letter_id, consumer, event_id, source, event_name, aggregate_id, state, attempts, error, created_at
        from dead_letter where dead_letter_id > $1 and ($2 = '' or consumer = $2) order by dead_letter_id limit $3",
    )
    .bind(after)
    .bind(consumer)
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// Makes dead letters due at once: the given ones, or all that are dead when none is given. Parked ones are not moved,
/// they follow the one they wait for. Returns how many.
///
/// # Errors
/// Database errors.
pub async fn retry_dead_letters(conn: &mut PgConnection, ids: &[i64], now: OffsetDateTime) -> sqlx::Result<u64> {
    let done = sqlx::query(
        "-- retry_dead_letters
        update dead_letter set state = 'retrying', attempts = 0, due_at = $2
        where state <> 'parked' and (dead_letter_id = any($1) or (cardinality($1) = 0 and state = 'dead'))",
    )
    .bind(ids)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Drives the dead letters of a subscription that are due at `now`. Returns how many were applied.
///
/// # Errors
/// When the database cannot be used.
pub async fn retry_due(pool: &PgPool, subscription: &Subscription, now: OffsetDateTime) -> anyhow::Result<u64> {
    crate::dead_letter::retry_due(pool, subscription, now).await
}
