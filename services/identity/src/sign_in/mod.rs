//! Sign-in: passwords, sessions with rotating refresh tokens, and slowing down those who guess.

mod commands;
mod commands_attempts;
pub(crate) mod commands_sessions;
mod domain;
pub(crate) mod grpc;
mod store;

pub(crate) use commands::sweep;
use commands_attempts as attempts;
pub(crate) use commands_sessions as sessions;
