//! The goods: what they are called, how they are taxed and measured, whether they can be sold.

pub mod commands;
pub mod convert;
pub mod domain;
pub mod grpc;
mod queries;
pub mod store;
