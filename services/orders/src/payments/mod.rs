//! Money that comes in for orders and goes back.

pub mod commands;
pub mod domain;
pub mod grpc;
mod store;
