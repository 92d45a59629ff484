//! What can be promised and when: what is free now, then what is expected, to those who wait before anybody new.

pub(crate) mod commands;
mod convert;
pub mod domain;
pub(crate) mod grpc;
pub(crate) mod queries;
