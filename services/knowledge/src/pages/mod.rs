//! Pages: the tree, the versions, the differences between them.

mod commands;
mod convert;
pub mod domain;
pub mod grpc;
pub(crate) mod queries;
mod store;
