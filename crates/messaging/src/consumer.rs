//! The consume loop: batches in one transaction, single events when a batch fails, order per aggregate always.
//!
//! One copy of a service at a time runs a consumer (advisory lock); the others stand by. That, together with an
//! acknowledgement that covers everything up to a message, keeps the stream's order. When a copy takes over it sets the
//! broker's consumer back to what was acknowledged, so nothing that a dead copy had fetched is overtaken.

use std::{borrow::Cow, time::Duration};

use anyhow::{Context as _, bail};
use async_nats::jetstream::{self, consumer, stream::LastRawMessageErrorKind};
use futures::FutureExt as _;
use sqlx::{Connection as _, PgConnection, PgPool};
use time::OffsetDateTime;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::{
    bus::{Bus, stream_name},
    dead_letter,
    event::{Event, subject},
    inbox,
    source::{BATCH, Batch, Source, acknowledge, settle},
    subscription::{Subscription, is_database_away},
    trace,
};

/// How often dead letters are looked at, and another copy's office is asked for.
const TICK: Duration = Duration::from_secs(2);
/// After how long without events the broker is asked whether it really has none.
const DOUBT: Duration = Duration::from_secs(6);

/// Runs one subscription.
pub struct Consumer {
    subscription: Subscription,
    pool: PgPool,
    bus: Bus,
    wake: crate::Wake,
}

impl Consumer {
    /// A consumer that applies events to the database of `pool` and calls `wake` after each commit.
    #[must_use]
    pub fn new(subscription: Subscription, pool: PgPool, bus: Bus, wake: crate::Wake) -> Self {
        Self { subscription, pool, bus, wake }
    }

