//! What tests stand on: throw-away Postgres and NATS, and a service started on them. A dev-dependency only.

mod nats;
mod postgres;
mod service;
mod sql_check;

pub use backing::{Nats, Postgres};
pub use nats::nats;
pub use postgres::{TestDatabase, database, empty_database, postgres};
pub use service::{Bearer, INTERNAL_SECRET, START, TestChannel, TestService, event, event_at, token, verifier};
pub use sql_check::sql_check;

/// Asks again and again until the answer is yes; for what other tasks bring about in their own time.
///
/// # Panics
/// When it is still no after 60 seconds.
pub async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(60);
    while !holds().await {
        assert!(tokio::time::Instant::now() < deadline, "never came true: {what}");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

/// Shows the logs of a test run when `RUST_LOG` says which.
pub fn logs() {
    if std::env::var_os("RUST_LOG").is_some() {
        let filter = tracing_subscriber::EnvFilter::from_default_env();
        // Another test of this process may have been first.
        let _ = tracing_subscriber::fmt().with_env_filter(filter).with_test_writer().try_init();
    }
}
