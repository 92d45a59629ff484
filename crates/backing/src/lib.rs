//! Private Postgres and NATS servers as child processes.
//!
//! Used by `shopfloor up`, which keeps its data in a folder, and by the tests, which throw theirs away. Both promise the same:
//!
//! - a server listens on 127.0.0.1 only, on a free port unless one is named, behind a random password;
//! - nothing outlives the process that started it, however that process ends, and a throw-away folder goes with it;
//! - a folder left by a crash can be started again, also while the old server is still on its way out;
//! - two processes never share one folder: the second is refused with a sentence.
//!
//! Each server runs below a tiny shell script, the guard (`guard.sh`), which waits for the pipe from us to close.

mod folder;
mod guard;
mod nats;
mod postgres;

pub use nats::{Nats, NatsOptions};
pub use postgres::{Postgres, PostgresOptions};
