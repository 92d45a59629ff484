#![doc = "`shopfloor serve`: services against given Postgres and NATS, as in a cluster."]

use std::collections::BTreeMap;

use clap::Args;
use service::config::HostConfig;
use service::{Clock, telemetry};

use crate::process::{self, Listeners, bind};
use crate::services::{Name, Settings};

/// `shopfloor serve`
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Services to run in this process.
    #[arg(required = true, value_enum)]
    names: Vec<Name>,
    #[command(flatten)]
    host: HostConfig,
    #[command(flatten)]
    databases: Databases,
    #[command(flatten)]
    settings: Settings,
}

/// Where each service's database is: `postgres://user:password@host:port/database`.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Databases")]
pub struct Databases {
    /// Database of orders
    #[arg(long, env = "SHOPFLOOR_ORDERS_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    orders_database_url: Option<String>,
    /// Database of erp
    #[arg(long, env = "SHOPFLOOR_ERP_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    erp_database_url: Option<String>,
    /// Database of crm
    #[arg(long, env = "SHOPFLOOR_CRM_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    crm_database_url: Option<String>,
    /// Database of kpi
    #[arg(long, env = "SHOPFLOOR_KPI_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    kpi_database_url: Option<String>,
    /// Database of tasks
    #[arg(long, env = "SHOPFLOOR_TASKS_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    tasks_database_url: Option<String>,
    /// Database of knowledge
    #[arg(long, env = "SHOPFLOOR_KNOWLEDGE_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    knowledge_database_url: Option<String>,
    /// Database of identity
    #[arg(long, env = "SHOPFLOOR_IDENTITY_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    identity_database_url: Option<String>,
}

impl Databases {
    fn urls(self) -> BTreeMap<Name, String> {
        [
            (Name::Orders, self.orders_database_url),
            (Name::Erp, self.erp_database_url),
            (Name::Crm, self.crm_database_url),
            (Name::Kpi, self.kpi_database_url),
            (Name::Tasks, self.tasks_database_url),
            (Name::Knowledge, self.knowledge_database_url),
            (Name::Identity, self.identity_database_url),
        ]
        .into_iter()
        .filter_map(|(name, url)| Some((name, url?)))
        .collect()
    }
}

/// Runs until Ctrl-C or SIGTERM, then drains.
pub async fn run(args: ServeArgs) -> anyhow::Result<()> {
    args.host.validate()?;
    let words: Vec<_> = args.names.iter().map(|name| name.word()).collect();
    let telemetry = telemetry::init(&args.host, &format!("shopfloor-{}", words.join("+")))?;
    let listeners = Listeners {
        grpc: bind(args.host.grpc_addr, "gRPC", "--grpc-addr (SHOPFLOOR_GRPC_ADDR)").await?,
        ops: bind(args.host.ops_addr, "/metrics", "--ops-addr (SHOPFLOOR_OPS_ADDR)").await?,
        http: if args.names.contains(&Name::Gateway) {
            let setting = "--gateway-http-addr (SHOPFLOOR_GATEWAY_HTTP_ADDR)";
            Some(bind(args.settings.gateway.http_addr, "the HTTP API", setting).await?)
        } else {
            None
        },
    };
    let end = process::asked_to_end();
    let urls = args.databases.urls();
    let process = process::start(&args.host, Clock::system(), &args.names, &urls, &args.settings, listeners).await?;
    tracing::info!(services = ?words, grpc = %process.grpc, ops = %process.ops, http = ?process.http, "ready");
    end.await?;
    tracing::info!("draining");
    process.drain().await;
    telemetry.shutdown();
    Ok(())
}
