//! Projects: the books tasks are numbered in.

mod commands;
pub mod domain;
pub mod grpc;
mod queries;
pub(crate) mod store;
