#![doc = "One process that runs services: its three listeners, its host, and its way out."]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, ensure};
use gateway::Gateway;
use service::config::HostConfig;
use service::host::{self, Host};
use service::{Clock, Verifier, ops};
use tokio::net::TcpListener;

use crate::services::{self, Name, Settings};

/// How long draining may take.
const PATIENCE: Duration = Duration::from_secs(25);

/// The sockets of a process.
pub struct Listeners {
    /// gRPC.
    pub grpc: TcpListener,
    /// /metrics, /healthz, /readyz.
    pub ops: TcpListener,
    /// The gateway's HTTP API, when the gateway runs here.
    pub http: Option<TcpListener>,
}

/// A running process.
pub struct Process {
    host: Host,
    /// Where gRPC is.
    pub grpc: SocketAddr,
    /// Where /metrics is.
    pub ops: SocketAddr,
    /// Where the HTTP API is.
    pub http: Option<SocketAddr>,
}

/// Takes an address, or says which setting to change.
pub async fn bind(address: SocketAddr, what: &str, setting: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        let why = if error.kind() == std::io::ErrorKind::AddrInUse {
            "is taken by another program".to_owned()
        } else {
            format!("cannot be used ({error})")
        };
        anyhow::anyhow!("{address} {why}, so {what} cannot listen there; choose another with {setting}")
    })
}

/// Starts `names`; their databases are at `urls`. Returns once they take calls.
pub async fn start(
    config: &HostConfig,
    clock: Clock,
    names: &[Name],
    urls: &BTreeMap<Name, String>,
    settings: &Settings,
    listeners: Listeners,
) -> anyhow::Result<Process> {
    raise_file_limit();
    // The recorder must be there before the first figure is noted.
    ops::metrics_handle();
    let mut plans = Vec::new();
    for name in Name::ALL.into_iter().filter(|name| names.contains(name) && name.has_database()) {
        let url = urls.get(&name).with_context(|| {
            let word = name.word();
            format!("{word} needs --{word}-database-url (SHOPFLOOR_{}_DATABASE_URL)", word.to_uppercase())
        })?;
        plans.extend(services::plan(name, url.clone(), settings));
    }
    ensure!(!names.is_empty(), "name at least one service to run, for example `shopfloor serve orders`");
    let (grpc, ops) = (listeners.grpc.local_addr()?, listeners.ops.local_addr()?);
    let host = Host::start(config, clock.clone(), plans, listeners.grpc).await?;
    let tasks = host.tasks();
    let until = host.cancel_token();
    let router = ops::router(host.ready());
    tasks.spawn(async move {
        if let Err(error) = host::serve_http(listeners.ops, router, until.cancelled_owned()).await {
            tracing::error!(%error, "the ops listener ended");
        }
    });
    let mut http = None;
    if let Some(listener) = listeners.http.filter(|_| names.contains(&Name::Gateway)) {
        http = Some(listener.local_addr()?);
        let verifier = Verifier::new(&config.identity_url, &config.internal_secret);
        let door = Gateway::new(&settings.gateway, verifier, clock, host.cancel_token(), &host.local())?;
        tasks.spawn(async move {
            if let Err(error) = door.run(listener).await {
                tracing::error!(error = format!("{error:#}"), "the HTTP listener ended");
            }
        });
    }
    Ok(Process { host, grpc, ops, http })
}

impl Process {
    /// Stops taking work, finishes what is under way, closes connections.
    pub async fn drain(self) {
        self.host.drain(PATIENCE).await;
    }
}

/// The soft bound on open files is often 1,024, which fewer connections than the gateway takes would use up, and the
/// databases' with them. A process may raise it to the hard bound by itself.
fn raise_file_limit() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let raised = getrlimit(Resource::RLIMIT_NOFILE).and_then(|(soft, hard)| match soft < hard {
        true => setrlimit(Resource::RLIMIT_NOFILE, hard, hard),
        false => Ok(()),
    });
    if let Err(error) = raised {
        tracing::warn!(%error, "the bound on open files stays as it is");
    }
}

/// Returns on Ctrl-C or SIGTERM.
pub async fn asked_to_end() -> anyhow::Result<()> {
    let mut term = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        result = tokio::signal::ctrl_c() => result?,
        _ = term.recv() => {}
    }
    Ok(())
}
