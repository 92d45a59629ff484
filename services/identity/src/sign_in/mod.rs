//! Sign-in: passwords, sessions with rotating refresh tokens, and slowing down those who guess.

mod attempts;
mod commands;
mod domain;
pub(crate) mod grpc;
mod passwords;
pub(crate) mod sessions;
mod store;

pub(crate) use commands::sweep;
pub(crate) use passwords::Passwords;
