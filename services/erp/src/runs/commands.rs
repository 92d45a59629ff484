//! State changes of runs.

use std::collections::HashMap;

use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    domain::{Outcome, Refusal, collected},
    store::{self, Ended, Head, NewRun},
};
use crate::{
    config::Stamp,
    error::Error,
    fulfilment::{
        commands::{deliver, ship_each},
        domain::State,
        queries_queue::{self, Filter},
        store as shipments,
    },
    ledger::commands::{finish, lock},
    warehouses::store as warehouses,
};

/// What a run is to be made of.
pub(super) struct Wanted {
    pub(super) courier: String,
    pub(super) warehouse: String,
    /// Shipments with what is to be collected, if it was said; empty means whatever waits for the region.
    pub(super) stops: Vec<(Uuid, Option<Decimal>)>,
    pub(super) region: String,
    pub(super) most: i64,
}

/// Makes a run.
///
/// # Errors
/// [`Error::UnknownWarehouse`]; [`Error::NotFound`] for a shipment; a [`Refusal`].
pub(super) async fn create(conn: &mut PgConnection, wanted: &Wanted, stamp: &Stamp<'_>) -> Result<Uuid, Error> {
    let code = &wanted.warehouse;
    let warehouse = warehouses::by_code(conn, code).await?.ok_or_else(|| Error::UnknownWarehouse(code.clone()))?;
    let mut named = wanted.stops.clone();
    if named.is_empty() {
        let filter = Filter {
            region: Some(&wanted.region),
            warehouse: Some(code),
            zone: &stamp.rules.zone,
            ..Filter::default()
        };
        let waiting =
            queries_queue::in_states(conn, &filter, (&[State::Packed.code()], Some(false)), None, wanted.most).await?;
        named = waiting.into_iter().map(|entry| (entry.id, None)).collect();
    }
    let ids: Vec<_> = named.iter().map(|(id, _)| *id).collect();
    let locked = shipments::lock(conn, &ids).await?;
    if let Some(unknown) = ids.iter().find(|id| locked.iter().all(|shipment| shipment.id != **id)) {
        return Err(Error::NotFound("shipment", unknown.to_string()));
    }
    let given: HashMap<Uuid, Option<Decimal>> = named.into_iter().collect();
    let mut parcels = store::parcels(conn, &ids).await?;
    if wanted.stops.is_empty() {
        parcels.retain(|parcel| !parcel.on_run && parcel.state == State::Packed.code());
    }
    if parcels.is_empty() {
        return Err(Refusal::Empty.into());
    }
    let mut stops = Vec::with_capacity(parcels.len());
    for parcel in parcels {
        let said = given.get(&parcel.shipment).copied().flatten();
        stops.push((parcel.shipment, parcel.order, parcel.cash_due(said)?));
    }
    let id = service::new_id();
    let run = NewRun { id, warehouse: warehouse.id, courier: &wanted.courier, region: &wanted.region };
    store::insert(conn, &run, &stops, stamp.now, stamp.by).await?;
    Ok(id)
}

async fn expect(conn: &mut PgConnection, id: Uuid, wanted: &str) -> Result<Head, Error> {
    let head = store::lock(conn, id).await?.ok_or_else(|| Error::NotFound("delivery run", id.to_string()))?;
    if head.state == wanted { Ok(head) } else { Err(Refusal::State(head.state).into()) }
}

/// The courier leaves: what is packed is shipped, what was given up meanwhile is left out.
///
/// # Errors
/// [`Error::NotFound`]; [`Refusal::State`]; [`Refusal::Empty`].
pub(super) async fn start(conn: &mut PgConnection, id: Uuid, stamp: &Stamp<'_>) -> Result<(), Error> {
    let ids = store::shipments(conn, id).await?;
    let skus = shipments::skus(conn, &ids).await?;
    let mut work = lock(conn, skus.into_iter().collect(), false).await?;
    let found = shipments::lock(conn, &ids).await?;
    let head = expect(conn, id, "open").await?;
    let (go, rest): (Vec<_>, Vec<_>) = found.into_iter().partition(|shipment| shipment.state == State::Packed);
    let (under_way, gone): (Vec<_>, Vec<_>) = rest.into_iter().partition(|one| one.state == State::Shipped);
    if go.is_empty() && under_way.is_empty() {
        return Err(Refusal::Empty.into());
    }
    let gone: Vec<_> = gone.into_iter().map(|shipment| shipment.id).collect();
    store::start(conn, id, &gone, stamp.now).await?;
    ship_each(conn, &mut work, &go, &head.courier, stamp).await?;
    finish(conn, work, stamp).await
}

/// What is said of a stop.
pub(super) struct Said {
    pub(super) shipment: Uuid,
    pub(super) outcome: Outcome,
    pub(super) collected: Option<Decimal>,
    pub(super) note: String,
}

/// Says how a stop ended.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::ShipmentState`]; a [`Refusal`].
pub(super) async fn record_stop(
    conn: &mut PgConnection,
    id: Uuid,
    said: &Said,
    stamp: &Stamp<'_>,
) -> Result<(), Error> {
    let shipment = shipments::lock(conn, &[said.shipment]).await?.pop();
    expect(conn, id, "started").await?;
    let stop = store::stop(conn, id, said.shipment).await?;
    let (Some(shipment), Some((due, outcome))) = (shipment, stop) else {
        return Err(Error::NotFound("stop for shipment", said.shipment.to_string()));
    };
    if outcome != "pending" {
        return Err(Refusal::StopState(outcome).into());
    }
    let collected = collected(said.outcome, due, said.collected, &said.note)?;
    let ended = Ended { outcome: said.outcome.code(), collected, note: &said.note, at: stamp.now };
    store::end_stop(conn, id, said.shipment, &ended).await?;
    if said.outcome == Outcome::Delivered && shipment.state != State::Delivered {
        let results = deliver(conn, &[said.shipment], None, stamp).await?;
        if let Some(refusal) = results.into_iter().find_map(|result| result.refusal) {
            return Err(refusal);
        }
    }
    Ok(())
}

/// The courier is back and nothing is unaccounted for.
///
/// # Errors
/// [`Error::NotFound`]; [`Refusal::State`], [`Refusal::StopsPending`], [`Refusal::GoodsOut`].
pub(super) async fn close(conn: &mut PgConnection, id: Uuid, stamp: &Stamp<'_>) -> Result<(), Error> {
    expect(conn, id, "started").await?;
    match store::unaccounted(conn, id).await? {
        (0, 0) => Ok(store::close(conn, id, stamp.now).await?),
        (0, out) => Err(Refusal::GoodsOut(out).into()),
        (pending, _) => Err(Refusal::StopsPending(pending).into()),
    }
}
