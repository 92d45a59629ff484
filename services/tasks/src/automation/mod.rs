//! From event to task and back, by rules that are data.
//!
//! A rule names an event that opens a task and events that close it. What a task is about is its *cause*, one row in
//! `cause` for each value of the rule's cause key; the row outlives the task, so that events of different services may
//! come in any order, twice, or long after.

pub(crate) mod commands;
pub(crate) mod convert;
pub mod domain;
pub mod grpc;
pub(crate) mod job;
pub(crate) mod store;
