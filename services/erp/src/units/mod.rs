//! Units of measure beside an item's own, by exact ratios; what people entered is kept beside what it came to.

pub(crate) mod commands;
pub(crate) mod convert;
pub mod domain;
pub(crate) mod grpc;
pub(crate) mod store;
