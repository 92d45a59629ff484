//! Events travel from one service's outbox to another's tables: whole, once, in order, whatever dies on the way.

#![expect(clippy::unwrap_used, reason = "tests")]

mod broker_forgets;
mod copies;
mod dead_letters;
mod house;
mod inbox;
mod travel;
