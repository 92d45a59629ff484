//! The log of calls, letters, chats, visits and complaints. It feeds parameter 9 of the score.

pub mod commands;
pub(crate) mod convert;
pub mod grpc;
pub mod queries;
pub mod store;
