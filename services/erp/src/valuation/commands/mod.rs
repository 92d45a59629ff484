//! What movements are worth, and what becomes of it when the past changes.

pub(crate) mod dates;
mod follow;
pub(crate) mod recost;
mod refold;
pub(crate) mod value;
