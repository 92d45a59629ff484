//! A consumer's side of the broker: messages become batches of events, and what was applied is acknowledged.

use anyhow::Context as _;
use async_nats::jetstream::{self, consumer};
use futures::StreamExt as _;

use crate::{bus::REQUEST_TIMEOUT, event::Event, headers};

/// Events applied in one transaction at most.
pub(crate) const BATCH: usize = 500;

/// Messages to be applied together.
#[derive(Default)]
pub(crate) struct Batch {
    /// How many.
    messages: usize,
    /// Those of them that are events.
    pub(crate) events: Vec<Event>,
    /// The last message.
    pub(crate) last: Option<jetstream::Message>,
}

impl Batch {
    /// Where it ends in the stream.
    pub(crate) fn position(&self) -> Option<u64> {
        Some(self.last.as_ref()?.info().ok()?.stream_sequence)
    }
}

/// What the broker delivers, read into the next batch.
pub(crate) struct Source {
    consumer: &'static str,
    messages: consumer::pull::Stream,
    batch: Batch,
    /// Why there will be no more.
    failure: Option<anyhow::Error>,
}

impl Source {
    /// What `messages` bring to `consumer`.
    pub(crate) fn new(consumer: &'static str, messages: consumer::pull::Stream) -> Self {
        Self { consumer, messages, batch: Batch::default(), failure: None }
    }

    /// Whether there is nothing to apply yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.failure.is_none() && self.batch.messages == 0
    }

    /// Whether the batch has room, and there is something to wait for.
    pub(crate) fn reads_on(&self) -> bool {
        self.failure.is_none() && self.batch.messages < BATCH
    }

    /// Reads one message. May be cut short while it waits.
    pub(crate) async fn read(&mut self) {
        let message = match self.messages.next().await {
            Some(Ok(message)) => message,
            Some(Err(error)) => {
                self.failure = Some(anyhow::Error::new(error).context("cannot fetch events"));
                return;
            }
            None => {
                self.failure = Some(anyhow::anyhow!("the fetch ended"));
                return;
            }
        };
        match headers::read(&message) {
            Ok(event) => self.batch.events.push(event),
            Err(error) => {
                let subject = message.subject.as_str();
                tracing::error!(subject, error = format!("{error:#}"), "not an event of ours; passed over");
                metrics::counter!("messaging_foreign_messages_total", "consumer" => self.consumer).increment(1);
            }
        }
        self.batch.messages += 1;
        self.batch.last = Some(message);
    }

    /// The batch, or why nothing can be read any more.
    pub(crate) fn take(&mut self) -> anyhow::Result<Batch> {
        self.failure.take().map_or_else(|| Ok(std::mem::take(&mut self.batch)), Err)
    }
}

/// An acknowledgement under way.
pub(crate) type Acking = Option<tokio::task::JoinHandle<anyhow::Result<()>>>;

/// Tells the broker that everything up to a message is done, and hears that it knows.
pub(crate) async fn acknowledge(last: jetstream::Message) -> anyhow::Result<()> {
    let acked = tokio::time::timeout(REQUEST_TIMEOUT, last.double_ack()).await;
    acked
        .context("acknowledgement not confirmed in time")?
        .map_err(|error| anyhow::anyhow!("cannot acknowledge: {error}"))
}

/// Waits until the acknowledgement under way is confirmed, if there is one. May be cut short.
pub(crate) async fn settle(acking: &mut Acking) -> anyhow::Result<()> {
    let Some(under_way) = acking else { return Ok(()) };
    let done = under_way.await;
    *acking = None;
    done.context("cannot acknowledge")?
}
