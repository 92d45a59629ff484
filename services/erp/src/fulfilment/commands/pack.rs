//! Parcels are closed, or taken apart.

use sqlx::PgConnection;
use uuid::Uuid;

use super::pick::lock_shipment;
use crate::{
    config::Stamp,
    error::Error,
    fulfilment::{
        convert,
        domain::{
            Step,
            parcels::{Packing, contents},
        },
        store, store_packing, store_picking,
    },
    ledger::commands::finish,
    pickups,
};

/// Closes the parcels. A self-pickup order gets its code.
///
/// # Errors
/// [`Error::NotFound`], [`Error::ShipmentState`], [`Error::ParcelContents`], [`Error::WeightDiffers`].
pub(crate) async fn pack(conn: &mut PgConnection, id: Uuid, packing: &Packing, stamp: &Stamp<'_>) -> Result<(), Error> {
    let (mut work, shipment) = lock_shipment(conn, id, Step::Pack).await?;
    let weight = packing.weight();
    let expected = store_packing::expected_grams(conn, id).await?;
    let mut reason = "";
    if let (Some(expected), Some(weighed)) = (expected, weight)
        && !stamp.rules.pack_tolerance.holds(expected, weighed)
    {
        reason = &packing.weight_reason;
        if reason.is_empty() {
            let text = |grams: rust_decimal::Decimal| grams.normalize().to_string();
            return Err(Error::WeightDiffers { expected: text(expected), weighed: text(weighed) });
        }
    }
    if !packing.parcels.is_empty() {
        let contents = contents(&store::lines(conn, &[id]).await?, &packing.parcels)?;
        store_packing::insert_parcels(conn, id, &packing.parcels, &contents).await?;
    }
    store::set_packed(conn, &[id], packing.places, weight).await?;
    store_packing::set_expected(conn, id, expected, reason).await?;
    work.tell(shipment.order, convert::packed(shipment.order, id, packing.places, weight, stamp.now));
    pickups::commands::issue(conn, &mut work, &shipment, stamp).await?;
    finish(conn, work, stamp).await
}

/// Notes that a shipment given up after picking was taken apart.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::ShipmentState`] when there is nothing to take apart.
pub(crate) async fn dismantle(conn: &mut PgConnection, id: Uuid, stamp: &Stamp<'_>) -> Result<(), Error> {
    let shipment = store::lock(conn, &[id]).await?.pop();
    let shipment = shipment.ok_or_else(|| Error::NotFound("shipment", id.to_string()))?;
    if store_picking::dismantle(conn, id, stamp.now).await? {
        return Ok(());
    }
    let state = shipment.state.code();
    Err(Error::ShipmentState { state, wanted: "one cancelled after picking", done: "taken apart, once" })
}
