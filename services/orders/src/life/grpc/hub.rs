//! Tells the watchers in this process that an order changed. Watchers in other copies find out by their slow poll.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::watch;
use uuid::Uuid;

/// Watchers in one process at most.
const MOST: usize = 2_000;

type Orders = HashMap<Uuid, watch::Sender<()>>;

/// Who is watching which order.
#[derive(Clone, Default)]
pub struct Hub {
    orders: Arc<Mutex<Orders>>,
}

/// One watcher; leaves when dropped.
pub(super) struct Watcher {
    hub: Hub,
    order: Uuid,
    changes: watch::Receiver<()>,
}

impl Hub {
    fn orders(&self) -> std::sync::MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the watchers of these orders. Cheap when there are none.
    pub fn poke(&self, changed: &[Uuid]) {
        let orders = self.orders();
        if orders.is_empty() {
            return;
        }
        for id in changed {
            if let Some(sender) = orders.get(id) {
                sender.send_replace(());
            }
        }
    }

    /// Starts to watch an order; `None` when there are too many watchers.
    pub(super) fn join(&self, order: Uuid) -> Option<Watcher> {
        let mut orders = self.orders();
        if orders.values().map(watch::Sender::receiver_count).sum::<usize>() >= MOST {
            return None;
        }
        let changes = orders.entry(order).or_insert_with(|| watch::channel(()).0).subscribe();
        Some(Watcher { hub: self.clone(), order, changes })
    }
}

impl Watcher {
    /// Waits for a change.
    pub(super) async fn changed(&mut self) {
        // The sender lives in the hub as long as this watcher.
        let _ = self.changes.changed().await;
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let mut orders = self.hub.orders();
        if orders.get(&self.order).is_some_and(|sender| sender.receiver_count() <= 1) {
            orders.remove(&self.order);
        }
    }
}
