//! Reports as CSV files.

pub mod convert;
pub mod domain;
