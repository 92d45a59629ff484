//! What movements are worth, and what becomes of it when the past changes.

pub(crate) mod correct;
pub(crate) mod dates;
mod follow;
pub(crate) mod methods;
pub(crate) mod periods;
pub(crate) mod recost;
mod refold;
pub(crate) mod replay;
pub(crate) mod snapshots;
pub(crate) mod value;
