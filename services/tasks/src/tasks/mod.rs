//! The tasks themselves: comments, watchers, history, lists and boards.

pub(crate) mod commands;
pub(crate) mod convert;
pub mod domain;
pub mod grpc;
pub(crate) mod queries;
pub(crate) mod store;
