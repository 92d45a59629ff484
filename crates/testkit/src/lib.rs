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
