//! Reminders before and after a task is due, and what employees were told.

mod commands;
pub mod domain;
pub mod grpc;
pub(crate) mod job;
mod queries;
pub(crate) mod store;
