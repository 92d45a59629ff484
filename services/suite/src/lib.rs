//! The `shopfloor` program: services to run, a whole company on one machine, demo data, and a client for every RPC.
//!
//! Reading order: [`client`] (calls), [`demo`] (the made-up company), [`retail`] (a real order file).

pub mod client;
pub mod demo;
pub mod retail;
pub mod say;
