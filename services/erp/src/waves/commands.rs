//! State changes of waves.

use std::collections::{BTreeMap, BTreeSet};

use messaging::NewEvent;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    convert,
    domain::{Candidate, Limits, PickLine, Refusal, Scan, fill, item_of, lack, put},
    store,
};
use crate::{
    config::Stamp,
    demand,
    error::Error,
    fulfilment::{
        commands::{begin, replace_short},
        domain::{ShipmentLine, Short, State},
        queries_queue::{self, Filter},
        store as shipments, store_picking,
    },
    ledger::commands::{Work, finish, lock},
    reservation::{domain::whole, store as reservations},
    warehouses::store as warehouses,
};

/// Entries of the queue looked at for one wave.
const LOOKED_AT: i64 = 2_000;

/// What a wave is to be planned of.
pub(super) struct Wanted {
    pub(super) warehouse: String,
    pub(super) region: String,
    pub(super) delivery_method: String,
    pub(super) limits: Limits,
    pub(super) include_partial: bool,
    /// Only these; empty means whatever the queue has.
    pub(super) orders: Vec<Uuid>,
}

/// Plans a wave.
///
/// # Errors
/// [`Error::UnknownWarehouse`]; [`Refusal::Empty`].
pub(super) async fn create(conn: &mut PgConnection, wanted: &Wanted, stamp: &Stamp<'_>) -> Result<Uuid, Error> {
    let code = &wanted.warehouse;
    let warehouse = warehouses::by_code(conn, code).await?.ok_or_else(|| Error::UnknownWarehouse(code.clone()))?;
    store::lock_warehouse(conn, warehouse.id).await?;
    let given = |text: &'_ String| if text.is_empty() { None } else { Some(text.clone()) };
    let (region, method) = (given(&wanted.region), given(&wanted.delivery_method));
    let filter = Filter {
        region: region.as_deref(),
        delivery_method: method.as_deref(),
        warehouse: Some(code),
        leaves_before: None,
        complete_only: !wanted.include_partial,
        zone: &stamp.rules.zone,
    };
    let only = (!wanted.orders.is_empty()).then_some(wanted.orders.as_slice());
    let queue = queries_queue::to_pick(conn, &filter, only, None, LOOKED_AT).await?;
    let free = queue.into_iter().filter(|entry| entry.wave_id.is_none());
    let candidates: Vec<_> = free
        .map(|entry| Candidate { order: entry.order_id, lines: entry.lines, weight_grams: entry.weight_grams })
        .collect();
    let orders = fill(&candidates, &wanted.limits);
    if orders.is_empty() {
        return Err(Refusal::Empty.into());
    }
    let id = service::new_id();
    let (region, delivery_method) = (wanted.region.as_str(), wanted.delivery_method.as_str());
    let plan = store::Plan { id, warehouse: warehouse.id, region, delivery_method };
    store::insert(conn, &plan, &orders, stamp.now, stamp.by).await?;
    Ok(id)
}

fn unknown(id: Uuid) -> Error {
    Error::NotFound("wave", id.to_string())
}

async fn expect(conn: &mut PgConnection, id: Uuid, wanted: &str) -> Result<store::Head, Error> {
    let head = store::lock(conn, id).await?.ok_or_else(|| unknown(id))?;
    if head.state == wanted { Ok(head) } else { Err(Refusal::State(head.state).into()) }
}

/// Makes shipments of what the orders of a planned wave hold.
///
/// # Errors
/// [`Error::NotFound`]; [`Refusal::State`]; [`Refusal::Empty`].
pub(super) async fn start(conn: &mut PgConnection, id: Uuid, stamp: &Stamp<'_>) -> Result<(), Error> {
    let orders = store::orders(conn, id).await?;
    let (mut work, known) = demand::commands::lock_items(conn, &orders).await?;
    let head = expect(conn, id, "planned").await?;
    let mut of_order: BTreeMap<Uuid, Uuid> = BTreeMap::new();
    let mut assigned = Vec::new();
    for piece in reservations::held_by_orders(conn, &known).await? {
        if piece.shipment.is_none() {
            let shipment = *of_order.entry(piece.order).or_insert_with(service::new_id);
            let (piece, all) = whole(piece);
            assigned.push((piece, all, shipment));
        }
    }
    if assigned.is_empty() {
        return Err(Refusal::Empty.into());
    }
    begin(conn, &mut work, &assigned, stamp.now).await?;
    store::start(conn, id, &of_order, stamp.now).await?;
    let picked: Vec<_> = orders.into_iter().filter(|order| of_order.contains_key(order)).collect();
    let fact = convert::wave_started(id, &head, &picked, stamp.now);
    work.others.push(NewEvent::of("wave", id, 1, stamp.now, &fact));
    finish(conn, work, stamp).await
}

