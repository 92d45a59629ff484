//! Order intake: exactly once, totals recomputed, many concurrent callers in one transaction.
//!
//! The path of a pushed order: `grpc` reads and checks the request, a bounded queue (`grpc/queue.rs`) groups it with what
//! else has come in while the last transaction committed, `commands` prices the group against the catalogue and stores
//! it with a handful of set-based statements, and each caller is answered after the commit.

pub mod commands;
pub mod convert;
pub mod domain;
pub mod grpc;
pub mod store;
