//! The test kit's own promises.

#![expect(clippy::unwrap_used, reason = "a helper that cannot go on fails its test")]

mod connections;
mod databases;
mod loader;
