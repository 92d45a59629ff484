//! What the clients know of the company: enough to do something sensible next.

use std::sync::{Mutex, PoisonError};

/// Currency of everything.
pub(crate) const CURRENCY: &str = "RUB";
/// Goods there is always enough of, and goods that run out.
const PLENTY: u64 = 30;
const SCARCE: u64 = 10;
/// Products a client's import file names.
pub(crate) const FAMILY: u64 = 6;
/// The product of the probes that measure recovery.
pub(crate) const PROBE: &str = "CH-PROBE";
/// Space of the pages.
pub(crate) const SPACE: &str = "CHAOS";
/// Project of the tasks.
pub(crate) const PROJECT: &str = "CHAOS";

/// All goods that orders name.
pub(crate) fn goods() -> Vec<String> {
    (0..PLENTY + SCARCE).map(sku).chain([PROBE.to_owned()]).collect()
}

/// A sku by a die: now and then one that runs out.
pub(crate) fn sku(die: u64) -> String {
    let number = die % (PLENTY + SCARCE);
    if number < PLENTY { format!("CH-{number:02}") } else { format!("CH-RARE-{:02}", number - PLENTY) }
}

/// True for goods that run out.
pub(crate) fn is_scarce(sku: &str) -> bool {
    sku.starts_with("CH-RARE")
}

/// The products of a client's import file.
pub(crate) fn family(client: u32) -> Vec<String> {
    (0..FAMILY).map(|n| format!("IMP-{client}-{n}")).collect()
}

/// An order that was acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    /// Order id.
    pub(crate) order_id: String,
    /// What the buyer pays.
    pub(crate) total: String,
    /// Goods lines: number and pieces.
    pub(crate) lines: Vec<(i32, u64)>,
}

/// A shipment on its way through the warehouse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parcel {
    /// Shipment id.
    pub(crate) shipment_id: String,
    /// 0 picking, 1 picked, 2 packed, 3 shipped.
    pub(crate) stage: u8,
}

#[derive(Default)]
struct Inner {
    orders: Vec<Known>,
    held: Vec<String>,
    parcels: Vec<Parcel>,
    lots: Vec<(String, String)>,
    tasks: Vec<String>,
    pages: Vec<String>,
}

/// Shared by all clients.
#[derive(Default)]
pub(crate) struct World {
    inner: Mutex<Inner>,
}

fn choose<T: Clone>(from: &[T], die: u64) -> Option<T> {
    let count = u64::try_from(from.len()).ok().filter(|count| *count > 0)?;
    usize::try_from(die % count).ok().and_then(|index| from.get(index)).cloned()
}

impl World {
    fn with<T>(&self, work: impl FnOnce(&mut Inner) -> T) -> T {
        work(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// An order was taken.
    pub(crate) fn taken(&self, order: Known, held: bool) {
        self.with(|inner| {
            if held {
                inner.held.push(order.order_id.clone());
            }
            inner.orders.push(order);
        });
    }

    /// Any order; three times in four one of the latest forty.
    pub(crate) fn order(&self, die: u64) -> Option<Known> {
        self.with(|inner| {
            let from = if die.is_multiple_of(4) { 0 } else { inner.orders.len().saturating_sub(40) };
            choose(&inner.orders[from..], die / 4)
        })
    }

    /// Takes a held order out.
    pub(crate) fn held(&self) -> Option<String> {
        self.with(|inner| inner.held.pop())
    }

    /// A shipment was begun, or shipped at once.
    pub(crate) fn parcel(&self, parcel: Parcel) {
        self.with(|inner| inner.parcels.push(parcel));
    }

    /// Takes a shipment out, to bring it on.
    pub(crate) fn take_parcel(&self, die: u64) -> Option<Parcel> {
        self.with(|inner| {
            let count = u64::try_from(inner.parcels.len()).ok().filter(|count| *count > 0)?;
            let index = usize::try_from(die % count).ok()?;
            Some(inner.parcels.swap_remove(index))
        })
    }

    /// A lot came in.
    pub(crate) fn lot(&self, sku: &str, lot: &str) {
        self.with(|inner| inner.lots.push((sku.to_owned(), lot.to_owned())));
    }

    /// Any lot.
    pub(crate) fn any_lot(&self, die: u64) -> Option<(String, String)> {
        self.with(|inner| choose(&inner.lots, die))
    }

    /// A task was opened.
    pub(crate) fn task(&self, task_id: &str) {
        self.with(|inner| inner.tasks.push(task_id.to_owned()));
    }

    /// One of the first tasks, so that they are fought over.
    pub(crate) fn any_task(&self, die: u64) -> Option<String> {
        self.with(|inner| choose(&inner.tasks[..inner.tasks.len().min(8)], die))
    }

    /// A page is there.
    pub(crate) fn page(&self, page_id: &str) {
        self.with(|inner| inner.pages.push(page_id.to_owned()));
    }

    /// Any page.
    pub(crate) fn any_page(&self, die: u64) -> Option<String> {
        self.with(|inner| choose(&inner.pages, die))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_stay_in_bounds_and_parcels_are_taken_once() {
        let world = World::default();
        assert_eq!(world.order(u64::MAX), None);
        assert_eq!(world.take_parcel(3), None);
        for n in 0..100 {
            let order = Known { order_id: n.to_string(), total: "1.00".to_owned(), lines: vec![(1, 1)] };
            world.taken(order, n == 5);
        }
        assert!((0..1000).all(|die| world.order(die).is_some()));
        assert_eq!((world.held(), world.held()), (Some("5".to_owned()), None));
        world.parcel(Parcel { shipment_id: "s".to_owned(), stage: 0 });
        assert!(world.take_parcel(17).is_some() && world.take_parcel(17).is_none());
    }
}
