//! Signing keys: making, rotating and publishing them, and the tokens signed with them.

pub(crate) mod commands;
pub(crate) mod domain;
mod store;
