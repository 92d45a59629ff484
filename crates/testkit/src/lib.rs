//! What tests stand on: throw-away Postgres and NATS, and a service started on them. A dev-dependency only.

mod nats;
mod postgres;

pub use backing::{Nats, Postgres};
pub use nats::nats;
pub use postgres::{TestDatabase, database, empty_database, postgres};
