//! What an order (or a hold) wants, line by line, and the publishing of its facts in its own order of versions.

pub(crate) mod commands;
pub(crate) mod convert;
pub mod domain;
pub(crate) mod store;
