//! How long lots must still live for whom: by channel, delivery method and category.

pub(crate) mod commands;
pub mod domain;
pub(crate) mod grpc;
pub(crate) mod store;
