#![doc = "All services in this process over the two private servers."]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use service::{Clock, InternalTokens};
use time::OffsetDateTime;

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
    /// Where identity's database is.
    pub identity_url: String,
    http: SocketAddr,
}

impl Suite {
    /// Starts everything; returns once it takes calls.
    pub async fn start(args: &UpArgs) -> anyhow::Result<Self> {
        let path = match &args.home {
            Some(path) => path.clone(),
            None => default_path()?,
        };
        let home = Home::open(&path)?;
        let loopback = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let listeners = Listeners {
            grpc: bind(loopback(args.grpc_port), "gRPC", "--grpc-port (SHOPFLOOR_GRPC_PORT)").await?,
            ops: bind(loopback(args.ops_port), "/metrics", "--ops-port (SHOPFLOOR_OPS_PORT)").await?,
            http: Some(bind(loopback(args.http_port), "the HTTP API", "--http-port (SHOPFLOOR_HTTP_PORT)").await?),
        };
        let grpc = format!("http://{}", listeners.grpc.local_addr()?);
        let children = Children::start(&home, args.postgres_port, args.nats_port).await?;
        let databases = store::ensure_databases(&children.postgres.admin_url(), &home.secrets).await?;
        let urls: BTreeMap<Name, String> = databases
            .into_iter()
            .map(|(name, database)| {
                let password = &home.secrets.database_passwords[name.word()];
                (name, children.postgres.url_as(&store::role(name), password, &database))
            })
            .collect();
        let mut host = args.host(children.nats.url(), home.secrets.internal_secret.clone());
        host.identity_url.clone_from(&grpc);
        let settings = one_company(args, &grpc);
        let process = process::start(&host, Clock::system(), &Name::ALL, &urls, &settings, listeners).await?;
        store::open_to_reader(&urls[&Name::Kpi]).await?;
        let http = process.http.unwrap_or(process.grpc);
        Ok(Self { home, process, children, identity_url: urls[&Name::Identity].clone(), http })
    }

    /// Address of the HTTP API.
    pub fn http(&self) -> String {
        format!("http://{}", self.http)
    }

    /// A client that may do everything, with the suite's own token.
    pub fn staff(&self) -> anyhow::Result<Api> {
        let tokens = InternalTokens::new("suite", &self.home.secrets.internal_secret);
        let mint: Mint = Arc::new(move || tokens.token(&["*"], OffsetDateTime::now_utc()));
        Api::new(&self.http(), Credentials::Own(mint))
    }

    /// Drains the services, then ends the servers.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.process.drain().await;
        self.children.stop().await
    }
}

/// One currency, one zone, and everybody at this process's address.
fn one_company(args: &UpArgs, grpc: &str) -> Settings {
    let mut settings = args.settings.clone();
    settings.orders.crm_url = grpc.to_owned();
    settings.erp.currency.clone_from(&args.currency);
    settings.erp.zone.clone_from(&args.zone);
    settings
}
