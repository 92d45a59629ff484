//! gateway: the HTTP door of the suite.
//!
//! In reading order:
//! - [`routing`]: which RPC a request means; built at start from the descriptors, so a new RPC needs no code here;
//! - [`transcoding`]: JSON, path and query into the request message, the answer into JSON;
//! - [`access`]: API keys exchanged for tokens, and the limits on each caller and all together;
//! - [`backend`]: the calls to the services;
//! - [`http`]: connections, bodies, one request from end to end, streams;
//! - [`figures`]: how long requests take;
//! - [`problem`]: refusals as RFC 9457 documents;
//! - [`docs`]: OpenAPI and the page to read it on.
//!
//! The gateway owns no data. Any number of copies may run; limits are counted by each copy for itself.

mod access;
mod backend;
mod config;
mod docs;
mod figures;
mod http;
mod problem;
mod routing;
mod transcoding;

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::get;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use service::host::Local;
use service::{Clock, Verifier};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::Service;
use tower_http::catch_panic::{CatchPanicLayer, DefaultResponseForPanic, ResponseForPanic as _};

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
        let door = Door { pages: self.router()?, gateway: Arc::clone(&self) };
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
            () = serve(listener, door, &self.config, cancel) => Ok(()),
            () = forgetting => Ok(()),
        }
    }
}

/// The gateway as it is served: what is for an RPC does not go through the router of its own pages.
#[derive(Clone)]
struct Door {
    gateway: Arc<Gateway>,
    pages: Router,
}

impl Service<Request> for Door {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        if !request.uri().path().starts_with("/v1/") {
            return Box::pin(self.pages.call(request));
        }
        let call = http::handle(State(Arc::clone(&self.gateway)), request);
        Box::pin(AssertUnwindSafe(call).catch_unwind().map(|answer| {
            let panicked = |panic| DefaultResponseForPanic::default().response_for_panic(panic).map(Body::new);
            Ok(answer.unwrap_or_else(panicked))
        }))
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
