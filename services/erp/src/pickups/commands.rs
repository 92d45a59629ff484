//! State changes of pickups.

use proto::erp::v1::{PickupReady, erp_event::Event};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    domain::{Pickup, Refusal, code},
    store,
};
use crate::{
    config::Stamp,
    error::Error,
    fulfilment::{
        commands::{self as shipments, Comeback},
        domain::Shipment,
    },
    ledger::commands::Work,
};

/// Issues the code of a shipment that was just packed, if its buyer comes for it. Its row is locked.
pub(crate) async fn issue(
    conn: &mut PgConnection,
    work: &mut Work,
    shipment: &Shipment,
    stamp: &Stamp<'_>,
) -> Result<(), Error> {
    let Some((method, warehouse)) = store::delivery_of(conn, shipment.order).await? else { return Ok(()) };
    if !stamp.rules.pickup_methods.contains(&method) {
        return Ok(());
    }
    let pickup = fresh(shipment.id, shipment.order, stamp);
    store::insert(conn, &pickup).await?;
    let fact = PickupReady {
        order_id: shipment.order.to_string(),
        shipment_id: shipment.id.to_string(),
        warehouse,
        ready_at: Some(proto::to_timestamp(stamp.now)),
        expires_at: Some(proto::to_timestamp(pickup.expires_at)),
    };
    work.tell(shipment.order, Event::PickupReady(fact));
    Ok(())
}

fn fresh(shipment: Uuid, order: Uuid, stamp: &Stamp<'_>) -> Pickup {
    Pickup {
        shipment,
        order,
        code: code(service::new_id().as_u128()),
        attempts: 0,
        state: "waiting".into(),
        issued_at: stamp.now,
        expires_at: stamp.now + stamp.rules.pickup_wait,
    }
}

fn unknown(shipment: Uuid) -> Error {
    Error::NotFound("pickup of shipment", shipment.to_string())
}

/// Reads a pickup with its code.
///
/// # Errors
/// [`Error::NotFound`].
pub(super) async fn get(conn: &mut PgConnection, shipment: Uuid) -> Result<Pickup, Error> {
    store::get(conn, shipment).await?.ok_or_else(|| unknown(shipment))
}

/// Issues another code and begins the waiting anew.
///
/// # Errors
/// [`Error::NotFound`]; [`Refusal::Ended`].
pub(super) async fn reissue(conn: &mut PgConnection, shipment: Uuid, stamp: &Stamp<'_>) -> Result<Pickup, Error> {
    let pickup = store::lock(conn, shipment).await?.ok_or_else(|| unknown(shipment))?;
    if pickup.state != "waiting" {
        return Err(Refusal::Ended(pickup.state).into());
    }
    let pickup = fresh(shipment, pickup.order, stamp);
    store::reissue(conn, &pickup).await?;
    Ok(pickup)
}

/// Hands the goods over to who knows the code. A refusal is an answer, not an error: the attempt was counted and that is
/// to be kept.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::ShipmentState`].
pub(super) async fn hand_over(
    conn: &mut PgConnection,
    shipment: Uuid,
    code: &str,
    stamp: &Stamp<'_>,
) -> Result<Result<(), Refusal>, Error> {
    // Everything the goods need is locked before the pickup: items, then the shipment, then this row.
    let seen = get(conn, shipment).await?;
    if seen.check(code).is_ok() {
        shipments::ship(conn, shipment, "", "", stamp).await?;
        let delivered = shipments::deliver(conn, &[shipment], None, stamp).await?;
        if let Some(refusal) = delivered.into_iter().find_map(|one| one.refusal) {
            return Err(refusal);
        }
        let now = store::lock(conn, shipment).await?.ok_or_else(|| unknown(shipment))?;
        // Somebody used up the attempts or issued another code meanwhile: nothing of this may stay.
        now.check(code)?;
        store::end(conn, shipment, "collected", stamp.now).await?;
        return Ok(Ok(()));
    }
    let pickup = store::lock(conn, shipment).await?.ok_or_else(|| unknown(shipment))?;
    match pickup.check(code) {
        Ok(()) => Err(Error::VersionConflict(pickup.attempts.into())),
        Err(refusal) => {
            if matches!(refusal, Refusal::WrongCode(_)) {
                store::count_attempt(conn, shipment).await?;
            }
            Ok(Err(refusal))
        }
    }
}

/// Takes back the goods of one parcel nobody came for in time. False when there is none.
///
/// It is told as shipped and failed at the same moment: the picture every listener of a failed delivery knows.
///
/// # Errors
/// Database errors.
pub(crate) async fn expire_one(conn: &mut PgConnection, stamp: &Stamp<'_>) -> Result<bool, Error> {
    let Some(shipment) = store::next_to_expire(conn, stamp.now).await? else { return Ok(false) };
    let packed = match shipments::ship(conn, shipment, "", "", stamp).await {
        Ok(()) => true,
        // It was cancelled, or left another way.
        Err(Error::ShipmentState { .. }) => false,
        Err(error) => return Err(error),
    };
    if packed {
        let comeback = Comeback { reason: "not_collected", ..Comeback::default() };
        shipments::fail(conn, shipment, &comeback, stamp).await?;
    }
    let pickup = store::lock(conn, shipment).await?.ok_or_else(|| unknown(shipment))?;
    if packed && pickup.expires_at > stamp.now {
        // The waiting began anew while we waited for the locks: nothing of this may stay.
        return Err(Error::VersionConflict(pickup.attempts.into()));
    }
    store::end(conn, shipment, if packed { "expired" } else { "cancelled" }, stamp.now).await?;
    Ok(true)
}
