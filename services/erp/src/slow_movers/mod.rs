//! Stock that lies too long: rules that are data, evaluated every night over all items in one statement, and what was
//! found told once each way, with a promotion proposed.

pub(crate) mod commands;
pub(crate) mod convert;
pub mod domain;
pub(crate) mod grpc;
pub(crate) mod jobs;
pub(crate) mod queries;
pub(crate) mod store;
