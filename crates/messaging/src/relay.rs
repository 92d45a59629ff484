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
    time::Duration,
};

use anyhow::{Context as _, bail};
use async_nats::jetstream::{context::PublishErrorKind, message::PublishMessage};
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

/// Rows published in one go.
const BATCH: usize = 512;
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
    outbox_id: i64,
    event_id: Uuid,
    event_name: String,
    aggregate_id: String,
    version: i64,
    occurred_at: OffsetDateTime,
    traceparent: String,
    payload: Vec<u8>,
    replays: i32,
}

/// Where the stream stands, as this relay knows it.
struct Position {
    last_seq: u64,
    /// One after a doubt, so that duplicates of an interrupted batch are told apart; [`BATCH`] in quiet water.
    window: usize,
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
        loop {
            connects.borrow_and_update();
            let mut position = self.reconcile(&mut conn).await?;
            *pause = Duration::from_millis(100);
            while !connects.has_changed().unwrap_or(true) {
                let sent = self.publish_waiting(&mut conn, &mut position).await?;
                if sent > 0 {
                    continue;
                }
                self.report(&mut conn).await?;
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
            sqlx::query(
                "-- relay_forgotten_stream
                update outbox set stream_seq = null, replays = replays + 1
                where stream_seq is not null and occurred_at >= $1",
            )
            .bind(oldest)
            .execute(&mut *tx)
            .await?
            .rows_affected()
        } else if last_seq < known_seq {
            sqlx::query(
                "-- relay_forgotten_tail
                update outbox set stream_seq = null, replays = replays + 1 where stream_seq > $1",
            )
            .bind(last_seq)
            .execute(&mut *tx)
            .await?
            .rows_affected()
        } else {
            0
        };
        sqlx::query("-- relay_state_save\nupdate relay_state set stream_created = $1, last_seq = $2")
            .bind(created)
            .bind(last_seq)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        if forgotten > 0 {
            tracing::warn!(service = self.service, forgotten, "the broker has forgotten events; publishing them again");
            metrics::counter!("messaging_republished_total", "service" => self.service).increment(forgotten);
        }
        Ok(Position { last_seq: info.state.last_sequence, window: 1 })
    }

    /// Publishes the next rows; returns how many were acknowledged.
    async fn publish_waiting(&self, conn: &mut PgConnection, position: &mut Position) -> anyhow::Result<usize> {
        let rows: Vec<OutboxRow> = sqlx::query_as(
            "-- relay_waiting
            select outbox_id, event_id, event_name, aggregate_id, version, occurred_at, traceparent, payload, replays
            from outbox where stream_seq is null order by outbox_id limit $1",
        )
        .bind(i64::try_from(position.window)?)
        .fetch_all(&mut *conn)
        .await?;
        if rows.is_empty() {
            return Ok(0);
        }
        let mut acks = Vec::with_capacity(rows.len());
        for (row, expected) in rows.iter().zip(position.last_seq..) {
            let sent = self
                .bus
                .jetstream
                .send_publish(subject(self.service, &row.event_name), message(self.service, row, expected));
            acks.push(sent.await.context("cannot publish")?);
        }
        let mut failure = None;
        let mut published: Vec<(i64, i64)> = Vec::with_capacity(rows.len());
        let mut duplicates = 0;
        for (row, ack) in rows.iter().zip(acks) {
            match ack.into_future().await {
                Ok(ack) => {
                    if ack.duplicate {
                        duplicates += 1;
                    } else {
                        position.last_seq = ack.sequence;
                    }
                    published.push((row.outbox_id, i64::try_from(ack.sequence)?));
                }
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            }
        }
        self.mark_published(conn, &published, position.last_seq).await?;
        // Duplicates do not move the sequence, so what followed them in the window was refused: go one by one past them.
        position.window = if duplicates > 0 || failure.is_some() { 1 } else { BATCH };
        match failure {
            None => Ok(published.len()),
            Some(error) if error.kind() == PublishErrorKind::WrongLastSequence && !published.is_empty() => {
                Ok(published.len())
            }
            Some(error) => bail!("publishing stopped: {error}"),
        }
    }

    async fn mark_published(&self, conn: &mut PgConnection, rows: &[(i64, i64)], last_seq: u64) -> anyhow::Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        sqlx::query(
            "-- relay_published
            with marked as (
                update outbox set stream_seq = done.seq
                from unnest($1::int8[], $2::int8[]) as done (id, seq) where outbox_id = done.id
            )
            update relay_state set last_seq = greatest(last_seq, $3)",
        )
        .bind(rows.iter().map(|row| row.0).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.1).collect::<Vec<_>>())
        .bind(i64::try_from(last_seq)?)
        .execute(conn)
        .await?;
        metrics::counter!("messaging_published_total", "service" => self.service).increment(rows.len() as u64);
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

fn message(service: &str, row: &OutboxRow, expected: u64) -> PublishMessage {
    let event = Event {
        id: row.event_id,
        source: service.to_owned(),
        name: row.event_name.clone(),
        aggregate_id: row.aggregate_id.clone(),
        version: row.version,
        time: row.occurred_at,
        traceparent: row.traceparent.clone(),
        payload: row.payload.clone().into(),
    };
    let id = format!("{}.{}", row.event_id, row.replays);
    PublishMessage::build()
        .headers(headers::write(&event))
        .message_id(id)
        .expected_last_sequence(expected)
        .payload(event.payload)
}
