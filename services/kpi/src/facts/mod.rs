//! Facts: rows made from events only, the same in whatever order the events of different services arrive.
//!
//! A batch of events is first folded into [`domain::Changes`]: one change a row, however many events touch it. Then each
//! table is written, rows in key order; orders and their lines by one batch at a time. Every change is a sum, a first
//! moment, or a value with a version, so folding and writing commute.

pub mod commands;
pub mod convert;
pub mod domain;
mod domain_sums;
mod store;
mod store_events;
mod store_lines;
mod store_updates;