    /// Works until cancelled. Never fails: what goes wrong is logged and tried again.
    pub async fn run(self, cancel: CancellationToken) {
        let mut pause = Duration::from_millis(100);
        while !cancel.is_cancelled() {
            let Err(error) = self.lead(&cancel, &mut pause).await else { break };
            let consumer = self.subscription.consumer;
            tracing::warn!(consumer, error = format!("{error:#}"), "consumer interrupted");
            pause = (pause * 2).min(Duration::from_secs(2));
            tokio::select! {
                () = cancel.cancelled() => break,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Stands by while another copy leads, then leads. Returns `Ok` on cancellation only.
    async fn lead(&self, cancel: &CancellationToken, pause: &mut Duration) -> anyhow::Result<()> {
        let options = self.pool.connect_options();
        let mut lock = PgConnection::connect_with(&options).await.context("cannot reach the database")?;
        while !self.try_lock(&mut lock).await? {
            *pause = Duration::from_millis(100);
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                () = tokio::time::sleep(TICK) => {}
            }
        }
        let mut connects = self.bus.connects();
        connects.borrow_and_update();
        let (consumer, position) = tokio::select! {
            () = cancel.cancelled() => return Ok(()),
            attached = self.attach() => attached?,
        };
        let messages = consumer
            .stream()
            .max_messages_per_batch(2 * BATCH)
            .expires(Duration::from_secs(30))
            .heartbeat(Duration::from_secs(5))
            .messages()
            .await
            .context("cannot fetch events")?;
        *pause = Duration::from_millis(100);
        let source = Source::new(self.subscription.consumer, messages);
        self.work(lock, connects, source, position, cancel).await
    }

    /// Batch after batch: one is applied while the acknowledgement of the one before is confirmed and the next is read.
    async fn work(
        &self,
        mut lock: PgConnection,
        mut connects: watch::Receiver<u64>,
        mut source: Source,
        mut position: u64,
        cancel: &CancellationToken,
    ) -> anyhow::Result<()> {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut next_batch = tokio::time::Instant::now();
        let (mut heard, mut looked_at, mut acking) = (tokio::time::Instant::now(), position, None);
        loop {
            tokio::select! {
                biased;
                () = cancel.cancelled() => return settle(&mut acking).await,
                _ = connects.changed() => bail!("broker reconnected"),
                _ = tick.tick() => {
                    lock.ping().await.context("lost the office")?;
                    dead_letter::retry_due(&self.pool, &self.subscription, OffsetDateTime::now_utc()).await?;
                    self.wake.wake();
                    if source.is_empty() && heard.elapsed() > DOUBT {
                        heard = tokio::time::Instant::now();
                        looked_at = self.doubt(position, looked_at).await?;
                    }
                    continue;
                }
                done = settle(&mut acking), if acking.is_some() => { done?; continue }
                () = source.read(), if source.is_empty() => {}
                () = std::future::ready(()), if !source.is_empty() => {}
            }
            // What is there comes first; then what comes until the batch may begin.
            while source.reads_on() {
                tokio::select! {
                    biased;
                    () = source.read() => {}
                    () = cancel.cancelled() => break,
                    () = tokio::time::sleep_until(next_batch) => break,
                }
            }
            let batch = source.take()?;
            next_batch = tokio::time::Instant::now() + self.subscription.gather;
            position = batch.position().unwrap_or(position);
            let last = self.take(batch, &mut source, cancel).await?;
            // It covers all messages before it and is itself confirmed.
            settle(&mut acking).await?;
            acking = last.map(|last| tokio::spawn(acknowledge(last)));
            // Counted from here, because what came in the meantime is still to be looked at.
            heard = tokio::time::Instant::now();
        }
    }

    async fn try_lock(&self, conn: &mut PgConnection) -> sqlx::Result<bool> {
        sqlx::query_scalar("-- consumer_lock\nselect pg_try_advisory_lock(hashtextextended($1, 0))")
            .bind(self.subscription.consumer)
            .fetch_one(conn)
            .await
    }

    /// Whether the broker holds back events after `position`: seen of a server that had just restarted, for a consumer
    /// made while events came in. Looks only when the stream has grown since `looked_at`; returns how far it looked.
    ///
    /// # Errors
    /// When there are such events, so that everything begins anew, or when the broker does not answer.
    async fn doubt(&self, position: u64, looked_at: u64) -> anyhow::Result<u64> {
        let stream = self.bus.stream(self.subscription.source).await?;
        let last = stream.cached_info().state.last_sequence;
        if last <= looked_at.max(position) {
            return Ok(last);
        }
        for event in self.subscription.events {
            match stream.get_last_raw_message_by_subject(&subject(self.subscription.source, event)).await {
                Ok(newest) if newest.sequence > position => bail!("the broker holds back events after {position}"),
                Ok(_) => {}
                Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => {}
                Err(error) => return Err(error).context("cannot ask for the newest event"),
            }
        }
        Ok(last)
    }

    /// The broker's durable consumer, set back to what was acknowledged, and where that is.
    async fn attach(&self) -> anyhow::Result<(consumer::PullConsumer, u64)> {
        let stream = self.bus.stream(self.subscription.source).await?;
        let name = self.subscription.consumer;
        let found = stream.get_consumer::<consumer::pull::Config>(name).await;
        let (deliver_policy, position) = match found {
            Ok(mut found) => {
                let floor =
                    found.info().await.context("cannot ask for the consumer's state")?.ack_floor.stream_sequence;
                stream.delete_consumer(name).await.context("cannot reset the consumer")?;
                (consumer::DeliverPolicy::ByStartSequence { start_sequence: floor + 1 }, floor)
            }
            Err(_) => (consumer::DeliverPolicy::All, 0),
        };
        let config = consumer::pull::Config {
            durable_name: Some(name.to_owned()),
            deliver_policy,
            ack_policy: consumer::AckPolicy::All,
            ack_wait: Duration::from_secs(60),
            max_ack_pending: 4 * BATCH as i64,
            filter_subjects: self
                .subscription
                .events
                .iter()
                .map(|event| subject(self.subscription.source, event))
                .collect(),
            ..Default::default()
        };
        Ok((stream.create_consumer(config).await.context("cannot make the consumer")?, position))
    }

    /// Applies a batch, however often the database has to be asked, and reads on meanwhile. Returns what to acknowledge.
    async fn take(
        &self,
        batch: Batch,
        source: &mut Source,
        cancel: &CancellationToken,
    ) -> anyhow::Result<Option<jetstream::Message>> {
        {
            let work = self.apply(&batch.events, cancel);
            tokio::pin!(work);
            loop {
                tokio::select! {
                    biased;
                    done = &mut work => break done?,
                    () = source.read(), if source.reads_on() => {}
                }
            }
        }
        self.wake.wake();
        self.report(&batch.events, batch.last.as_ref());
        Ok(batch.last)
    }

    async fn apply(&self, events: &[Event], cancel: &CancellationToken) -> anyhow::Result<()> {
        let mut pause = Duration::from_millis(50);
        while let Err(error) = apply_batch(&self.pool, &self.subscription, events).await {
            let consumer = self.subscription.consumer;
            tracing::warn!(consumer, error = format!("{error:#}"), "cannot apply events now; trying again");
            tokio::select! {
                () = cancel.cancelled() => bail!("stopped while applying events"),
                () = tokio::time::sleep(pause) => {}
            }
            pause = (pause * 2).min(Duration::from_secs(2));
        }
        Ok(())
    }

    fn report(&self, events: &[Event], last: Option<&jetstream::Message>) {
        let consumer = self.subscription.consumer;
        let now = OffsetDateTime::now_utc();
        metrics::counter!("messaging_consumed_total", "consumer" => consumer).increment(events.len() as u64);
        let latency = metrics::histogram!("messaging_event_latency_seconds", "consumer" => consumer);
        for event in events {
            latency.record((now - event.time).as_seconds_f64().max(0.0));
        }
        if let Some(info) = last.and_then(|message| message.info().ok()) {
            #[expect(clippy::cast_precision_loss, reason = "a gauge for people to look at")]
            metrics::gauge!("messaging_consumer_lag", "consumer" => consumer).set(info.pending as f64);
        }
    }

    /// Name of the broker's stream this consumer reads, with its own name, for status questions.
    pub(crate) async fn pending(bus: &Bus, source: &str, consumer: &str) -> anyhow::Result<i64> {
        let mut found: consumer::PullConsumer =
            bus.jetstream.get_consumer_from_stream(consumer, stream_name(source)).await?;
        let info = found.info().await?;
        Ok(i64::try_from(info.num_pending)? + i64::try_from(info.num_ack_pending)?)
    }
}

/// Applies events as a consumer does, exactly once each: in one transaction, or, when that fails, one by one, setting
/// aside what cannot be applied.
///
/// # Errors
/// Only when the database cannot be used at all; nothing was lost then, and the same call may be made again.
pub async fn apply_batch(pool: &PgPool, subscription: &Subscription, events: &[Event]) -> anyhow::Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    let Err(error) = apply_together(pool, subscription, events).await else { return Ok(()) };
    if is_database_away(&error) {
        return Err(error);
    }
    if events.len() > 1 {
        tracing::info!(
            consumer = subscription.consumer,
            events = events.len(),
            error = format!("{error:#}"),
            "batch failed; applying one by one"
        );
    }
    for event in events {
        let single = std::slice::from_ref(event);
        let Err(error) = apply_together(pool, subscription, single).await else { continue };
        if is_database_away(&error) {
            return Err(error);
        }
        dead_letter::set_aside(pool, subscription.consumer, event, &error, OffsetDateTime::now_utc()).await?;
    }
    Ok(())
}

async fn apply_together(pool: &PgPool, subscription: &Subscription, events: &[Event]) -> anyhow::Result<()> {
    let consumer = subscription.consumer;
    let mut tx = pool.begin().await?;
    let ids: Vec<_> = events.iter().map(|event| event.id).collect();
    let mut new = inbox::mark_new(&mut tx, consumer, &ids).await?;
    let is_wanted = |event: &Event| subscription.events.contains(&event.name.as_str());
    let wanted = if new.len() == events.len() && events.iter().all(is_wanted) {
        Cow::Borrowed(events)
    } else {
        // Taken out, so that an event that is twice in the batch is applied once.
        Cow::Owned(events.iter().filter(|event| new.remove(&event.id) && is_wanted(event)).cloned().collect())
    };
    let free = dead_letter::park_behind(&mut tx, consumer, wanted, OffsetDateTime::now_utc()).await?;
    if !free.is_empty() {
        let (spans, traces) = trace::consume_spans(consumer, &free);
        let parent = spans.first().cloned().unwrap_or_else(tracing::Span::none);
        let work = trace::with_traces(traces, subscription.handler.apply(&mut tx, &free));
        // A panic in a handler is that event's fault, not the loop's.
        let done = std::panic::AssertUnwindSafe(work.instrument(parent)).catch_unwind().await;
        done.unwrap_or_else(|_| Err(anyhow::anyhow!("the handler panicked")))?;
    }
    tx.commit().await?;
    Ok(())
}
