#![doc = "Postgres and NATS as children: started, watched, started again when they die."]

use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use backing::{Nats, NatsOptions, Postgres, PostgresOptions};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::home::Home;

/// The two servers.
pub struct Children {
    /// Postgres.
    pub postgres: Arc<Postgres>,
    /// NATS.
    pub nats: Arc<Nats>,
    cancel: CancellationToken,
    watchers: TaskTracker,
}

impl Children {
    /// Starts both, at the same time, and watches them. Port 0 means any free one.
    pub async fn start(home: &Home, postgres_port: u16, nats_port: u16) -> anyhow::Result<Self> {
        let mut postgres = PostgresOptions::durable(home.path().join("postgres"));
        let mut nats = NatsOptions::durable(home.path().join("nats"));
        if postgres_port != 0 {
            free(postgres_port, "Postgres", "--postgres-port (SHOPFLOOR_POSTGRES_PORT)").await?;
            postgres = postgres.port(postgres_port);
        }
        if nats_port != 0 {
            free(nats_port, "NATS", "--nats-port (SHOPFLOOR_NATS_PORT)").await?;
            nats = nats.port(nats_port);
        }
        Self::run(postgres, nats).await
    }

    /// Starts servers that leave nothing behind. For tests.
    pub async fn throw_away() -> anyhow::Result<Self> {
        Self::run(PostgresOptions::throw_away(), NatsOptions::throw_away()).await
    }

    async fn run(postgres: PostgresOptions, nats: NatsOptions) -> anyhow::Result<Self> {
        let (postgres, nats) = (Postgres::start(postgres), Nats::start(nats));
        let (postgres, nats) = tokio::join!(postgres, nats);
        let children = Self {
            postgres: Arc::new(postgres.context("Postgres cannot be started")?),
            nats: Arc::new(nats.context("NATS cannot be started")?),
            cancel: CancellationToken::new(),
            watchers: TaskTracker::new(),
        };
        children.watch();
        Ok(children)
    }

    fn watch(&self) {
        let (postgres, cancel) = (self.postgres.clone(), self.cancel.clone());
        self.watchers.spawn(async move {
            loop {
                tokio::select! { () = cancel.cancelled() => return, () = postgres.exited() => {} }
                tracing::warn!("Postgres has ended; starting it again");
                while let Err(error) = postgres.restart().await {
                    tracing::error!(error = format!("{error:#}"), "Postgres cannot be started again");
                    tokio::select! { () = cancel.cancelled() => return, () = tokio::time::sleep(Duration::from_secs(1)) => {} }
                }
            }
        });
        let (nats, cancel) = (self.nats.clone(), self.cancel.clone());
        self.watchers.spawn(async move {
            loop {
                tokio::select! { () = cancel.cancelled() => return, () = nats.exited() => {} }
                tracing::warn!("NATS has ended; starting it again");
                while let Err(error) = nats.restart().await {
                    tracing::error!(error = format!("{error:#}"), "NATS cannot be started again");
                    tokio::select! { () = cancel.cancelled() => return, () = tokio::time::sleep(Duration::from_secs(1)) => {} }
                }
            }
        });
    }

    /// Ends both in good order.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.cancel.cancel();
        self.watchers.close();
        self.watchers.wait().await;
        self.nats.stop().await?;
        self.postgres.stop().await
    }
}

/// Says which port is taken before a server fails over it. A server that an earlier run left behind is no reason: it is
/// ended when its folder is taken over, so its port may be in use for a moment more.
async fn free(port: u16, what: &str, setting: &str) -> anyhow::Result<()> {
    for _ in 0..20 {
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    bail!("port {port} is taken by another program, so {what} cannot listen there; choose another with {setting}")
}
