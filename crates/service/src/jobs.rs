//! Work that comes back by the clock: sweeps, deadlines, hand-overs.

use std::{convert::Infallible, future::Future, pin::Pin, sync::Arc, time::Duration};

use futures::FutureExt as _;
use sqlx::{Connection as _, PgConnection, PgPool};
use tokio_util::sync::CancellationToken;

type Work = dyn Fn() -> Pin<Box<dyn Future<Output = anyhow::Result<()>> + Send>> + Send + Sync;

/// Work done again and again, by one copy of the service at a time.
#[derive(Clone)]
pub struct Job {
    /// Its name, unique within the service.
    pub name: &'static str,
    /// Pause between the end of one round and the start of the next.
    pub every: Duration,
    work: Arc<Work>,
}

impl Job {
    /// A job that runs `work` once a round. Each round does a bounded amount and may be repeated or cut short at any
    /// point without harm.
    pub fn new<F, Fut>(name: &'static str, every: Duration, work: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        Self { name, every, work: Arc::new(move || Box::pin(work())) }
    }

    /// One round, now. For tests and for those who cannot wait.
    ///
    /// # Errors
    /// What the work says.
    pub async fn run_once(&self) -> anyhow::Result<()> {
        (self.work)().await
    }

    /// Rounds until cancelled.
    pub(crate) async fn run(self, pool: PgPool, cancel: CancellationToken) {
        while !cancel.is_cancelled() {
            tokio::select! {
                () = cancel.cancelled() => break,
                Err(error) = self.lead(&pool) => {
                    tracing::warn!(job = self.name, error = format!("{error:#}"), "job interrupted");
                }
            }
            tokio::select! {
                () = cancel.cancelled() => break,
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
            }
        }
    }

    async fn try_lock(&self, conn: &mut PgConnection) -> sqlx::Result<bool> {
        sqlx::query_scalar("-- job_lock\nselect pg_try_advisory_lock(hashtextextended('job ' || $1, 0))")
            .bind(self.name)
            .fetch_one(conn)
            .await
    }

    /// Stands by while another copy does the job, then does it. Ends only with an error of the lock's connection.
    async fn lead(&self, pool: &PgPool) -> anyhow::Result<Infallible> {
        let mut lock = PgConnection::connect_with(&pool.connect_options()).await?;
        while !self.try_lock(&mut lock).await? {
            tokio::time::sleep(self.every.max(Duration::from_secs(1))).await;
        }
        loop {
            let round = std::panic::AssertUnwindSafe(self.run_once()).catch_unwind().await;
            match round {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!(job = self.name, error = format!("{error:#}"), "job round failed"),
                Err(_) => tracing::error!(job = self.name, "job round panicked"),
            }
            tokio::time::sleep(self.every).await;
            lock.ping().await?;
        }
    }
}
