//! An event before it is stored, and as a consumer gets it.

use std::fmt::Display;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use proto::DomainEvent;
use time::OffsetDateTime;
use uuid::Uuid;

/// An event to be appended to the outbox.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// Kind of aggregate, for example `order`.
    pub aggregate_type: &'static str,
    /// Id of the aggregate; order is kept per id.
    pub aggregate_id: String,
    /// The aggregate's version after the change: above zero, one higher for each of its events.
    pub version: i64,
    /// When the fact happened.
    pub occurred_at: OffsetDateTime,
    /// Name of the fact.
    pub name: &'static str,
    /// The encoded message.
    pub payload: Vec<u8>,
    /// See [`NewEvent::caused_by`].
    pub(crate) cause: String,
}

impl NewEvent {
    /// Wraps a service's event message.
    ///
    /// # Panics
    /// When the message's oneof is empty: there is no such fact.
    pub fn of(
        aggregate_type: &'static str,
        aggregate_id: impl Display,
        version: i64,
        occurred_at: OffsetDateTime,
        event: &impl DomainEvent,
    ) -> Self {
        #[expect(clippy::expect_used, reason = "an event without a fact is a bug in the caller, not a state")]
        let name = event.name().expect("the event message holds a fact");
        let aggregate_id = aggregate_id.to_string();
        let cause = String::new();
        Self { aggregate_type, aggregate_id, version, occurred_at, name, payload: event.encode_to_vec(), cause }
    }

    /// Says which event of the batch being applied this one follows from: the id of that event, or of its aggregate.
    ///
    /// Only the trace depends on it. Not needed when both belong to the same aggregate; without it an event of another
    /// aggregate joins the trace of the batch's first event.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Display) -> Self {
        self.cause = cause.to_string();
        self
    }
}

/// An event as a consumer gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its id, the same however often it is sent.
    pub id: Uuid,
    /// Publishing service, for example `orders`.
    pub source: String,
    /// Name of the fact, for example `order_placed`.
    pub name: String,
    /// The aggregate it belongs to.
    pub aggregate_id: String,
    /// The aggregate's version after it.
    pub version: i64,
    /// When the fact happened.
    pub time: OffsetDateTime,
    /// W3C trace context of the cause; empty when there was none.
    pub traceparent: String,
    /// The encoded message.
    pub payload: Bytes,
}

impl Event {
    /// Reads the message.
    ///
    /// # Errors
    /// When the event comes from another service or the bytes are not such a message.
    pub fn decode<E: DomainEvent>(&self) -> anyhow::Result<E> {
        if self.source != E::SERVICE {
            bail!("event {} comes from {}, not from {}", self.id, self.source, E::SERVICE);
        }
        E::decode(self.payload.clone()).with_context(|| format!("event {} ({}) is malformed", self.id, self.name))
    }

    /// The CloudEvents type, for example `shopfloor.orders.v1.order_placed`; also the subject it is published on.
    #[must_use]
    pub fn full_type(&self) -> String {
        subject(&self.source, &self.name)
    }
}

/// The subject of a service's event.
pub(crate) fn subject(service: &str, name: &str) -> String {
    format!("shopfloor.{service}.v1.{name}")
}
