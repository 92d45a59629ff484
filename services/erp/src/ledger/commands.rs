//! One transaction's work on the stock: lock, post, hold, and at the end write totals and publish.

use std::collections::{BTreeMap, BTreeSet};

use messaging::NewEvent;
use proto::erp::v1::{ErpEvent, OrderAllocated, erp_event::Event};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    domain::{Item, Move, PlaceKind, StockState, deltas},
    store,
};
use crate::{
    config::Stamp,
    demand,
    error::Error,
    items::convert as item_events,
    valuation::commands::{
        dates::{Dating, date, still_there},
        value::value,
    },
};

/// What a transaction has locked and will have to say at its end. Made by [`lock`], used up by [`finish`].
#[derive(Default)]
pub struct Work {
    items: BTreeMap<String, Item>,
    /// Facts of orders, in order.
    pub(crate) facts: BTreeMap<Uuid, Vec<Event>>,
    /// Orders whose reservation changed, and why.
    pub(crate) allocated: BTreeMap<Uuid, &'static str>,
    /// Orders this transaction has made, each with the one fact it will have told if nothing else happens to it here.
    pub(crate) placed: BTreeMap<Uuid, Option<NewEvent>>,
    /// Facts of other aggregates.
    pub(crate) others: Vec<NewEvent>,
}

impl Work {
    /// The locked items' skus.
    pub(crate) fn skus(&self) -> Vec<String> {
        self.items.keys().cloned().collect()
    }

    /// A locked item.
    pub(crate) fn item(&self, sku: &str) -> Option<&Item> {
        self.items.get(sku)
    }

    /// The unit of an item that is known.
    pub(crate) fn unit(&self, sku: &str) -> Option<&str> {
        self.items.get(sku)?.unit.as_deref()
    }

    /// Whether somebody waits for an item: an open line wants more than it holds.
    pub(crate) fn awaited(&self, sku: &str) -> bool {
        self.items.get(sku).is_some_and(|item| !item.backordered.is_zero())
    }

    /// Changes a locked item's totals.
    ///
    /// # Errors
    /// [`Error::Inconsistent`] when the item is not locked: a bug, never to be committed.
    pub(crate) fn change(&mut self, sku: &str, change: impl FnOnce(&mut Item)) -> Result<(), Error> {
        let item = self.items.get_mut(sku).ok_or(Error::Inconsistent("an item was changed without its lock"))?;
        change(item);
        item.changed = true;
        Ok(())
    }

    /// Notes that something beside the items' totals changed: their rows are written, for those who watch them.
    pub(crate) fn touch(&mut self) {
        self.items.values_mut().for_each(|item| item.changed = true);
    }

    /// Notes what can be promised of each locked item after this transaction.
    pub(crate) fn note_available(&mut self, available: &BTreeMap<String, Decimal>) {
        for (sku, item) in &mut self.items {
            item.available = Some(available.get(sku).copied().unwrap_or_default());
        }
    }

    /// Adds a fact of an order.
    pub(crate) fn tell(&mut self, order: Uuid, event: Event) {
        self.disturb(order);
        self.facts.entry(order).or_default().push(event);
    }

    /// Notes an order that was just made, and what it got.
    pub(crate) fn placed(&mut self, order: Uuid, got: OrderAllocated, stamp: &Stamp<'_>) {
        let fact = ErpEvent { event: Some(Event::OrderAllocated(got)) };
        self.placed.insert(order, Some(NewEvent::of("demand", order, 1, stamp.now, &fact)));
    }

    /// Notes that an order's reservation changed. The first reason stays.
    pub(crate) fn reallocated(&mut self, order: Uuid, cause: &'static str) {
        self.disturb(order);
        self.allocated.entry(order).or_insert(cause);
    }

    /// Notes that something happens to an order: if it is one just made, what it got is no longer what it has.
    pub(crate) fn disturb(&mut self, order: Uuid) {
        if self.placed.get_mut(&order).and_then(Option::take).is_some() {
            self.allocated.insert(order, "order");
        }
    }
}

/// Locks the items a transaction will touch, all at once. Items nobody told us of get a row to be waited for.
///
/// # Errors
/// Database errors.
pub async fn lock(conn: &mut PgConnection, skus: BTreeSet<String>, create: bool) -> Result<Work, Error> {
    let skus: Vec<_> = skus.into_iter().collect();
    if skus.is_empty() {
        return Ok(Work::default());
    }
    if create && store::count_items(conn, &skus).await? < skus.len() as i64 {
        store::insert_unknown_items(conn, &skus).await?;
    }
    Ok(Work { items: store::lock_items(conn, &skus).await?, ..Work::default() })
}

/// A movement as it was posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posted {
    /// Number in the ledger.
    pub id: i64,
    /// What it is worth; zero within a warehouse.
    pub value: Decimal,
}

