#![doc = "The client side: every RPC by name over gRPC, typed calls over the gateway's HTTP API, sign-in, event repair."]
//!
//! Reading order: [`methods`] (what the descriptors say), [`session`] (who calls), [`api`] (HTTP), [`grpc`] (gRPC),
//! [`commands`] (the subcommands).

pub mod api;
pub mod commands;
pub mod grpc;
pub mod methods;
pub mod session;
