//! The knowledge service from outside: through its RPCs.

mod access;
mod pages;
mod schema;
mod search;
mod spaces;
mod support;
mod tree;
mod versions;
