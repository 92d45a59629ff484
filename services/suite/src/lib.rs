//! The `shopfloor` program: services to run, a whole company on one machine, demo data, and a client for every RPC.
//!
//! Reading order: [`cli`] (what there is), [`services`] and [`process`] (what a process runs), [`serve`] (in a cluster)
//! and [`administrator`] (its first), [`up`] (all on one machine), [`client`] (calls), [`bulk`] (loading much), [`demo`]
//! (the made-up company), [`retail`] (a real order file), [`say`] (what people see).

pub mod administrator;
pub mod bulk;
pub mod cli;
pub mod client;
pub mod demo;
pub mod process;
pub mod retail;
pub mod say;
pub mod serve;
pub mod services;
pub mod up;
