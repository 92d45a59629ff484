//! API keys: what web shops and other machines sign in with.

pub(crate) mod commands;
pub(crate) mod domain;
pub(crate) mod grpc;
mod queries;
mod store;
