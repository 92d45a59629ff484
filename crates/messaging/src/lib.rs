//! Events between services: outbox, relay, inbox, consume loop, dead letters, replay. The only room that knows NATS.
//!
//! The path of one event, and what a crash at each step leaves behind:
//!
//! 1. A command appends it to its service's `outbox` in the transaction of the change ([`outbox::append`]).
//!    *Crash before commit*: neither change nor event. *After*: both; the event waits.
//! 2. The [`relay`] publishes what waits, in order, and notes for each event the stream sequence that the broker
//!    acknowledged, beside the outbox and a batch at a time.
//!    *Crash between the two*: published again; the broker's duplicate window or the consumer's inbox drops it.
//! 3. A [`consumer`] applies a batch and marks each event in its `inbox` in the same transaction, then acknowledges.
//!    *Crash before commit*: no effect, delivered again. *Between commit and acknowledgement*: delivered again, the
//!    inbox drops it.
//! 4. An event that cannot be applied goes to `dead_letter`, and what follows it in the same aggregate is parked behind
//!    it, so order per aggregate holds and nobody else waits.
//!
//! So the broker may forget everything: the databases are the truth. After each connect the relay compares the stream
//! with what it has stored and publishes again what is missing.

pub mod admin;
mod bus;
mod consumer;
mod dead_letter;
mod event;
mod headers;
mod inbox;
pub mod outbox;
mod relay;
mod retention;
mod source;
mod subscription;
pub mod trace;

pub use bus::{Bus, BusOptions};
pub use consumer::{Consumer, apply_batch};
pub use event::{Event, NewEvent};
pub use relay::{Relay, Wake};
pub use retention::Retention;
pub use subscription::{Handler, Subscription};

/// Tables every service's database has for its events. Versions below 100.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");
