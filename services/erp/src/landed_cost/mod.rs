//! What it cost to bring goods here: charges spread over lines of receipts, also when some of the goods are sold.

pub(crate) mod commands;
mod convert;
pub mod domain;
pub(crate) mod grpc;
pub(crate) mod queries;
pub(crate) mod store;
