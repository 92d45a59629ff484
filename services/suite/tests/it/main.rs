//! The suite from outside: a real order file as a plan, and `shopfloor up` as a process.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

mod online_retail;
mod up;
