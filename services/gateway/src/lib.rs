//! gateway: the HTTP door of the suite.
//!
//! In reading order:
//! - [`routing`]: which RPC a request means; built at start from the descriptors, so a new RPC needs no code here;
//! - [`transcoding`]: JSON, path and query into the request message, the answer into JSON;
//! - [`access`]: API keys exchanged for tokens, and the limits on each caller and all together;
//! - [`backend`]: the calls to the services;
//! - [`http`]: connections, bodies, one request from end to end, streams;
//! - [`problem`]: refusals as RFC 9457 documents;
//! - [`docs`]: OpenAPI and the page to read it on.
//!
//! The gateway owns no data. Any number of copies may run; limits are counted by each copy for itself.

mod access;
mod backend;
mod config;
mod docs;
mod http;
mod problem;
mod routing;
mod transcoding;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use service::host::Local;
use service::{Clock, Verifier};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;

pub use config::Config;
pub use http::{Peer, serve};

/// Name of the gateway among the services.
pub const NAME: &str = "gateway";

/// What every request needs.
pub struct Gateway {
    config: Config,
    table: routing::Table<routing::Route>,
    routes: Vec<routing::Route>,
    backends: backend::Backends,
    api_keys: access::ApiKeys,
    subjects: access::Subjects,
    limits: access::Limits,
    cancel: CancellationToken,
}

impl Gateway {
    /// Reads the routes from the descriptors. The services of this process are in `local`; connections to the others are
    /// made when they are needed, so those may start later. `cancel` ends event streams and [`Gateway::run`].
    ///
    /// # Errors
    /// When a setting cannot work or two RPCs want the same route.
    pub fn new(
        config: &Config,
        verifier: Verifier,
        clock: Clock,
        cancel: CancellationToken,
        local: &Local,
    ) -> anyhow::Result<Arc<Self>> {
        config.check()?;
        let routes = routing::routes(proto::descriptor_pool())?;
        let table = routing::Table::new(
            routes.iter().map(|route| (route.method.clone(), route.template.clone(), route.clone())),
        )?;
        let backends = backend::Backends::new(config, local)?;
        Ok(Arc::new(Self {
            config: config.clone(),
            table,
            routes,
            api_keys: access::ApiKeys::new(backends.of("identity"), clock),
            backends,
            subjects: access::Subjects::new(verifier),
            limits: access::Limits::new(config),
            cancel,
        }))
    }

    /// The routes as an axum router, to be served with [`serve`] or tested without a socket.
    ///
    /// # Errors
    /// When the API description cannot be written.
    pub fn router(self: &Arc<Self>) -> anyhow::Result<Router> {
        Ok(Router::new()
            .route("/healthz", get(|| async { "ok" }))
            .route("/readyz", get(ready))
            .merge(docs::routes(&self.routes)?)
            .fallback(http::handle)
            .layer(CatchPanicLayer::new())
            .with_state(Arc::clone(self)))
    }

    /// Serves on a listener until cancelled, then lets requests under way end.
    ///
    /// # Errors
    /// When the API description cannot be written.
    pub async fn run(self: Arc<Self>, listener: TcpListener) -> anyhow::Result<()> {
        let router = self.router()?;
        let forgetting = {
            let gateway = Arc::clone(&self);
            async move {
                loop {
                    tokio::time::sleep(Duration::from_secs(60)).await;
                    gateway.limits.forget();
                }
            }
        };
        let cancel = self.cancel.clone();
        tokio::select! {
            () = serve(listener, router, &self.config, cancel) => Ok(()),
            () = forgetting => Ok(()),
        }
    }
}

/// Ready until it stops. A service that is away makes its own requests fail, not the gateway unready.
async fn ready(State(gateway): State<Arc<Gateway>>) -> (::http::StatusCode, &'static str) {
    if gateway.cancel.is_cancelled() {
        (::http::StatusCode::SERVICE_UNAVAILABLE, "stopping")
    } else {
        (::http::StatusCode::OK, "ready")
    }
}
