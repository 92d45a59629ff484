//! Parcels that wait at the counter: a code is issued, asked for with bounded attempts, and forgotten when time is up.

pub(crate) mod commands;
mod convert;
pub mod domain;
pub(crate) mod grpc;
mod store;
