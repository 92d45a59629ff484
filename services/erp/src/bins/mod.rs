//! Bins: the places of a warehouse with barcodes, route, capacity and blocks; and what a scanner's codes mean.

pub(crate) mod commands;
mod convert;
pub mod domain;
pub(crate) mod grpc;
pub(crate) mod queries;
pub(crate) mod store;

pub(crate) use commands::scan;