/// Gives up a planned wave.
///
/// # Errors
/// [`Error::NotFound`]; [`Refusal::State`].
pub(super) async fn cancel(conn: &mut PgConnection, id: Uuid, stamp: &Stamp<'_>) -> Result<(), Error> {
    expect(conn, id, "planned").await?;
    Ok(store::cancel(conn, id, stamp.now).await?)
}

/// Locks the item a scan means and reads the picking list under that lock.
async fn lock_scanned(conn: &mut PgConnection, id: Uuid, scan: &Scan) -> Result<(Work, Vec<PickLine>), Error> {
    let state = store::state(conn, id).await?.ok_or_else(|| unknown(id))?;
    if state != "started" {
        return Err(Refusal::State(state).into());
    }
    let seen = store::lines(conn, id).await?;
    let Some(sku) = item_of(&seen, &scan.item) else {
        // Nobody wants it: the refusal says what is wanted.
        put(&seen, scan)?;
        return Err(Error::Inconsistent("an item nobody wants was taken"));
    };
    let work = lock(conn, BTreeSet::from([sku.to_owned()]), false).await?;
    let lines = store::lines(conn, id).await?;
    Ok((work, lines))
}

/// What became of a scan.
pub(super) struct Scanned {
    /// What goes into which tote.
    pub(super) puts: Vec<(PickLine, Decimal)>,
    /// Shipments that are complete now.
    pub(super) picked: Vec<Uuid>,
    /// Lines of which something is left.
    pub(super) lines_left: usize,
}

/// Takes goods and says where they go.
///
/// # Errors
/// [`Error::NotFound`]; a [`Refusal`] that says what was expected.
pub(super) async fn scan(conn: &mut PgConnection, id: Uuid, scan: &Scan, stamp: &Stamp<'_>) -> Result<Scanned, Error> {
    let (_locked, lines) = lock_scanned(conn, id, scan).await?;
    let puts = put(&lines, scan)?;
    let touched = lock_shipments(conn, &puts).await?;
    let scans: Vec<_> =
        puts.iter().map(|(line, part)| ((line.shipment, line.line_no, line.lot, line.place), *part)).collect();
    store_picking::add_scanned(conn, &scans, stamp.now).await?;
    let picked = store_picking::set_scanned_picked(conn, &touched).await?;
    if !picked.is_empty() {
        store::lock(conn, id).await?;
        store::end_if_done(conn, id, stamp.now).await?;
    }
    let done = puts.iter().filter(|(line, part)| line.left == *part).count();
    let open = lines.iter().filter(|line| line.left > Decimal::ZERO).count();
    Ok(Scanned { puts, picked, lines_left: open - done })
}

/// Locks the shipments of lines; all of them must still be being picked.
async fn lock_shipments(conn: &mut PgConnection, parts: &[(PickLine, Decimal)]) -> Result<Vec<Uuid>, Error> {
    let ids: BTreeSet<_> = parts.iter().map(|(line, _)| line.shipment).collect();
    let ids: Vec<_> = ids.into_iter().collect();
    for shipment in shipments::lock(conn, &ids).await? {
        if shipment.state != State::Picking {
            return Err(Error::ShipmentState {
                state: shipment.state.code(),
                wanted: State::Picking.code(),
                done: "scanned",
            });
        }
    }
    Ok(ids)
}

/// Says that goods are missing or spoiled: they leave the stock, and the orders get others or are short. Answers what
/// could not be replaced, with its unit.
///
/// # Errors
/// As for [`scan`].
pub(super) async fn short(
    conn: &mut PgConnection,
    id: Uuid,
    scan: &Scan,
    damaged: bool,
    stamp: &Stamp<'_>,
) -> Result<(Decimal, String), Error> {
    let (mut work, lines) = lock_scanned(conn, id, scan).await?;
    let lacking = lack(&lines, scan)?;
    let touched = lock_shipments(conn, &lacking).await?;
    let orders: BTreeMap<Uuid, Uuid> = lacking.iter().map(|(line, _)| (line.shipment, line.order)).collect();
    let unit = lacking.first().map(|(line, _)| line.unit.clone()).unwrap_or_default();
    let shorts: Vec<_> =
        lacking.into_iter().map(|(line, quantity)| Short { line: shipment_line(line), quantity, damaged }).collect();
    let lost = replace_short(conn, &mut work, &orders, &shorts, stamp).await?;
    shipments::cancel_empty(conn, &touched, stamp.now).await?;
    store_picking::set_scanned_picked(conn, &touched).await?;
    store::lock(conn, id).await?;
    store::end_if_done(conn, id, stamp.now).await?;
    finish(conn, work, stamp).await?;
    Ok((lost, unit))
}

fn shipment_line(line: PickLine) -> ShipmentLine {
    ShipmentLine {
        shipment: line.shipment,
        line_no: line.line_no,
        sku: line.sku,
        unit: line.unit,
        lot: line.lot,
        lot_number: line.lot_number,
        place: line.place,
        quantity: line.quantity,
        cost: Decimal::ZERO,
        returned: Decimal::ZERO,
        returned_cost: Decimal::ZERO,
        moved: None,
    }
}
