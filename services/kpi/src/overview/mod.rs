//! The headline figures of a period, and the funnel: how far its orders have come and how long it took.

pub mod convert;
pub mod domain;
pub mod queries;
