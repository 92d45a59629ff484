//! State changes of bins.

use sqlx::PgConnection;

pub(crate) mod scan;

use super::{
    domain::{BinChange, Blocks, Refusal},
    store,
};
use crate::{
    config::Stamp,
    error::Error,
    ledger::commands::{finish, lock},
    reservation::{
        commands::{release, serve},
        domain::{Held, whole},
        store as reservations,
    },
    warehouses::store as warehouses,
};

/// Creates bins of a warehouse or changes them; each once. Returns how many are new and how many changed.
///
/// # Errors
/// [`Error::UnknownWarehouse`], [`Refusal::BarcodeTaken`], [`Refusal::PurposeFixed`].
pub(crate) async fn upsert(conn: &mut PgConnection, warehouse: &str, bins: &[BinChange]) -> Result<(i64, i64), Error> {
    let known = warehouses::by_code(conn, warehouse).await?;
    let warehouse = known.ok_or_else(|| Error::UnknownWarehouse(warehouse.to_owned()))?;
    store::queue_changes(conn).await?;
    let places: Vec<_> = bins.iter().map(|bin| format!("{}/{}", warehouse.code, bin.code)).collect();
    for (code, kind) in store::kinds(conn, &places).await? {
        let wanted = places.iter().zip(bins).find(|(place, _)| **place == code);
        if wanted.is_some_and(|(_, bin)| bin.purpose.kind() != kind) {
            return Err(Refusal::PurposeFixed(code).into());
        }
    }
    let barcodes: Vec<_> = bins.iter().map(|bin| bin.barcode.as_str()).collect();
    store::free_barcodes(conn, &places, &barcodes).await?;
    if let Some((barcode, place)) = store::barcode_taken(conn, &places, &barcodes).await? {
        return Err(Refusal::BarcodeTaken { barcode, place }.into());
    }
    Ok(store::upsert(conn, warehouse.id, &places, bins).await?)
}

/// Blocks the bin of a barcode or place code for exactly what is said. Returns how many reservations orders had to give back.
///
/// # Errors
/// [`Error::UnknownPlace`], [`Refusal::DefaultBin`]; [`Error::BinBusy`] when goods came in meanwhile: begin anew.
pub(crate) async fn block(
    conn: &mut PgConnection,
    barcode: &str,
    blocks: &Blocks,
    stamp: &Stamp<'_>,
) -> Result<usize, Error> {
    let id = scan::bin(conn, barcode).await?.id;
    store::queue_blocks(conn, id).await?;
    let bin = scan::bin(conn, barcode).await?;
    let opens = blocks.picking.is_empty();
    if bin.is_default && !opens {
        return Err(Refusal::DefaultBin(bin.place).into());
    }
    if opens == bin.picking_block.is_empty() {
        store::set_blocks(conn, bin.id, blocks).await?;
        return Ok(0);
    }
    let skus = store::skus_in(conn, bin.id).await?;
    let mut work = lock(conn, skus.iter().cloned().collect(), false).await?;
    store::set_sellable(conn, bin.id, opens).await?;
    let mut loose: Vec<(Held, _)> = Vec::new();
    if !opens {
        let held = reservations::held_in_place(conn, bin.id).await?;
        loose.extend(held.into_iter().filter(|piece| piece.shipment.is_none()).map(whole));
        release(conn, &mut work, &loose, "released", "lot_unavailable", stamp).await?;
        loose.iter().for_each(|(piece, _)| work.reallocated(piece.order, "stock_changed"));
    }
    serve(conn, &mut work, Vec::new(), stamp, "stock_changed").await?;
    finish(conn, work, stamp).await?;
    if !store::take(conn, bin.id).await? || store::skus_in(conn, bin.id).await? != skus {
        return Err(Error::BinBusy(bin.place));
    }
    store::set_blocks(conn, bin.id, blocks).await?;
    Ok(loose.len())
}
