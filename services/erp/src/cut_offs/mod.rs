//! By when goods must be ready to leave the same day.

pub mod domain;
pub(crate) mod grpc;
mod store;
