//! The customer card: name, contacts, tags, region, orders in figures; by hand and from orders.

pub mod commands;
pub(crate) mod convert;
pub mod domain;
pub mod grpc;
pub mod queries;
pub mod store;
