//! How much of an item is to be there, and whether it is.
//!
//! Policies say it for items and categories ([`domain`] finds the most specific); [`statistics`] finds safety stocks and
//! reorder points from what was wanted; jobs calculate the levels every night and compare them with the stock a few
//! seconds after it changes, never inside the transactions of orders. A crossing is told once each way.

pub(crate) mod commands;
pub(crate) mod convert;
pub mod domain;
pub(crate) mod grpc;
pub(crate) mod jobs;
pub(crate) mod queries;
pub mod statistics;
pub(crate) mod store;
pub(crate) mod store_policies;
