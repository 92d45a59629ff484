//! The queue in front of the writers.
//!
//! A writer takes whatever has queued while it was busy with the last transaction, without waiting for more: one order
//! under light load, hundreds under heavy load. The queue is bounded; when it is full callers are told to come back, and
//! nothing grows. A caller who has gone away is stored all the same and simply not answered. Several writers, also in
//! several copies of the service, work side by side: the keys in the database decide.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt as _;
use service::{Deps, Tx, new_id, status};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tonic::{Code, Status};

use crate::{
    config::Config,
    error::Error,
    intake::{
        commands::{self, Cache, Refusal, Taken},
        domain::Draft,
    },
};

/// How often a writer asks for a connection; each time it waits for the pool's patience.
const BEGIN_ATTEMPTS: u32 = 4;

/// Lines of a common order, generously; the queue's room for lines is that many times its room for orders.
const LINES_AN_ORDER: usize = 8;

/// What a caller gets: the result of his order, or why there is none.
type Answer = Result<Result<Taken, Refusal>, Status>;

/// An order that waits for a writer.
struct Waiting {
    draft: Draft,
    trace: String,
    answer: oneshot::Sender<Answer>,
    /// What it takes of the queue's room; given back when it is answered.
    room: Arc<OwnedSemaphorePermit>,
}

/// The way to the writers.
#[derive(Clone)]
pub struct Queue {
    sender: mpsc::Sender<Waiting>,
    /// Counts lines, so that a few enormous orders do not take the memory of thousands of common ones.
    room: Arc<Semaphore>,
    lines: usize,
}

impl Queue {
    /// Starts the writers.
    #[must_use]
    pub fn start(deps: &Deps, config: &Config) -> Self {
        register_metrics();
        let (sender, receiver) = mpsc::channel(config.orders_intake_queue as usize);
        let receiver = Arc::new(Mutex::new(receiver));
        for _ in 0..config.orders_intake_writers {
            let cache = Cache::new(config.clone());
            let (deps, config) = (deps.clone(), config.clone());
            let writer = Writer { deps: deps.clone(), config, receiver: receiver.clone(), cache, looking: false };
            deps.tasks.spawn(writer.work());
        }
        let lines = config.orders_intake_queue as usize * LINES_AN_ORDER;
        Self { sender, room: Arc::new(Semaphore::new(lines)), lines }
    }

    /// Queues orders, all or none, and returns where their answers will come.
    pub(super) fn push(&self, drafts: Vec<Draft>) -> Result<Vec<impl Future<Output = Answer> + Send + use<>>, Status> {
        let mut answers = Vec::with_capacity(drafts.len());
        if drafts.is_empty() {
            return Ok(answers);
        }
        let full = || {
            metrics::counter!("orders_intake_refused_total").increment(1);
            status::exhausted("too many orders are waiting", Duration::from_secs(1))
        };
        let lines: usize = drafts.iter().map(|draft| draft.lines.len()).sum();
        // One call may always have the whole room, however large its orders are.
        let lines = u32::try_from(lines.min(self.lines)).unwrap_or(u32::MAX);
        let room = Arc::new(self.room.clone().try_acquire_many_owned(lines).map_err(|_| full())?);
        let permits = self.sender.try_reserve_many(drafts.len()).map_err(|error| match error {
            mpsc::error::TrySendError::Full(()) => full(),
            mpsc::error::TrySendError::Closed(()) => status::unavailable("the service is going down"),
        })?;
        let trace = messaging::trace::current_traceparent();
        for (permit, draft) in permits.zip(drafts) {
            let (answer, answered) = oneshot::channel();
            permit.send(Waiting { draft, trace: trace.clone(), answer, room: room.clone() });
            answers.push(async move {
                let lost =
                    || status::unavailable("the order may or may not be stored; push it again with the same keys");
                answered.await.unwrap_or_else(|_| Err(lost()))
            });
        }
        Ok(answers)
    }
}

struct Writer {
    deps: Deps,
    config: Config,
    receiver: Arc<Mutex<mpsc::Receiver<Waiting>>>,
    cache: Cache,
    /// Orders came again in the last group: in the next one they are looked for first.
    looking: bool,
}

