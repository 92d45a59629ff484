//! Stock as people see and correct it: availability, balances by lot, the ledger, counts, write-offs, transfers, lot status.

pub(crate) mod commands;
mod convert;
pub mod domain;
pub(crate) mod grpc;
pub(crate) mod queries;
pub(crate) mod store;
