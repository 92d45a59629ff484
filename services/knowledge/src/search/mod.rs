//! Finding pages: word forms, typing errors, fragments; only what the reader may see.

pub mod domain;
pub mod grpc;
mod queries;
