//! The recorded load: clients that do what their seed says, by the company's HTTP doors.
//!
//! Reading order: [`intents`] (what a client means to do), [`bodies`] (requests), [`world`] (what clients know of the
//! company), [`door`] (one sending), [`player`] (an operation with its repeats, written down), [`client`] (the loop).

pub(crate) mod bodies;
pub(crate) mod client;
pub(crate) mod door;
pub(crate) mod intents;
pub(crate) mod player;
pub(crate) mod setup;
pub(crate) mod world;
