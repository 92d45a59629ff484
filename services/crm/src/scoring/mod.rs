//! Scores of customers: eleven parameters by absolute curves of a versioned model, kept fresh by every event.
//!
//! Parameter twelve (churn risk) and the lifetime value need a fitted purchase model and are absent; the total is the
//! weighted mean over the parameters that exist.

pub mod commands;
mod convert;
pub mod domain;
pub mod grpc;
pub mod queries;
pub mod store;
