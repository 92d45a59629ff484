//! Which events a service listens to, and what it does with them.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use sqlx::PgConnection;

use crate::event::Event;

/// What a service does with the events of another.
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    /// Applies events, given in stream order, in the transaction of `conn`. Duplicates are already gone.
    ///
    /// An error means *try again*: the transaction is rolled back, then each event is applied by itself, and those that
    /// still fail are set aside. A refusal for a business reason is not an error but a recorded state or an event.
    async fn apply(&self, conn: &mut PgConnection, events: &[Event]) -> anyhow::Result<()>;
}

/// Which events a service listens to.
#[derive(Clone)]
pub struct Subscription {
    /// Name of the durable consumer and key of its inbox, for example `erp_orders`.
    pub consumer: &'static str,
    /// Service whose events they are.
    pub source: &'static str,
    /// Names of the facts.
    pub events: &'static [&'static str],
    /// What to do with them.
    pub handler: Arc<dyn Handler>,
    /// See [`Subscription::gathering`].
    pub(crate) gather: Duration,
}

/// How far apart batches are that may wait for company: as far as "within a second" allows an event that is told on twice.
const GATHER: Duration = Duration::from_millis(400);

impl Subscription {
    /// Listens to `events` of `source`.
    pub fn new(
        consumer: &'static str,
        source: &'static str,
        events: &'static [&'static str],
        handler: impl Handler,
    ) -> Self {
        Self { consumer, source, events, handler: Arc::new(handler), gather: Duration::ZERO }
    }

    /// For whoever need not know at once: batches begin at least 0.4 s apart, unless one is full.
    ///
    /// A transaction costs the same for one event as for a hundred. An event after a pause is still applied at once; only
    /// in a stream of them do the next ones wait for company.
    #[must_use]
    pub fn gathering(mut self) -> Self {
        self.gather = GATHER;
        self
    }
}

/// True when the error says nothing about the event but that the database cannot be used now.
pub(crate) fn is_database_away(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| match cause.downcast_ref::<sqlx::Error>() {
        Some(
            sqlx::Error::Io(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::Protocol(_),
        ) => true,
        // Class 57: operator intervention (shutdown, starting up); 53: out of resources; 08: connection;
        // 40: rolled back in favour of another transaction.
        Some(sqlx::Error::Database(error)) => {
            error.code().is_some_and(|code| ["57", "53", "08", "40"].iter().any(|class| code.starts_with(class)))
        }
        _ => false,
    })
}
