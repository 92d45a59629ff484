//! What orders and holds have of the stock: first expired first out, never more than on hand, those who wait served by
//! priority and time, every reservation ended exactly once.

pub mod commands;
mod convert;
pub mod domain;
pub(crate) mod grpc;
pub(crate) mod queries;
pub(crate) mod store;
pub(crate) mod store_holds;
