//! NATS servers for tests.

use backing::{Nats, NatsOptions};

/// A nats-server of one's own with empty storage: it starts in some 50 ms. Ends when dropped; may be killed, wiped and restarted.
pub async fn nats() -> Nats {
    Nats::start(NatsOptions::throw_away()).await.expect("a private nats-server starts")
}
