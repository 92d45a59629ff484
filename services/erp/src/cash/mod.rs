//! Cash on delivery: what orders owe, what couriers collected, counted once and reconciled.

pub(crate) mod commands;
mod convert;
pub mod domain;
pub(crate) mod grpc;
mod queries;
mod store;
