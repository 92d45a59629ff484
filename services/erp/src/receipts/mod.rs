//! Goods that come in from suppliers: lots, ledger entries and, in the same transaction, service of those who wait.

pub(crate) mod commands;
mod convert;
pub mod domain;
pub(crate) mod grpc;
pub(crate) mod queries;
pub(crate) mod store;
