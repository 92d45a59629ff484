//! Goods that buyers sent back: booked at the cost they left with, to stock, to losses or to quarantine.

pub(crate) mod commands;
mod convert;
pub mod domain;
pub(crate) mod store;
