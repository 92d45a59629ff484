//! Settings that every process has. Each is a flag and an environment variable; `--help` is the reference.

use std::{net::SocketAddr, time::Duration};

use clap::Args;
use messaging::Retention;

/// Settings of the process, whatever services it hosts.
#[derive(Args, Clone, Debug)]
pub struct HostConfig {
    /// Address the gRPC services listen on
    #[arg(long, env = "SHOPFLOOR_GRPC_ADDR", default_value = "127.0.0.1:7070", help_heading = "Process")]
    pub grpc_addr: SocketAddr,

    /// Address for /metrics, /healthz and /readyz
    #[arg(long, env = "SHOPFLOOR_OPS_ADDR", default_value = "127.0.0.1:9090", help_heading = "Process")]
    pub ops_addr: SocketAddr,

    /// Address of the NATS server with JetStream, version 2.10 or newer
    #[arg(long, env = "SHOPFLOOR_NATS_URL", default_value = "nats://127.0.0.1:4222", help_heading = "Process")]
    pub nats_url: String,

    /// Copies of each event stream in a NATS cluster (1 or 3)
    #[arg(long, env = "SHOPFLOOR_NATS_REPLICAS", default_value_t = 1, help_heading = "Process")]
    pub nats_replicas: usize,

    /// Days the event streams keep events (the outboxes keep them on)
    #[arg(long, env = "SHOPFLOOR_NATS_MAX_AGE_DAYS", default_value_t = 7, help_heading = "Process")]
    pub nats_max_age_days: u64,

    /// Days the outboxes keep published events, for replay and for a broker that has lost its data; 0 keeps them for
    /// ever
    #[arg(long, env = "SHOPFLOOR_OUTBOX_RETENTION_DAYS", default_value_t = 0, help_heading = "Process")]
    pub outbox_retention_days: u64,

    /// gRPC address of the identity service, whose keys tokens are checked with
    #[arg(long, env = "SHOPFLOOR_IDENTITY_URL", default_value = "http://127.0.0.1:7070", help_heading = "Process")]
    pub identity_url: String,

    /// Secret shared by all services of the suite, at least 32 characters; they sign calls to each other with it
    #[arg(long, env = "SHOPFLOOR_INTERNAL_SECRET", hide_env_values = true, help_heading = "Process")]
    pub internal_secret: String,

    /// Connections each service may hold to its database
    #[arg(long, env = "SHOPFLOOR_DB_CONNECTIONS", default_value_t = 10, help_heading = "Process")]
    pub db_connections: u32,

    /// Seconds an RPC may take before it is ended with DEADLINE_EXCEEDED
    #[arg(long, env = "SHOPFLOOR_RPC_DEADLINE_SECONDS", default_value_t = 30, help_heading = "Process")]
    pub rpc_deadline_seconds: u64,

    /// Address of an OTLP/gRPC collector for traces; none means traces are not exported
    #[arg(long, env = "SHOPFLOOR_OTLP_URL", help_heading = "Process")]
    pub otlp_url: Option<String>,

    /// Share of new traces that is recorded, 0 to 1; a trace begun by the caller keeps the caller's choice
    #[arg(long, env = "SHOPFLOOR_TRACE_RATIO", default_value_t = 0.01, help_heading = "Process")]
    pub trace_ratio: f64,

    /// `text` for people, `json` for machines
    #[arg(long, env = "SHOPFLOOR_LOG_FORMAT", default_value = "text", value_parser = ["text", "json"], help_heading = "Process")]
    pub log_format: String,

    /// What is logged, as a tracing filter, for example `info,orders=debug`
    #[arg(long, env = "SHOPFLOOR_LOG", default_value = "info", help_heading = "Process")]
    pub log: String,
}

impl HostConfig {
    /// The bound on the time of an RPC.
    #[must_use]
    pub fn rpc_deadline(&self) -> Duration {
        Duration::from_secs(self.rpc_deadline_seconds)
    }

    /// How long events are kept; `None` means for ever.
    #[must_use]
    pub fn retention(&self) -> Option<Retention> {
        let days = |days: u64| Duration::from_secs(days.saturating_mul(24 * 3600));
        (self.outbox_retention_days > 0)
            .then(|| Retention::new(days(self.outbox_retention_days), days(self.nats_max_age_days)))
    }

    /// Checks what flags alone cannot.
    ///
    /// # Errors
    /// A sentence that says what to do.
    pub fn validate(&self) -> anyhow::Result<()> {
        anyhow::ensure!(
            self.internal_secret.len() >= 32,
            "--internal-secret (SHOPFLOOR_INTERNAL_SECRET) has {} characters; give at least 32 random ones, the same for \
             all services",
            self.internal_secret.len()
        );
        anyhow::ensure!(
            (0.0..=1.0).contains(&self.trace_ratio),
            "--trace-ratio (SHOPFLOOR_TRACE_RATIO) is {}; give a number from 0 to 1",
            self.trace_ratio
        );
        anyhow::ensure!(
            self.nats_replicas == 1 || self.nats_replicas == 3,
            "--nats-replicas (SHOPFLOOR_NATS_REPLICAS) is {}; give 1 or 3",
            self.nats_replicas
        );
        anyhow::ensure!(
            self.outbox_retention_days == 0 || self.outbox_retention_days >= self.nats_max_age_days,
            "--outbox-retention-days (SHOPFLOOR_OUTBOX_RETENTION_DAYS) is {}; give 0, or at least the {} days of \
             --nats-max-age-days, so that a lost stream can be filled again",
            self.outbox_retention_days,
            self.nats_max_age_days
        );
        anyhow::ensure!(
            self.db_connections >= 2,
            "--db-connections (SHOPFLOOR_DB_CONNECTIONS) is {}; give at least 2",
            self.db_connections
        );
        Ok(())
    }
}
