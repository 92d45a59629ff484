//! Products and prices from CSV files: staged in parts, applied in one transaction, each wrong row reported.

pub mod commands;
pub mod domain;
pub mod grpc;
pub mod jobs;
mod store;
