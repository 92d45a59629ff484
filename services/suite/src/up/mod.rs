#![doc = "`shopfloor up`: the whole suite on one machine, with its own Postgres and NATS and a demo company at work."]
//!
//! Reading order: [`home`] (folder and secrets), [`children`] (the two servers), [`store`] (roles and databases),
//! [`suite`] (all services in this process), [`work`] (administrator, shop key, demo company), [`summary`].

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use service::config::HostConfig;
use service::telemetry;

use crate::demo::scale::Scale;
use crate::process::asked_to_end;
use crate::say;
use crate::services::Settings;

pub mod children;
pub mod home;
pub mod latency;
pub mod store;
pub mod suite;
pub mod summary;
pub mod work;

/// `shopfloor up`
#[derive(Debug, Clone, Args)]
pub struct UpArgs {
    /// Folder for data, logs and secrets [default: /var/lib/shopfloor as root, else ~/.local/share/shopfloor]
    #[arg(long, env = "SHOPFLOOR_HOME", value_name = "DIR")]
    pub home: Option<PathBuf>,
    /// Size of the demo company
    #[arg(long, value_enum, default_value = "small", env = "SHOPFLOOR_DEMO_SCALE")]
    pub scale: Scale,
    /// Load no demo company
    #[arg(long, env = "SHOPFLOOR_NO_DEMO")]
    pub no_demo: bool,
    /// End after the main job: 0 when its figures fit together, else 1
    #[arg(long, env = "SHOPFLOOR_ONCE")]
    pub once: bool,
    /// Port of the HTTP API
    #[arg(long, env = "SHOPFLOOR_HTTP_PORT", default_value_t = 8080)]
    pub http_port: u16,
    /// Port of gRPC
    #[arg(long, env = "SHOPFLOOR_GRPC_PORT", default_value_t = 7070)]
    pub grpc_port: u16,
    /// Port of /metrics, /healthz and /readyz
    #[arg(long, env = "SHOPFLOOR_OPS_PORT", default_value_t = 9090)]
    pub ops_port: u16,
    /// Port of the private Postgres
    #[arg(long, env = "SHOPFLOOR_POSTGRES_PORT", default_value_t = 7432)]
    pub postgres_port: u16,
    /// Port of the private NATS
    #[arg(long, env = "SHOPFLOOR_NATS_PORT", default_value_t = 7422)]
    pub nats_port: u16,
    /// Currency of the company, ISO 4217; for all services
    #[arg(id = "company_currency", long = "currency", env = "SHOPFLOOR_CURRENCY", default_value = "RUB")]
    pub currency: String,
    /// Time zone of the company; for all services
    #[arg(id = "company_zone", long = "zone", env = "SHOPFLOOR_ZONE", default_value = "Europe/Moscow")]
    pub zone: String,
    /// Address of an OTLP/gRPC collector for traces; none means traces are not exported
    #[arg(long, env = "SHOPFLOOR_OTLP_URL")]
    pub otlp_url: Option<String>,
    /// Share of new traces that is recorded, 0 to 1
    #[arg(long, env = "SHOPFLOOR_TRACE_RATIO", default_value_t = 0.01)]
    pub trace_ratio: f64,
    /// What is logged, as a tracing filter
    #[arg(long, env = "SHOPFLOOR_LOG", default_value = "warn,sqlx=error")]
    pub log: String,
    /// `text` for people, `json` for machines
    #[arg(long, env = "SHOPFLOOR_LOG_FORMAT", default_value = "text", value_parser = ["text", "json"])]
    pub log_format: String,
    #[command(flatten)]
    settings: Settings,
}

impl UpArgs {
    /// The arguments as if nothing was said on the command line. For tests.
    #[must_use]
    pub fn defaults() -> Self {
        #[derive(clap::Parser)]
        struct Only {
            #[command(flatten)]
            args: UpArgs,
        }
        <Only as clap::Parser>::parse_from(["up"]).args
    }

    /// Settings of the process; addresses of the parts are put in by [`suite`].
    #[must_use]
    pub fn host(&self, nats_url: String, internal_secret: String) -> HostConfig {
        let loopback = |port| std::net::SocketAddr::from(([127, 0, 0, 1], port));
        HostConfig {
            grpc_addr: loopback(self.grpc_port),
            ops_addr: loopback(self.ops_port),
            nats_url,
            nats_replicas: 1,
            nats_max_age_days: 7,
            outbox_retention_days: 0,
            identity_url: format!("http://127.0.0.1:{}", self.grpc_port),
            internal_secret,
            db_connections: 10,
            rpc_deadline_seconds: 60,
            otlp_url: self.otlp_url.clone(),
            trace_ratio: self.trace_ratio,
            log_format: self.log_format.clone(),
            log: self.log.clone(),
        }
    }
}

/// Runs the suite until asked to end, or, with `--once`, until the main job is done. `false`: with `--once`, the figures do
/// not fit, or the job was broken off.
pub async fn run(args: UpArgs) -> anyhow::Result<bool> {
    let begun = Instant::now();
    let logging = args.host(String::new(), String::new());
    let telemetry = telemetry::init(&logging, "shopfloor-up")?;
    let mut end = Box::pin(asked_to_end());
    let mut suite = tokio::select! {
        suite = Box::pin(suite::Suite::start(&args)) => suite?,
        result = &mut end => return result.map(|()| !args.once),
    };
    say::line(&format!("All services run after {:.1} s.", begun.elapsed().as_secs_f32()))?;
    let done = tokio::select! {
        done = Box::pin(work::main_job(&mut suite, &args)) => Some(done),
        result = &mut end => { result?; None }
    };
    let good = match done {
        Some(Ok(good)) => {
            if !args.once {
                // Somebody may have closed the terminal; the suite runs on.
                say::line("\nCtrl-C ends it.").ok();
                end.await?;
            }
            good
        }
        Some(Err(error)) => {
            suite.stop().await?;
            return Err(error);
        }
        None => false,
    };
    say::line("Ending.").ok();
    suite.stop().await?;
    telemetry.shutdown();
    Ok(good || !args.once)
}
