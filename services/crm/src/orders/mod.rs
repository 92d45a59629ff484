//! What crm knows of orders: one small fact per order, the source of every figure of a customer.

pub mod commands;
mod convert;
pub mod domain;
pub mod grpc;
pub mod queries;
pub mod store;

pub(crate) use convert::order_to_wire;
pub use convert::{change_of_erp, change_of_orders};
