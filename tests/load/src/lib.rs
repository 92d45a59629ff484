//! A company of real processes under load, and what it takes to measure it.
//!
//! Reading order: [`company`] (Postgres, NATS and the services as child processes, and the ways between them), [`goods`]
//! (a catalogue with stock), [`orders`] (what the shop sends).

pub mod company;
pub mod goods;
pub mod orders;
pub mod zipf;
