//! The knowledge service from outside: through its RPCs.
#![expect(clippy::unwrap_used, reason = "what goes wrong in a helper fails its test")]

mod access;
mod pages;
mod schema;
mod search;
mod spaces;
mod support;
mod tree;
mod versions;
