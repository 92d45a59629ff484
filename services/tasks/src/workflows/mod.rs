//! Workflows: which states a task of a type may be in, and who may move it along which arrow.

mod commands;
mod convert;
pub mod domain;
pub mod grpc;
pub(crate) mod store;
