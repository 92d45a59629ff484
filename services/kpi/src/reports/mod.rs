//! The report RPCs: read the request, read the facts under one snapshot, write the answer.

mod convert;
mod export;
mod grpc;
mod queries;

pub(crate) use grpc::server;
