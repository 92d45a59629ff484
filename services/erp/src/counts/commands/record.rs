//! What counters say.
//!
//! It is written under the lock of the item, like every movement of it: so the books it is compared with are of exactly that
//! moment. Nothing else is frozen; a scan holds up the item's orders for as long as one of them would hold up another.

use std::collections::BTreeSet;

use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    bins::scan,
    config::Stamp,
    counts::{
        domain::{MAX_LINES, Refusal, Scanned, State},
        store,
        store_lines::{self, LineKey},
    },
    error::Error,
    items::commands::known_units,
    ledger::commands::{Work, lock},
};

/// What was noted.
pub(in crate::counts) struct Recorded {
    /// Number.
    pub(in crate::counts) entry: i64,
    /// Round.
    pub(in crate::counts) round: i32,
    /// Item.
    pub(in crate::counts) sku: String,
    /// Lot number.
    pub(in crate::counts) lot: String,
}

/// Notes how much of a lot lies in a bin.
///
/// # Errors
/// Unknown things; [`Refusal::State`], [`Refusal::NotInCount`], [`Refusal::TooLarge`].
pub(in crate::counts) async fn record(
    conn: &mut PgConnection,
    id: Uuid,
    scanned: &Scanned,
    stamp: &Stamp<'_>,
) -> Result<Recorded, Error> {
    let bin = scan::bin(conn, &scanned.bin).await?;
    let sku = scan::item(conn, &scanned.item).await?;
    let work = lock(conn, [sku.clone()].into(), false).await?;
    known_units(&work, [(sku.as_str(), scanned.unit.as_str())].into_iter())?;
    open(conn, id).await?;
    match store_lines::covers(conn, id, bin.id, &sku).await? {
        (true, true) => {}
        (false, _) => return Err(Refusal::NotInCount(bin.place).into()),
        (_, false) => return Err(Refusal::NotInCount(sku).into()),
    }
    let lot = scan::lot(conn, &sku, &scanned.lot, bin.id).await?;
    let key = LineKey { place_id: bin.id, sku: sku.clone(), lot_id: lot.id };
    let said = [(key, scanned.quantity)];
    let noted = store_lines::record(conn, id, &said, false, (stamp.by, stamp.now)).await?;
    bounded(conn, id).await?;
    let (entry, round) = noted.first().copied().ok_or(Error::Inconsistent("a count was not noted"))?;
    Ok(Recorded { entry, round, sku, lot: lot.number })
}

/// Notes that all of a bin has been counted: what nobody counted there is not there. Returns the bin's place code.
///
/// # Errors
/// [`Error::UnknownPlace`], [`Refusal::State`], [`Refusal::NotInCount`], [`Refusal::TooLarge`].
pub(in crate::counts) async fn complete_bin(
    conn: &mut PgConnection,
    id: Uuid,
    bin: &str,
    stamp: &Stamp<'_>,
) -> Result<String, Error> {
    let bin = scan::bin(conn, bin).await?;
    let skus: BTreeSet<_> =
        store_lines::uncounted(conn, id, Some(bin.id)).await?.into_iter().map(|key| key.sku).collect();
    let work = lock(conn, skus, false).await?;
    open(conn, id).await?;
    if !store_lines::covers(conn, id, bin.id, "").await?.0 {
        return Err(Refusal::NotInCount(bin.place).into());
    }
    if !store_lines::is_complete(conn, id, bin.id).await? {
        assume_empty(conn, id, Some(bin.id), &work, stamp).await?;
        store_lines::complete(conn, id, Some(bin.id), (stamp.by, stamp.now)).await?;
    }
    Ok(bin.place)
}

/// Notes that nothing is there of what nobody has counted in a bin, or in all that are not complete. Items that came in while the locks were
/// taken are left alone: nobody can have missed them.
pub(super) async fn assume_empty(
    conn: &mut PgConnection,
    id: Uuid,
    place: Option<i64>,
    work: &Work,
    stamp: &Stamp<'_>,
) -> Result<(), Error> {
    let mut empty = store_lines::uncounted(conn, id, place).await?;
    empty.retain(|key| work.unit(&key.sku).is_some());
    if empty.is_empty() {
        return Ok(());
    }
    let said: Vec<_> = empty.into_iter().map(|key| (key, rust_decimal::Decimal::ZERO)).collect();
    store_lines::record(conn, id, &said, true, (stamp.by, stamp.now)).await?;
    bounded(conn, id).await
}

/// The count is open, and stays so until this transaction ends.
async fn open(conn: &mut PgConnection, id: Uuid) -> Result<(), Error> {
    let head = store::share(conn, id).await?.ok_or_else(|| Error::NotFound("count", id.to_string()))?;
    Ok(head.state.among(&[State::Open], "counted")?)
}

async fn bounded(conn: &mut PgConnection, id: Uuid) -> Result<(), Error> {
    if store_lines::lines(conn, id).await? > MAX_LINES {
        return Err(Refusal::TooLarge.into());
    }
    Ok(())
}
