//! Where orders come from, and how each place's orders are treated.

pub mod commands;
pub mod grpc;
mod store;

pub use store::ChannelRow;
