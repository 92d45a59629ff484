//! The life of an order: three state machines, its history, and everybody's view of it.

pub mod commands;
pub mod convert;
pub mod domain;
pub mod grpc;
pub(crate) mod jobs;
mod queries;
pub mod queries_stuck;
pub mod store;
