//! State changes of counts.

mod approve;
mod record;
mod run;

pub(super) use approve::{Approved, Difference, approve, worth};
pub(super) use record::{complete_bin, record};
pub(super) use run::{cancel, close, create, demand_recount};
