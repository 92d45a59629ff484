//! Who has recalled goods: the orders erp names, joined with whose they are when somebody asks.

pub mod commands;
mod convert;
pub mod grpc;
pub mod queries;
pub mod store;
