//! Employees: who may sign in, and which roles they hold.

pub(crate) mod commands;
mod convert;
pub(crate) mod domain;
pub(crate) mod grpc;
mod queries;
pub(crate) mod store;
