//! Goods that are to come, entered by purchasing, production or a person; receipts fulfil them.

pub(crate) mod commands;
mod convert;
pub mod domain;
pub(crate) mod grpc;
pub(crate) mod queries;
pub(crate) mod store;
