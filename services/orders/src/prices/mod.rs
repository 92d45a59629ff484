//! Price lists, prices with validity, and their history.

pub mod commands;
mod convert;

pub(crate) use convert::unit_price;
pub mod grpc;
mod queries;
pub mod store;
