//! The audit trail: an append-only chain of entries, each holding the hash of the one before.

mod commands;
mod domain;
pub(crate) mod grpc;
mod queries;
mod store;

pub(crate) use commands::append;
pub(crate) use domain::Fact;
