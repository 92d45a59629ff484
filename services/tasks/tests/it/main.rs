//! The tasks service from outside: through its RPCs and the events it hears.

mod automation;
mod board;
mod projects;
mod reminders;
mod rules;
mod schema;
mod support;
mod tasks;
mod workflows;
