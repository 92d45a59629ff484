//! Spaces: shelves of pages, and who may do what there.

mod commands;
pub(crate) mod convert;
pub mod domain;
pub mod grpc;
mod queries;
pub(crate) mod store;
