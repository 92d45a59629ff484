//! Goods that come back from buyers.

pub mod commands;
pub mod domain;
pub mod grpc;
pub mod store;
