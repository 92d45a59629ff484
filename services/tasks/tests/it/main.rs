//! The tasks service from outside: through its RPCs and the events it hears.
#![expect(clippy::unwrap_used, reason = "what goes wrong in a helper fails its test")]

mod automation;
mod board;
mod projects;
mod reminders;
mod rules;
mod schema;
mod stock_rules;
mod support;
mod tasks;
mod workflows;
