//! Stocktaking: blind counts of bins while work goes on, reviewed and approved by others, then posted.

pub(crate) mod commands;
mod convert;
pub mod domain;
pub(crate) mod grpc;
pub(crate) mod queries;
pub(crate) mod store;
pub(crate) mod store_lines;
