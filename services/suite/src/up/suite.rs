#![doc = "All services in this process over the two private servers."]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use service::config::HostConfig;
use service::{Clock, InternalTokens};
use time::OffsetDateTime;
use types::Currency;

use super::UpArgs;
use super::children::Children;
use super::home::{Home, default_path};
use super::store;
use crate::client::api::Api;
use crate::client::session::{Credentials, Mint};
use crate::process::{self, Listeners, Process, bind};
use crate::services::{Name, Settings};

/// A running suite.
pub struct Suite {
    /// The home folder.
    pub home: Home,
    /// The services.
    pub process: Process,
    /// Postgres and NATS.
    pub children: Children,
    /// Where each service's database is.
    pub databases: BTreeMap<Name, String>,
    host: HostConfig,
    settings: Settings,
    http: SocketAddr,
}

impl Suite {
    /// Starts everything as the command line says; returns once it takes calls.
    pub async fn start(args: &UpArgs) -> anyhow::Result<Self> {
        one_company(args, "")?;
        let path = match &args.home {
            Some(path) => path.clone(),
            None => default_path()?,
        };
        let home = Home::open(&path)?;
        let listeners = listeners(args).await?;
        let children = Children::start(&home, args.postgres_port, args.nats_port).await?;
        Self::over(home, children, listeners, args).await
    }

    /// Starts all services over servers that run.
    pub async fn over(home: Home, children: Children, listeners: Listeners, args: &UpArgs) -> anyhow::Result<Self> {
        let grpc = format!("http://{}", listeners.grpc.local_addr()?);
        let databases: BTreeMap<Name, String> = store::ensure_databases(&children.postgres.admin_url(), &home.secrets)
            .await?
            .into_iter()
            .map(|(name, database)| {
                let password = &home.secrets.database_passwords[name.word()];
                (name, children.postgres.url_as(&store::role(name), password, &database))
            })
            .collect();
        let mut host = args.host(children.nats.url(), home.secrets.internal_secret.clone());
        host.identity_url.clone_from(&grpc);
        let settings = one_company(args, &grpc)?;
        let process = process::start(&host, Clock::system(), &Name::ALL, &databases, &settings, listeners).await?;
        store::open_to_reader(&databases[&Name::Kpi]).await?;
        let http = process.http.unwrap_or(process.grpc);
        Ok(Self { home, process, children, databases, host, settings, http })
    }

    /// Runs a second copy of every service beside the first, on free ports.
    pub async fn another_copy(&self) -> anyhow::Result<Process> {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let listeners = Listeners {
            grpc: bind(any, "gRPC", "").await?,
            ops: bind(any, "/metrics", "").await?,
            http: Some(bind(any, "the HTTP API", "").await?),
        };
        let grpc = format!("http://{}", listeners.grpc.local_addr()?);
        let mut settings = self.settings.clone();
        at_address(&mut settings, &grpc);
        process::start(&self.host, Clock::system(), &Name::ALL, &self.databases, &settings, listeners).await
    }

    /// Address of the HTTP API.
    pub fn http(&self) -> String {
        format!("http://{}", self.http)
    }

    /// A client that may do everything, with the suite's own token.
    pub fn staff(&self) -> anyhow::Result<Api> {
        self.staff_at(&self.http())
    }

    /// The same at another copy's HTTP API.
    pub fn staff_at(&self, http: &str) -> anyhow::Result<Api> {
        let tokens = InternalTokens::new("suite", &self.home.secrets.internal_secret);
        let mint: Mint = Arc::new(move || tokens.token(&["*"], OffsetDateTime::now_utc()));
        Api::new(http, Credentials::Own(mint))
    }

    /// Drains the services, then ends the servers.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.process.drain().await;
        self.children.stop().await
    }
}

/// Takes the three addresses of the command line; port 0 means any free one.
pub async fn listeners(args: &UpArgs) -> anyhow::Result<Listeners> {
    let loopback = |port| SocketAddr::from(([127, 0, 0, 1], port));
    Ok(Listeners {
        grpc: bind(loopback(args.grpc_port), "gRPC", "--grpc-port (SHOPFLOOR_GRPC_PORT)").await?,
        ops: bind(loopback(args.ops_port), "/metrics", "--ops-port (SHOPFLOOR_OPS_PORT)").await?,
        http: Some(bind(loopback(args.http_port), "the HTTP API", "--http-port (SHOPFLOOR_HTTP_PORT)").await?),
    })
}

/// One currency, one zone, and everybody at this process's address.
fn one_company(args: &UpArgs, grpc: &str) -> anyhow::Result<Settings> {
    let mut settings = args.settings.clone();
    let currency = Currency::parse(&args.currency).map_err(|_| {
        anyhow::anyhow!("--currency (SHOPFLOOR_CURRENCY) {:?} is not an ISO 4217 code such as RUB", args.currency)
    })?;
    settings.kpi.kpi_currency = currency;
    settings.erp.currency.clone_from(&args.currency);
    settings.crm.crm_currency.clone_from(&args.currency);
    settings.erp.zone.clone_from(&args.zone);
    settings.kpi.kpi_time_zone.clone_from(&args.zone);
    at_address(&mut settings, grpc);
    Ok(settings)
}

fn at_address(settings: &mut Settings, grpc: &str) {
    settings.orders.crm_url = grpc.to_owned();
    settings.gateway.backend = grpc.to_owned();
}
