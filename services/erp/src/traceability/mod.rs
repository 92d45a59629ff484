//! Where a lot comes from and where it went, in one call, with the proof that nothing is missing; what its papers say.

pub(crate) mod commands;
mod convert;
pub mod domain;
pub(crate) mod grpc;
pub(crate) mod queries;
mod store;
