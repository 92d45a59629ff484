//! Daily figures: sums of days that are no longer touched, so that reports over long periods need not visit orders.
//!
//! How they stay exact at every moment is told in `migrations/1002_figures.sql`. Nothing here is ever wrong, only due.

pub mod commands;
mod jobs;
mod store;

pub(crate) use jobs::sum;
