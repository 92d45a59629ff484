//! When movements count as having happened.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    config::Stamp,
    error::Error,
    ledger::{commands::Work, domain::Move},
    valuation::{domain::Method, store_past as store},
};

/// How a document says when it happened.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Dating {
    /// Then, or when the item last moved if that is later: nothing that happened is looked at again.
    NotBefore(OffsetDateTime),
    /// Then and not otherwise; what happened to the items since is valued again.
    Exactly(OffsetDateTime),
}

/// When a document's movements happen.
pub(crate) struct Dates {
    by_sku: BTreeMap<String, OffsetDateTime>,
    /// Items that moved later already.
    pub(crate) past: BTreeSet<String>,
    /// Something is dated before today, so what was counted at the end of earlier days changes.
    pub(crate) before_today: bool,
}

impl Dates {
    /// The moment of a movement.
    pub(crate) fn of(&self, one: &Move) -> OffsetDateTime {
        self.by_sku.get(&one.sku).copied().unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

/// Dates the movements of locked items.
///
/// # Errors
/// [`Error::PeriodClosed`]; [`Error::Inconsistent`] for an item that is not locked.
pub(crate) async fn date(
    conn: &mut PgConnection,
    work: &Work,
    moves: &[Move],
    dating: Dating,
    stamp: &Stamp<'_>,
) -> Result<Dates, Error> {
    let mut dates = Dates { by_sku: BTreeMap::new(), past: BTreeSet::new(), before_today: false };
    for one in moves.iter().filter(|one| one.from.kind.is_own() || one.to.kind.is_own()) {
        let item = work.item(&one.sku).ok_or(Error::Inconsistent("an item was moved without its lock"))?;
        let last = item.last_moved_at.unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let at = match dating {
            Dating::NotBefore(at) => at.max(last),
            Dating::Exactly(at) => at,
        };
        if item.basis().is_none() && item.method == Method::Standard {
            return Err(Error::StandardCostMissing(one.sku.clone()));
        }
        if at < last {
            dates.past.insert(one.sku.clone());
        }
        dates.by_sku.insert(one.sku.clone(), at);
    }
    for one in moves {
        let (Dating::NotBefore(at) | Dating::Exactly(at)) = dating;
        dates.by_sku.entry(one.sku.clone()).or_insert(at);
    }
    let today = stamp.rules.day_start(stamp.today());
    dates.before_today = dates.by_sku.values().any(|at| *at < today);
    if dates.before_today {
        let open_from = store::share_period(conn).await?;
        for at in dates.by_sku.values_mut() {
            match (dating, open_from) {
                (Dating::NotBefore(_), Some(open_from)) => *at = (*at).max(open_from),
                (Dating::Exactly(_), Some(open_from)) if *at < open_from => return Err(Error::PeriodClosed(open_from)),
                _ => {}
            }
        }
    }
    Ok(dates)
}

/// Checks that a moment may still be written to.
///
/// # Errors
/// [`Error::PeriodClosed`].
pub(crate) async fn open(conn: &mut PgConnection, at: OffsetDateTime) -> Result<(), Error> {
    match store::share_period(conn).await? {
        Some(open_from) if at < open_from => Err(Error::PeriodClosed(open_from)),
        _ => Ok(()),
    }
}

/// Checks that what is taken out in the past was there ever since.
///
/// # Errors
/// [`Error::PastWouldBeNegative`] with the first moment at which it would not be.
pub(crate) async fn still_there(conn: &mut PgConnection, moves: &[Move], dates: &Dates) -> Result<(), Error> {
    let mut changes: Vec<(Uuid, i64, OffsetDateTime, rust_decimal::Decimal)> = Vec::new();
    for one in moves.iter().filter(|one| dates.past.contains(&one.sku)) {
        for (place, quantity) in [(one.from, -one.quantity), (one.to, one.quantity)] {
            if place.kind.is_own() {
                changes.push((one.lot, place.id, dates.of(one), quantity));
            }
        }
    }
    if changes.iter().all(|(.., quantity)| quantity.is_sign_positive()) {
        return Ok(());
    }
    match store::first_negative(conn, &changes).await? {
        None => Ok(()),
        Some(gap) => Err(Error::PastWouldBeNegative(Box::new(gap))),
    }
}
