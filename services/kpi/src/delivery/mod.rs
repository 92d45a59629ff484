//! Deliveries: what became of the shipments that left, and how long they took.

pub mod convert;
pub mod queries;
