//! Taking a group of orders in one transaction.

mod cache;
mod take;

pub use cache::Cache;
pub use take::{Refusal, Taken, take};