/// Posts movements at a moment, or when their item last moved if that is later: ledger entries, layers of cost, balances
/// and the items' totals, in a handful of statements however many they are. Answers them in the order given.
///
/// # Errors
/// [`Error::StandardCostMissing`]; [`Error::Inconsistent`] when goods would leave a place that never had them; constraint
/// violations below zero.
pub async fn post(
    conn: &mut PgConnection,
    work: &mut Work,
    moves: &[Move],
    moved_at: OffsetDateTime,
    stamp: &Stamp<'_>,
) -> Result<Vec<Posted>, Error> {
    post_dated(conn, work, moves, Dating::NotBefore(moved_at), stamp).await
}

/// Posts movements at a moment that may lie in the past, as long as its period is open; what the items did since is valued
/// again. The items must be locked together with what was made of them (`lock_with_made`).
///
/// # Errors
/// As [`post`]; [`Error::PeriodClosed`], [`Error::PastWouldBeNegative`].
pub(crate) async fn post_at(
    conn: &mut PgConnection,
    work: &mut Work,
    moves: &[Move],
    moved_at: OffsetDateTime,
    stamp: &Stamp<'_>,
) -> Result<Vec<Posted>, Error> {
    post_dated(conn, work, moves, Dating::Exactly(moved_at), stamp).await
}

async fn post_dated(
    conn: &mut PgConnection,
    work: &mut Work,
    moves: &[Move],
    dating: Dating,
    stamp: &Stamp<'_>,
) -> Result<Vec<Posted>, Error> {
    if moves.is_empty() {
        return Ok(Vec::new());
    }
    let dates = date(conn, work, moves, dating, stamp).await?;
    if !dates.past.is_empty() {
        still_there(conn, moves, &dates).await?;
    }
    let valuation = value(conn, work, moves, &dates, stamp).await?;
    let at: Vec<_> = moves.iter().map(|one| dates.of(one)).collect();
    let ids = store::insert_moves(conn, moves, &at, &valuation.values, (stamp.now, stamp.by)).await?;
    let posted: Vec<_> =
        ids.iter().zip(&valuation.values).map(|(id, valued)| Posted { id: *id, value: valued.value }).collect();
    valuation.write(conn, work, (moves, &ids), &dates, stamp).await?;
    let sums = deltas(moves);
    let (raises, lowers): (Vec<_>, Vec<_>) = sums
        .iter()
        .filter(|(_, delta)| !delta.quantity.is_zero())
        .partition(|(_, delta)| delta.quantity > Decimal::ZERO);
    store::raise_balances(conn, &raises).await?;
    if store::lower_balances(conn, &lowers).await? != lowers.len() as u64 {
        return Err(Error::Inconsistent("goods left a place that never had them"));
    }
    for one in moves.iter().filter(|one| one.from.kind.is_own() || one.to.kind.is_own()) {
        let sign = |kind| if kind == PlaceKind::Stock { Decimal::ONE } else { Decimal::ZERO };
        let change = one.quantity * (sign(one.to.kind) - sign(one.from.kind));
        work.change(&one.sku, |item| {
            item.on_hand += change;
            item.last_moved_at = item.last_moved_at.max(Some(dates.of(one)));
        })?;
    }
    Ok(posted)
}

/// Changes what is held of lots in places, and the items' totals with it.
///
/// # Errors
/// [`Error::Inconsistent`] when a balance does not exist; constraint violations when more than on hand would be held.
pub(crate) async fn hold(
    conn: &mut PgConnection,
    work: &mut Work,
    parts: impl IntoIterator<Item = (String, Uuid, i64, Decimal)>,
) -> Result<(), Error> {
    let mut held: BTreeMap<(Uuid, i64), Decimal> = BTreeMap::new();
    for (sku, lot, place, quantity) in parts {
        *held.entry((lot, place)).or_default() += quantity;
        work.change(&sku, |item| item.reserved += quantity)?;
    }
    if store::change_held(conn, &held).await? != held.len() as u64 {
        return Err(Error::Inconsistent("goods were held in a place that never had them"));
    }
    Ok(())
}

/// Ends the work: writes the items' totals, says what became depleted or available, and publishes the orders' facts.
///
/// # Errors
/// Database errors.
pub async fn finish(conn: &mut PgConnection, mut work: Work, stamp: &Stamp<'_>) -> Result<(), Error> {
    let mut events = std::mem::take(&mut work.others);
    for (sku, item) in &mut work.items {
        let Some(available) = item.available else { continue };
        // What is available may change while all totals stay (a lot is blocked or expires): those who watch go by the row.
        item.changed = true;
        let before = item.state;
        let after = before.after(available, item.backordered);
        if after == before {
            continue;
        }
        item.state = after;
        let fact = match after {
            StockState::Depleted => item_events::stock_depleted(sku, item, stamp.now),
            StockState::Available if before == StockState::Depleted => {
                item_events::stock_replenished(sku, item, available, stamp.now)
            }
            StockState::Available | StockState::New => continue,
        };
        item.version += 1;
        events.push(NewEvent::of("stock_item", sku, item.version, stamp.now, &fact));
    }
    store::write_items(conn, &work.items, stamp.now).await?;
    events.extend(demand::commands::publish(conn, work, stamp).await?);
    messaging::outbox::append(conn, &events).await?;
    Ok(())
}
