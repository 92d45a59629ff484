//! What orders hold moves with the goods when these are put elsewhere: nobody loses what he holds.

use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    config::Stamp,
    error::Error,
    ledger::{self, commands::Work},
    reservation::{
        domain::{Grant, take_held},
        store,
    },
};

/// Ends what orders hold of a lot in a place, up to a quantity, so that the goods can be carried away; what is in shipments
/// stays. Returns what the orders are to hold again where the goods are set down ([`set_down`], in the same transaction).
pub(crate) async fn lift(
    conn: &mut PgConnection,
    work: &mut Work,
    (lot, from, to): (Uuid, i64, i64),
    quantity: Decimal,
    stamp: &Stamp<'_>,
) -> Result<Vec<Grant>, Error> {
    if quantity <= Decimal::ZERO {
        return Ok(Vec::new());
    }
    let mut held = store::held_of_lot(conn, lot, Some(from)).await?;
    held.retain(|piece| piece.shipment.is_none());
    let (parts, _) = take_held(&held, quantity);
    if store::end(conn, &parts, "released", "put_away", stamp.now).await? != parts.len() as u64 {
        return Err(Error::Inconsistent("a reservation had already ended"));
    }
    let freed = parts.iter().map(|(piece, part)| (piece.sku.clone(), lot, from, -*part));
    ledger::commands::hold(conn, work, freed).await?;
    let again = |(piece, quantity): (crate::reservation::domain::Held, Decimal)| Grant {
        order: piece.order,
        line_no: piece.line_no,
        sku: piece.sku,
        lot,
        place: to,
        quantity,
    };
    Ok(parts.into_iter().map(again).collect())
}

/// Lets orders hold again what was lifted; the goods lie there now. The orders' lines hold as much as before.
pub(crate) async fn set_down(
    conn: &mut PgConnection,
    work: &mut Work,
    carried: &[Grant],
    stamp: &Stamp<'_>,
) -> Result<(), Error> {
    if carried.is_empty() {
        return Ok(());
    }
    store::insert(conn, carried, stamp.now).await?;
    let parts = carried.iter().map(|one| (one.sku.clone(), one.lot, one.place, one.quantity));
    ledger::commands::hold(conn, work, parts).await
}
