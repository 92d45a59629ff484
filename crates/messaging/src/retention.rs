//! How long events are kept after they have done their work.
//!
//! The outbox is what a wiped broker or a new read model is filled from, so by default nothing is removed. Where a limit
//! is set, rows go oldest first, in small transactions. The inbox must remember an event for as long as it can come
//! again, so it keeps longer: the outbox's time, then the stream's, then a day for clocks that differ.
//!
//! Age is read from the event's id (UUID version 7, RFC 9562 section 5.7): the moment it was stored, also where the fact
//! itself is older, as in an import.

use std::time::Duration;

use sqlx::PgPool;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::Subscription;

/// Rows removed in one transaction.
const STEP: i64 = 5_000;
/// Transactions of one round, so that a round ends.
const STEPS: usize = 200;

/// How long published and applied events are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Published events in the outbox.
    pub outbox: Duration,
    /// Marks in the inbox.
    pub inbox: Duration,
}

impl Retention {
    /// Keeps published events for `outbox`, where streams keep theirs for `stream`.
    #[must_use]
    pub fn new(outbox: Duration, stream: Duration) -> Self {
        Self { outbox, inbox: outbox + stream + Duration::from_secs(24 * 3600) }
    }

    /// Removes what is older at `now`, a bounded number of rows; of how many events. Events never published stay, however old.
    ///
    /// # Errors
    /// Database errors; what was removed until then stays removed.
    pub async fn trim(&self, pool: &PgPool, consumers: &[Subscription], now: OffsetDateTime) -> sqlx::Result<u64> {
        let mut removed = 0;
        let before = first_id_of(now - self.outbox);
        for _ in 0..STEPS {
            let step = trim_outbox(pool, before).await?;
            removed += step;
            if step == 0 {
                break;
            }
        }
        let before = first_id_of(now - self.inbox);
        for subscription in consumers {
            for _ in 0..STEPS {
                let step = trim_inbox(pool, subscription.consumer, before).await?;
                removed += step;
                if step == 0 {
                    break;
                }
            }
        }
        Ok(removed)
    }
}

/// The smallest id an event stored at that moment can have.
fn first_id_of(at: OffsetDateTime) -> Uuid {
    let millis = u64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid()
}

async fn trim_outbox(pool: &PgPool, before: Uuid) -> sqlx::Result<u64> {
    let done = sqlx::query(
        "-- trim_outbox
        delete from outbox
        using (select outbox_id from outbox order by outbox_id limit $2) as oldest
        where outbox.outbox_id = oldest.outbox_id and event_id < $1
          and outbox.outbox_id not in (select unnest(outbox_ids) from outbox_batch where last_seq is null)",
    )
    .bind(before)
    .bind(STEP)
    .execute(pool)
    .await?;
    sqlx::query(
        "-- trim_outbox_batches
        delete from outbox_batch
        using (select batch_id from outbox_batch order by batch_id limit $1) as oldest
        where outbox_batch.batch_id = oldest.batch_id and last_seq is not null
          and not exists (select from outbox where outbox_id = any(outbox_ids))",
    )
    .bind(STEP)
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
}

async fn trim_inbox(pool: &PgPool, consumer: &str, before: Uuid) -> sqlx::Result<u64> {
    let events: i64 = sqlx::query_scalar(
        "-- trim_inbox
        with gone as (
            delete from inbox
            where consumer = $1 and newest in (
                select newest from inbox where consumer = $1 and newest < $2 order by newest limit $3)
            returning cardinality(event_ids) as events
        )
        select coalesce(sum(events), 0)::int8 from gone",
    )
    .bind(consumer)
    .bind(before)
    .bind(STEP)
    .fetch_one(pool)
    .await?;
    Ok(events.unsigned_abs())
}
