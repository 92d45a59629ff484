//! Emptying the facts so that they can be built again from replayed events, and how they are.

mod commands;
mod grpc;
mod queries;
mod store;

pub(crate) use grpc::server;
