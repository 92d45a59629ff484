//! What a client intends to do: a sequence that depends on the seed and the client's number and on nothing else.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};

/// What a client does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Action {
    /// Push one order.
    Push,
    /// Push some orders in one call.
    PushBatch,
    /// Cancel the rest of an order.
    Cancel,
    /// Cancel parts of lines.
    CancelLines,
    /// Release a held order.
    Confirm,
    /// Record a payment.
    Pay,
    /// Record a refund.
    Refund,
    /// Record a return.
    Return,
    /// Post a receipt of goods.
    Receive,
    /// Move stock to quarantine or back.
    Transfer,
    /// Write stock off.
    WriteOff,
    /// Begin a shipment.
    Pick,
    /// Bring a begun shipment one step on.
    Advance,
    /// Ship some orders in one call.
    ShipOrders,
    /// Several clients change one version of a product.
    Product,
    /// Set a price.
    Price,
    /// Import a file of products in parts.
    Import,
    /// Open a task.
    TaskCreate,
    /// Several clients move one version of a task.
    TaskMove,
    /// Comment on a task.
    Comment,
    /// Several clients save one version of a page.
    PageSave,
    /// Send something malformed.
    Malformed,
}

/// How often each comes, in a hundred and a bit.
const MIX: &[(Action, u32)] = &[
    (Action::Push, 26),
    (Action::PushBatch, 5),
    (Action::Cancel, 3),
    (Action::CancelLines, 4),
    (Action::Confirm, 3),
    (Action::Pay, 9),
    (Action::Refund, 2),
    (Action::Return, 4),
    (Action::Receive, 5),
    (Action::Transfer, 2),
    (Action::WriteOff, 1),
    (Action::Pick, 4),
    (Action::Advance, 10),
    (Action::ShipOrders, 5),
    (Action::Product, 3),
    (Action::Price, 2),
    (Action::Import, 2),
    (Action::TaskCreate, 2),
    (Action::TaskMove, 3),
    (Action::Comment, 3),
    (Action::PageSave, 4),
    (Action::Malformed, 2),
];

/// One intention, with all the chance it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Intent {
    /// Its number, from 1.
    pub(crate) number: u64,
    /// What to do.
    pub(crate) action: Action,
    /// Dice for whatever has to be chosen.
    pub(crate) dice: [u64; 8],
    /// How often to repeat with the same key after an answer that leaves it open; 0 leaves it open for ever.
    pub(crate) persistence: u32,
    /// Send it once more although it was acknowledged.
    pub(crate) once_more: bool,
    /// Afterwards send another body under its key.
    pub(crate) other_body: bool,
    /// Read one's own write at once.
    pub(crate) read_own: bool,
    /// Pause before it, in ms.
    pub(crate) pause_ms: u64,
}

/// A client's intentions.
pub(crate) struct Intents {
    random: StdRng,
    number: u64,
    pause_ms: u64,
}

impl Intents {
    /// Of client `client` in the run of `seed`, with `pause_ms` between two on average.
    pub(crate) fn new(seed: u64, client: u32, pause_ms: u64) -> Self {
        let random = StdRng::seed_from_u64(seed ^ (u64::from(client) + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        Self { random, number: 0, pause_ms }
    }
}

impl Iterator for Intents {
    type Item = Intent;

    fn next(&mut self) -> Option<Intent> {
        self.number += 1;
        let random = &mut self.random;
        let action = MIX.choose_weighted(random, |entry| entry.1).map_or(Action::Push, |entry| entry.0);
        let mut dice = [0; 8];
        random.fill(&mut dice);
        Some(Intent {
            number: self.number,
            action,
            dice,
            // One in five that are left open stays open.
            persistence: if random.random_ratio(1, 5) { 0 } else { random.random_range(2..=8) },
            once_more: random.random_ratio(1, 12),
            other_body: random.random_ratio(1, 16),
            read_own: random.random_ratio(1, 2),
            pause_ms: random.random_range(0..=2 * self.pause_ms),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_same_seed_is_the_same_plan_and_clients_differ() {
        let plan = |seed, client| Intents::new(seed, client, 50).take(2_000).collect::<Vec<_>>();
        assert_eq!(plan(7, 0), plan(7, 0));
        assert_ne!(plan(7, 0), plan(8, 0));
        assert_ne!(plan(7, 0), plan(7, 1));
    }

    #[test]
    fn every_action_comes() {
        let seen: BTreeSet<_> = Intents::new(1, 0, 50).take(3_000).map(|intent| intent.action).collect();
        assert_eq!(seen.len(), MIX.len());
    }
}
