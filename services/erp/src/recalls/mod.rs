//! Recalls: lots and everything made of them are blocked wherever they are, and brought back.
//!
//! Opening one locks the items of all these lots first. Whoever ships, picks, reserves or assembles them needs the same locks,
//! so nothing of them leaves once the recall has answered.

pub(crate) mod commands;
mod convert;
pub mod domain;
pub(crate) mod grpc;
pub(crate) mod queries;
pub(crate) mod store;