impl Writer {
    /// Works until the process drains and nothing waits any more.
    async fn work(mut self) {
        let most = self.config.orders_intake_batch as usize;
        loop {
            let mut group = Vec::new();
            {
                let mut receiver = self.receiver.lock().await;
                tokio::select! {
                    biased;
                    _ = receiver.recv_many(&mut group, most) => {}
                    () = self.deps.cancel.cancelled() => {
                        receiver.close();
                        receiver.recv_many(&mut group, most).await;
                    }
                }
            }
            if group.is_empty() {
                return;
            }
            metrics::histogram!("orders_intake_group_size").record(u32::try_from(group.len()).unwrap_or(u32::MAX));
            let done = AssertUnwindSafe(self.store(group)).catch_unwind().await;
            if done.is_err() {
                // The callers of the group are told to push again; the others must not suffer.
                tracing::error!("an intake writer panicked");
                self.cache = Cache::new(self.config.clone());
            }
        }
    }

    /// Stores a group; when that fails through one of them, each by itself, so that the others come through.
    async fn store(&mut self, group: Vec<Waiting>) {
        match self.attempts(&group, self.looking).await {
            Ok(results) => {
                self.looking = results.iter().flatten().any(|taken| taken.duplicate);
                for (waiting, result) in group.into_iter().zip(results) {
                    answer(waiting, Ok(result));
                }
            }
            Err(status) if group.len() == 1 || is_away(&status) => {
                for waiting in group {
                    answer(waiting, Err(status.clone()));
                }
            }
            Err(_) => {
                for waiting in group {
                    let one = std::slice::from_ref(&waiting);
                    let result = self.attempts(one, true).await.and_then(|mut results| {
                        results.pop().ok_or_else(|| status::unavailable("the order could not be stored"))
                    });
                    answer(waiting, result);
                }
            }
        }
    }

    /// At most two transactions: when an order was there, or another writer was faster, the second one sees it.
    async fn attempts(&mut self, group: &[Waiting], looking: bool) -> Result<Vec<Result<Taken, Refusal>>, Status> {
        match self.attempt(group, looking).await {
            Err(status) if status.code() == Code::Aborted => self.attempt(group, true).await,
            other => other,
        }
    }

    /// A transaction; patient when all connections are busy, since the whole group would have to come again otherwise.
    async fn begin(&self) -> Result<Tx, sqlx::Error> {
        for _ in 1..BEGIN_ATTEMPTS {
            match self.deps.db.begin().await {
                Err(sqlx::Error::PoolTimedOut) => tracing::warn!("orders wait for a database connection"),
                other => return other,
            }
        }
        self.deps.db.begin().await
    }

    /// One transaction.
    async fn attempt(&mut self, group: &[Waiting], looking: bool) -> Result<Vec<Result<Taken, Refusal>>, Status> {
        let drafts: Vec<_> = group.iter().map(|waiting| (&waiting.draft, waiting.trace.as_str())).collect();
        let now = self.deps.clock.now();
        let mut tx = self.begin().await.map_err(status::from_sqlx)?;
        let results = commands::take(&mut tx, &mut self.cache, &drafts, looking, new_id, now).await?;
        tx.commit().await.map_err(|error| Status::from(Error::from(error)))?;
        Ok(results)
    }
}

/// Makes the counters known at zero, so that a quiet day is a figure and not a gap.
fn register_metrics() {
    metrics::counter!("orders_intake_refused_total").increment(0);
    for outcome in ["accepted", "duplicate", "refused", "failed"] {
        metrics::counter!("orders_intake_total", "outcome" => outcome).increment(0);
    }
}

/// Trying each order by itself would not help.
fn is_away(status: &Status) -> bool {
    matches!(status.code(), Code::Unavailable | Code::ResourceExhausted)
}

fn answer(waiting: Waiting, result: Answer) {
    let outcome = match &result {
        Ok(Ok(taken)) if taken.duplicate => "duplicate",
        Ok(Ok(_)) => "accepted",
        Ok(Err(_)) => "refused",
        Err(_) => "failed",
    };
    metrics::counter!("orders_intake_total", "outcome" => outcome).increment(1);
    let Waiting { answer, room, .. } = waiting;
    drop(room);
    // The caller may have gone; the order stays.
    let _ = answer.send(result);
}
