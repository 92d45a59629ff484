//! The relay: publishes what waits in the outbox, in order, and notices what the broker has forgotten.
//!
//! One copy at a time does the work: it holds an advisory lock on the connection it works with, so losing the
//! connection is losing the office. Each publish states the sequence it expects to follow; a message lost on the way
//! makes all later ones of the batch fail instead of overtaking it, and two relays can never interleave.

use std::{
    convert::Infallible,
    future::IntoFuture as _,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use async_nats::jetstream::{
    context::{PublishError, PublishErrorKind},
    message::PublishMessage,
};
use futures::StreamExt as _;
use sqlx::{Connection as _, PgConnection, PgPool};
use time::OffsetDateTime;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    bus::Bus,
    event::{Event, subject},
    headers,
};

/// Events published in one go; more by the rest of their batch.
const BATCH: i64 = 512;
/// How often to look when nobody called.
const POLL: Duration = Duration::from_secs(1);
/// Key of the advisory lock ("relay" in ASCII). Locks are per database, so every service has its own.
const LOCK: i64 = 0x72_656c_6179;

/// Calls the relay after a commit.
#[derive(Clone, Default)]
pub struct Wake {
    notify: Arc<Notify>,
    leading: Arc<AtomicBool>,
}

impl Wake {
    /// There may be something to publish.
    pub fn wake(&self) {
        self.notify.notify_one();
    }
}

/// Publishes one service's outbox.
pub struct Relay {
    service: &'static str,
    pool: PgPool,
    bus: Bus,
    wake: Wake,
}

#[derive(sqlx::FromRow)]
struct OutboxRow {
    batch_id: i64,
    replays: i32,
    event_id: Uuid,
    event_name: String,
    aggregate_id: String,
    version: i64,
    occurred_at: OffsetDateTime,
    traceparent: String,
    payload: Vec<u8>,
}

/// Where the stream stands, as this relay knows it.
struct Position {
    last_seq: u64,
    /// After an interruption: some of what waits may have been published, so one event at a time.
    doubtful: bool,
}

/// What became of events sent.
struct Sent {
    /// Sequences of those acknowledged, which are the first ones.
    seqs: Vec<i64>,
    /// Some were known to the broker.
    duplicates: bool,
    /// Why the others were not.
    failure: Option<PublishError>,
}

impl Relay {
    /// A relay for `service`, whose database `pool` is.
    #[must_use]
    pub fn new(service: &'static str, pool: PgPool, bus: Bus, wake: Wake) -> Self {
        Self { service, pool, bus, wake }
    }

    /// Works until cancelled. Never fails: what goes wrong is logged and tried again.
    pub async fn run(self, cancel: CancellationToken) {
        let mut pause = Duration::from_millis(100);
        while !cancel.is_cancelled() {
            let error = tokio::select! {
                () = cancel.cancelled() => break,
                Err(error) = self.lead(&mut pause) => error,
            };
            self.wake.leading.store(false, Ordering::Relaxed);
            tracing::warn!(service = self.service, error = format!("{error:#}"), "relay interrupted");
            tokio::select! {
                () = cancel.cancelled() => break,
                () = tokio::time::sleep(pause) => {}
            }
            pause = (pause * 2).min(Duration::from_secs(2));
        }
        self.wake.leading.store(false, Ordering::Relaxed);
    }

    fn wake_subject(&self) -> String {
        format!("shopfloor-wake.{}", self.service)
    }

    async fn pass_on(&self) {
        if let Err(error) = self.bus.client.publish(self.wake_subject(), "".into()).await {
            tracing::debug!(%error, "wake-up not passed on; the leader's poll will find the events");
        }
    }

    /// Stands by while another copy leads, then leads. Ends only with an error.
    async fn lead(&self, pause: &mut Duration) -> anyhow::Result<Infallible> {
        let options = self.pool.connect_options();
        let mut conn = PgConnection::connect_with(&options).await.context("cannot reach the database")?;
        while !try_lock(&mut conn).await? {
            *pause = Duration::from_millis(100);
            // Another copy leads: pass its calls on until it is gone.
            tokio::select! {
                () = self.wake.notify.notified() => self.pass_on().await,
                () = tokio::time::sleep(POLL) => {}
            }
        }
        self.wake.leading.store(true, Ordering::Relaxed);
        let mut connects = self.bus.connects();
        let mut calls = self.bus.client.subscribe(self.wake_subject()).await.context("cannot listen for calls")?;
        let mut reported: Option<Instant> = None;
        loop {
            connects.borrow_and_update();
            let mut position = self.reconcile(&mut conn).await?;
            *pause = Duration::from_millis(100);
            while !connects.has_changed().unwrap_or(true) {
                let sent = self.publish_waiting(&mut conn, &mut position).await?;
                if sent > 0 {
                    continue;
                }
                // Not with every call: counting costs as much as a small batch.
                if reported.is_none_or(|at| at.elapsed() >= POLL) {
                    self.report(&mut conn).await?;
                    reported = Some(Instant::now());
                }
                tokio::select! {
                    () = self.wake.notify.notified() => {}
                    _ = calls.next() => {}
                    _ = connects.changed() => {}
                    () = tokio::time::sleep(POLL) => {}
                }
            }
        }
    }

