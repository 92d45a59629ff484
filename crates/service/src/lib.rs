//! What every Shopfloor process needs: settings, telemetry, the database, the gRPC server with its one authorisation
//! layer, health, jobs, the clock, and the way from an error to a status.
//!
//! In reading order: [`host`] runs services and is the place to start; [`auth`] says who is calling and whether they may,
//! [`Verifier`] whether to believe it; [`check`] and [`page`] read what came in; [`idempotency`] answers repeated writes; [`Loader`] reads for many callers at once;
//! [`status`] is how refusals look.

pub mod auth;
mod check;
mod clock;
pub mod config;
pub mod copy;
mod db;
mod grpc;
pub mod host;
pub mod idempotency;
mod jobs;
mod loader;
mod messaging_grpc;
pub mod nodelay;
pub mod ops;
pub mod page;
pub mod status;
pub mod telemetry;
pub mod trace;
mod verifier;

pub use auth::{Caller, CallerKind, InternalTokens, caller};
pub use check::{Check, Violation};
pub use clock::{Clock, new_id};
pub use db::{Conn, Db, Tx};
pub use grpc::Secured;
pub use host::{Deps, Service};
pub use jobs::Job;
pub use loader::Loader;
pub use messaging_grpc::with_messaging;
pub use verifier::Verifier;

/// Tables every service's database has for its RPCs. Versions 100 to 999.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");
