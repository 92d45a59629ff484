//! Cohorts: customers by the month of their first order, and how many came again.

pub mod convert;
pub mod queries;
