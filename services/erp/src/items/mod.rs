//! What stock is kept of: learned from the orders service's products, or created here.

pub(crate) mod commands;
pub(crate) mod convert;
pub mod domain;
pub(crate) mod grpc;
pub(crate) mod queries;
pub(crate) mod store;
