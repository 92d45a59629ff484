//! Gauges for people and alerts: what must read 0, and what waits.

mod jobs;
mod queries;

pub(crate) use jobs::measure;
pub use queries::stuck_orders;
