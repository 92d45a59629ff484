//! Waves: many orders picked in one walk, each into its own tote, every piece scanned.

pub(crate) mod commands;
mod convert;
pub mod domain;
pub(crate) mod grpc;
mod queries;
mod store;