    /// Compares what was acknowledged with what the stream holds; what is missing will be published again.
    async fn reconcile(&self, conn: &mut PgConnection) -> anyhow::Result<Position> {
        let mut stream = self.bus.stream(self.service).await?;
        let info = stream.info().await.context("cannot ask for the stream's state")?;
        let created = OffsetDateTime::from_unix_timestamp(info.created.unix_timestamp())
            .context("stream with an impossible creation time")?
            .replace_nanosecond(info.created.nanosecond() / 1000 * 1000)
            .context("stream with an impossible creation time")?;
        let last_seq = i64::try_from(info.state.last_sequence).context("stream sequence out of range")?;
        let (known, known_seq): (Option<OffsetDateTime>, i64) =
            sqlx::query_as("-- relay_state\nselect stream_created, last_seq from relay_state")
                .fetch_one(&mut *conn)
                .await?;
        let mut tx = conn.begin().await?;
        let forgotten = if known.is_some_and(|known| known != created) {
            let oldest = OffsetDateTime::now_utc() - info.config.max_age;
            // Replays go in the order of all others, which are sent as well.
            sqlx::query_scalar(
                "-- relay_forgotten_stream
                with replayed as (
                    delete from outbox_batch where first_id = 0 returning outbox_ids
                ), forgotten as (
                    update outbox_batch set stream_seqs = null, last_seq = null, replays = replays + 1
                    where last_seq is not null and first_id > 0 and exists (
                        select from outbox where outbox_id = any(outbox_ids)
                          and (occurred_at >= $1 or outbox_id in (select unnest(outbox_ids) from replayed)))
                    returning cardinality(outbox_ids) as events
                )
                select coalesce(sum(events), 0)::int8 from forgotten",
            )
            .bind(oldest)
            .fetch_one(&mut *tx)
            .await?
        } else if last_seq < known_seq {
            sqlx::query_scalar(
                "-- relay_forgotten_tail
                with forgotten as (
                    update outbox_batch set stream_seqs = null, last_seq = null, replays = replays + 1
                    where last_seq > $1
                    returning cardinality(outbox_ids) as events
                )
                select coalesce(sum(events), 0)::int8 from forgotten",
            )
            .bind(last_seq)
            .fetch_one(&mut *tx)
            .await?
        } else {
            0_i64
        };
        sqlx::query("-- relay_state_save\nupdate relay_state set stream_created = $1, last_seq = $2")
            .bind(created)
            .bind(last_seq)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        if forgotten > 0 {
            tracing::warn!(service = self.service, forgotten, "the broker has forgotten events; publishing them again");
            metrics::counter!("messaging_republished_total", "service" => self.service)
                .increment(forgotten.unsigned_abs());
        }
        Ok(Position { last_seq: info.state.last_sequence, doubtful: true })
    }

    /// Publishes the next batches; returns how many events were acknowledged.
    async fn publish_waiting(&self, conn: &mut PgConnection, position: &mut Position) -> anyhow::Result<usize> {
        let rows: Vec<OutboxRow> = sqlx::query_as(
            "-- relay_waiting
            select batch_id, replays, event_id, event_name, aggregate_id, version, occurred_at, traceparent, payload
            from (
                select batch_id, first_id, replays, outbox_ids,
                    sum(cardinality(outbox_ids)) over (order by first_id, batch_id) - cardinality(outbox_ids) as before
                from (
                    select * from outbox_batch where last_seq is null order by first_id, batch_id limit $1
                ) as next
            ) as batch join outbox on outbox_id = any(outbox_ids)
            where before < $1
            order by first_id, batch_id, outbox_id",
        )
        .bind(if position.doubtful { 1 } else { BATCH })
        .fetch_all(&mut *conn)
        .await?;
        if rows.is_empty() {
            return Ok(0);
        }
        let batches: Vec<i64> = rows.iter().map(|row| row.batch_id).collect();
        let sent = self.send(rows, position).await?;
        // A batch is published when all of it is.
        let whole: usize = batches
            .chunk_by(|one, next| one == next)
            .map(<[_]>::len)
            .scan(0, |sum, events| {
                *sum += events;
                Some(*sum)
            })
            .take_while(|sum| *sum <= sent.seqs.len())
            .last()
            .unwrap_or(0);
        self.mark_published(conn, &batches[..whole], &sent.seqs[..whole], position.last_seq).await?;
        // Duplicates do not move the sequence, so what followed them was refused: go one by one past them.
        let was_doubtful = std::mem::replace(&mut position.doubtful, sent.duplicates || sent.failure.is_some());
        match sent.failure {
            None => Ok(sent.seqs.len()),
            Some(error)
                if error.kind() == PublishErrorKind::WrongLastSequence && !was_doubtful && !sent.seqs.is_empty() =>
            {
                Ok(sent.seqs.len())
            }
            Some(error) => bail!("publishing stopped: {error}"),
        }
    }

