//! Couriers' runs: shipments leave together, each stop ends in its own way, and the run closes when nothing is unaccounted for.

pub(crate) mod commands;
pub(crate) mod convert;
pub mod domain;
pub(crate) mod grpc;
mod queries;
pub(crate) mod store;
