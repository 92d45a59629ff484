//! Bills of material: what a product is made of, in versions, over several levels; what a quantity takes and costs.
//!
//! Absent: alternatives of components, routings, work centres.

pub(crate) mod commands;
mod convert;
mod convert_structure;
pub mod domain;
pub(crate) mod grpc;
pub(crate) mod queries;
pub(crate) mod store;
