//! What was wanted of each item day by day: counted behind the orders from what they left behind, never by them.
//!
//! A day is counted as a whole and again whenever an order of it changed, so counting twice changes nothing. Days on
//! which nothing could be promised are known from the looks that [`crate::replenishment`] takes at the stock.

pub(crate) mod commands;
pub mod domain;
pub(crate) mod queries;
pub(crate) mod store;
