//! What people decide about reservations against the order of service: a line pinned to a lot, goods moved from one order
//! to another, a place in the queue. Each is kept with who, when and why.

pub(crate) mod commands;
mod convert;
pub mod domain;
pub(crate) mod grpc;
pub(crate) mod queries;
pub(crate) mod store;
