//! A company of real processes under load, and what it takes to measure it.
//!
//! Reading order: [`company`] (Postgres, NATS and the services as child processes, and the ways between them), [`goods`]
//! (a catalogue with stock), [`orders`] (what the shop sends), [`http`] and [`drive`] (the load generator), [`scripts`]
//! (what its connections do), [`collector`] (where traces go).

pub mod collector;
pub mod company;
pub mod drive;
pub mod goods;
pub mod http;
pub mod orders;
pub mod scripts;
pub mod zipf;
