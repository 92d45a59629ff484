//! Shipments: from what an order holds to the buyer's door, or back.

pub(crate) mod commands;
pub(crate) mod convert;
pub mod domain;
pub(crate) mod grpc;
pub(crate) mod queries;
pub(crate) mod store;
