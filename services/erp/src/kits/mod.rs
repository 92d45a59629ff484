//! Kits: goods put together from others in the warehouse at exactly their value, and taken apart again.

pub(crate) mod commands;
mod convert;
pub mod domain;
pub(crate) mod grpc;
pub(crate) mod queries;
pub(crate) mod store;