    /// Sends events all at once, or, in doubt, each when the one before it is acknowledged.
    async fn send(&self, rows: Vec<OutboxRow>, position: &mut Position) -> anyhow::Result<Sent> {
        let mut sent = Sent { seqs: Vec::with_capacity(rows.len()), duplicates: false, failure: None };
        let step = if position.doubtful { 1 } else { rows.len() };
        let mut rows = rows.into_iter();
        while sent.failure.is_none() && rows.len() > 0 {
            let mut acks = Vec::with_capacity(step);
            for (row, expected) in rows.by_ref().take(step).zip(position.last_seq..) {
                let subject = subject(self.service, &row.event_name);
                let message = message(self.service, row, expected);
                acks.push(self.bus.jetstream.send_publish(subject, message).await.context("cannot publish")?);
            }
            for ack in acks {
                match ack.into_future().await {
                    Ok(ack) => {
                        if ack.duplicate {
                            sent.duplicates = true;
                        } else {
                            position.last_seq = ack.sequence;
                        }
                        sent.seqs.push(i64::try_from(ack.sequence)?);
                    }
                    Err(error) => {
                        sent.failure = Some(error);
                        break;
                    }
                }
            }
        }
        Ok(sent)
    }

    /// Notes the sequences of published events, given with the batch of each.
    async fn mark_published(
        &self,
        conn: &mut PgConnection,
        batches: &[i64],
        seqs: &[i64],
        last_seq: u64,
    ) -> anyhow::Result<()> {
        if batches.is_empty() {
            return Ok(());
        }
        sqlx::query(
            "-- relay_published
            with done as (
                select batch_id, array_agg(seq order by place) as seqs, max(seq) as last
                from unnest($1::int8[], $2::int8[]) with ordinality as n (batch_id, seq, place) group by batch_id
            ), marked as (
                update outbox_batch b set stream_seqs = done.seqs, last_seq = done.last
                from done where b.batch_id = done.batch_id
            )
            update relay_state set last_seq = greatest(last_seq, $3)",
        )
        .bind(batches)
        .bind(seqs)
        .bind(i64::try_from(last_seq)?)
        .execute(conn)
        .await?;
        metrics::counter!("messaging_published_total", "service" => self.service).increment(batches.len() as u64);
        Ok(())
    }

    async fn report(&self, conn: &mut PgConnection) -> anyhow::Result<()> {
        let waiting = crate::admin::outbox_waiting(conn).await?;
        #[expect(clippy::cast_precision_loss, reason = "a gauge for people to look at")]
        {
            metrics::gauge!("messaging_outbox_pending", "service" => self.service).set(waiting.count as f64);
            metrics::gauge!("messaging_outbox_age_seconds", "service" => self.service)
                .set(waiting.age_ms as f64 / 1000.0);
        }
        Ok(())
    }
}

async fn try_lock(conn: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar("-- relay_lock\nselect pg_try_advisory_lock($1)").bind(LOCK).fetch_one(conn).await
}

fn message(service: &str, row: OutboxRow, expected: u64) -> PublishMessage {
    let id = format!("{}.{}.{}", row.event_id, row.batch_id, row.replays);
    let event = Event {
        id: row.event_id,
        source: service.to_owned(),
        name: row.event_name,
        aggregate_id: row.aggregate_id,
        version: row.version,
        time: row.occurred_at,
        traceparent: row.traceparent,
        payload: row.payload.into(),
    };
    PublishMessage::build()
        .headers(headers::write(&event))
        .message_id(id)
        .expected_last_sequence(expected)
        .payload(event.payload)
}
