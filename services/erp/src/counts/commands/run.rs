//! How a count begins, goes round again and ends without effect.

use std::collections::{BTreeSet, HashMap};

use sqlx::PgConnection;
use uuid::Uuid;

use super::record::assume_empty;
use crate::{
    bins::scan,
    config::Stamp,
    counts::{
        domain::{Head, MAX_BINS, NewCount, Refusal, State},
        store, store_lines,
    },
    error::Error,
    ledger::commands::lock,
    stock::store as stock,
    warehouses::store as warehouses,
};

/// Begins a count.
///
/// # Errors
/// Unknown warehouse, bins, items; [`Refusal::Nothing`], [`Refusal::TooLarge`].
pub(in crate::counts) async fn create(
    conn: &mut PgConnection,
    count: &NewCount,
    stamp: &Stamp<'_>,
) -> Result<(), Error> {
    let warehouse = warehouses::by_code(conn, &count.warehouse).await?;
    let warehouse = warehouse.ok_or_else(|| Error::UnknownWarehouse(count.warehouse.clone()))?;
    let unknown = store::unknown_skus(conn, &count.skus).await?;
    if !unknown.is_empty() {
        return Err(Error::UnknownSku(unknown.join(", ")));
    }
    let bins = store::bins_by_scan(conn, warehouse.id, &count.bins).await?;
    if let Some(unknown) = count.bins.iter().find(|text| !bins.contains_key(*text)) {
        return Err(Error::UnknownPlace(unknown.clone()));
    }
    store::insert(conn, count, warehouse.id, (stamp.by, stamp.now)).await?;
    let named: Vec<_> = bins.into_values().collect();
    match store::insert_bins(conn, count, warehouse.id, &named).await? {
        0 => Err(Refusal::Nothing.into()),
        bins if bins > MAX_BINS as u64 => Err(Refusal::TooLarge.into()),
        _ => Ok(()),
    }
}

/// Ends the counting.
///
/// # Errors
/// [`Error::NotFound`], [`Refusal::State`], [`Refusal::RecountOpen`], [`Refusal::TooLarge`].
pub(in crate::counts) async fn close(conn: &mut PgConnection, id: Uuid, stamp: &Stamp<'_>) -> Result<(), Error> {
    // What is uncounted matters only when it counts as empty; then its items are locked first, as everywhere.
    let skus: BTreeSet<_> = store_lines::uncounted(conn, id, None).await?.into_iter().map(|key| key.sku).collect();
    let empties = store::counts_empties(conn, id).await?;
    let work = lock(conn, if empties { skus } else { BTreeSet::new() }, false).await?;
    let head = locked(conn, id).await?;
    head.state.among(&[State::Open], "closed")?;
    if head.uncounted_is_empty {
        assume_empty(conn, id, None, &work, stamp).await?;
        store_lines::complete(conn, id, None, (stamp.by, stamp.now)).await?;
    }
    match store_lines::recounts_open(conn, id).await? {
        0 => Ok(store::set_state(conn, id, State::Closed, (stamp.by, stamp.now)).await?),
        open => Err(Refusal::RecountOpen(open).into()),
    }
}

/// Has lines (bin, item, lot number) counted again; the count is open again.
///
/// # Errors
/// [`Error::NotFound`], [`Error::UnknownPlace`], [`Refusal::State`], [`Refusal::NotInCount`].
pub(in crate::counts) async fn demand_recount(
    conn: &mut PgConnection,
    id: Uuid,
    lines: &[(String, String, String)],
    stamp: &Stamp<'_>,
) -> Result<(), Error> {
    let head = locked(conn, id).await?;
    head.state.among(&[State::Open, State::Closed], "counted again")?;
    let wanted: Vec<_> = lines.iter().map(|(_, sku, lot)| (sku.as_str(), lot.as_str())).collect();
    let lots = stock::lots(conn, &wanted).await?;
    let mut places: HashMap<&str, i64> = HashMap::new();
    let mut keys = BTreeSet::new();
    for (bin, sku, number) in lines {
        if !places.contains_key(bin.as_str()) {
            places.insert(bin, scan::bin(conn, bin).await?.id);
        }
        let lot = lots.get(&(sku.clone(), number.clone()));
        let not_counted = || Refusal::NotInCount(format!("lot {number} of {sku} in {bin}"));
        keys.insert((places[bin.as_str()], lot.ok_or_else(not_counted)?.id));
    }
    let keys: Vec<_> = keys.into_iter().collect();
    if store_lines::begin_round(conn, id, &keys).await? != keys.len() as i64 {
        return Err(Refusal::NotInCount("one of the lines".to_owned()).into());
    }
    Ok(store::set_state(conn, id, State::Open, (stamp.by, stamp.now)).await?)
}

/// Gives a count up.
///
/// # Errors
/// [`Error::NotFound`], [`Refusal::State`].
pub(in crate::counts) async fn cancel(conn: &mut PgConnection, id: Uuid, stamp: &Stamp<'_>) -> Result<(), Error> {
    locked(conn, id).await?.state.among(&[State::Open, State::Closed], "cancelled")?;
    Ok(store::set_state(conn, id, State::Cancelled, (stamp.by, stamp.now)).await?)
}

/// The head of a count, locked to change its state.
pub(super) async fn locked(conn: &mut PgConnection, id: Uuid) -> Result<Head, Error> {
    store::lock(conn, id).await?.ok_or_else(|| Error::NotFound("count", id.to_string()))
}
