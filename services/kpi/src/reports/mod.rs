//! The report RPCs: read the request, read the facts under one snapshot, write the answer.

mod convert;
mod grpc;
mod queries;
mod queries_export;

pub(crate) use grpc::server;
