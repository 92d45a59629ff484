//! Shipments: from what an order holds to the buyer's door, or back. Queues say what comes next.

pub(crate) mod commands;
pub(crate) mod convert;
mod convert_comeback;
mod convert_parcels;
pub mod domain;
pub(crate) mod grpc;
pub(crate) mod queries;
pub(crate) mod queries_queue;
pub(crate) mod store;
mod store_packing;
pub(crate) mod store_picking;
