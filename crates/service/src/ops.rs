//! `/metrics`, `/healthz` and `/readyz` for operators and orchestrators.

use std::{
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{Router, extract::State, http::StatusCode, routing::get};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio_util::sync::CancellationToken;

use crate::Db;

/// Bounds of all duration histograms, in seconds.
const SECONDS: [f64; 14] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0];

/// Whether this process wants work: false while it starts and once it drains.
#[derive(Clone, Default)]
pub struct Ready(Arc<AtomicBool>);

impl Ready {
    /// Says so.
    pub fn set(&self, ready: bool) {
        self.0.store(ready, Ordering::Release);
    }

    /// Asks.
    #[must_use]
    pub fn get(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// The process's figures in Prometheus form. The recorder is installed by the first call.
pub fn metrics_handle() -> &'static PrometheusHandle {
    static HANDLE: LazyLock<PrometheusHandle> = LazyLock::new(|| {
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
            .unwrap_or_else(|_| PrometheusBuilder::new())
            .build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::debug!("metrics already have a recorder");
        }
        handle
    });
    &HANDLE
}

/// The routes.
pub fn router(ready: Ready) -> Router {
    let handle = metrics_handle();
    Router::new()
        .route("/metrics", get(move || async move { handle.render() }))
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(readyz))
        .with_state(ready)
}

async fn readyz(State(ready): State<Ready>) -> (StatusCode, &'static str) {
    if ready.get() { (StatusCode::OK, "ready") } else { (StatusCode::SERVICE_UNAVAILABLE, "not ready") }
}

/// Keeps histograms from growing between scrapes.
pub(crate) async fn upkeep() {
    loop {
        tokio::time::sleep(Duration::from_secs(5)).await;
        metrics_handle().run_upkeep();
    }
}

/// Notes how many connections a service holds to its database, until cancelled.
pub(crate) async fn watch_pool(service: &'static str, db: Db, cancel: CancellationToken) {
    let pool = db.pool();
    let mut tick = tokio::time::interval(Duration::from_secs(5));
    while cancel.run_until_cancelled(tick.tick()).await.is_some() {
        let idle = u32::try_from(pool.num_idle() + db.tidy()).unwrap_or(u32::MAX);
        let used = pool.size().saturating_sub(idle);
        for (state, count) in [("idle", idle), ("used", used)] {
            metrics::gauge!("db_client_connections", "service" => service, "state" => state).set(f64::from(count));
        }
        let most = f64::from(pool.options().get_max_connections());
        metrics::gauge!("db_client_connections_max", "service" => service).set(most);
    }
}
