//! State changes of put-away: rules, and goods that were put somewhere.

use std::collections::HashMap;

use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{domain::Rule, store};
use crate::{
    bins::{
        domain::{Capacity, Refusal},
        queries::BinView,
        scan, store as bins,
    },
    config::Stamp,
    error::Error,
    items::commands::known_units,
    ledger::{
        commands::{finish, lock, post},
        domain::{Cause, Move},
        store::balances,
    },
    reservation::commands::{lift, serve, set_down},
    stock::{commands::not_enough, store as stock},
    warehouses::{domain::Warehouse, store as warehouses},
};

async fn warehouse_of(conn: &mut PgConnection, code: &str) -> Result<Warehouse, Error> {
    warehouses::by_code(conn, code).await?.ok_or_else(|| Error::UnknownWarehouse(code.to_owned()))
}

/// Creates rules of a warehouse or changes them, each with the code of its place (or none). Returns how many are new.
///
/// # Errors
/// [`Error::UnknownWarehouse`], [`Error::UnknownPlace`].
pub(super) async fn upsert_rules(
    conn: &mut PgConnection,
    warehouse: &str,
    rules: Vec<(Rule, String)>,
) -> Result<i64, Error> {
    let warehouse = warehouse_of(conn, warehouse).await?;
    let codes: Vec<_> = rules.iter().map(|(_, place)| place.as_str()).filter(|place| !place.is_empty()).collect();
    let places: HashMap<_, _> = store::places(conn, warehouse.id, &codes).await?;
    let mut found = Vec::with_capacity(rules.len());
    for (rule, place) in rules {
        let id = places.get(&place).copied();
        if id.is_none() && !place.is_empty() {
            return Err(Error::UnknownPlace(place));
        }
        found.push(Rule { place: id, ..rule });
    }
    Ok(store::upsert(conn, warehouse.id, &found).await?)
}

/// Deletes rules of a warehouse. Returns how many there were.
///
/// # Errors
/// [`Error::UnknownWarehouse`].
pub(super) async fn delete_rules(conn: &mut PgConnection, warehouse: &str, codes: &[String]) -> Result<u64, Error> {
    let warehouse = warehouse_of(conn, warehouse).await?;
    Ok(store::delete(conn, warehouse.id, codes).await?)
}

/// What a person scanned after putting goods away.
#[derive(Clone, Debug)]
pub(super) struct Scanned {
    /// Barcode or code of the place they were in.
    pub(super) from: String,
    /// Barcode or code of the place they are in now.
    pub(super) to: String,
    /// Barcode of the item, or sku.
    pub(super) item: String,
    /// Lot number; empty when there is only one.
    pub(super) lot: String,
    /// Unit code of the quantity.
    pub(super) unit: String,
    /// How much.
    pub(super) quantity: Decimal,
}

/// What was moved.
#[derive(Clone, Debug)]
pub(super) struct PutAway {
    /// Id of the transfer.
    pub(super) id: Uuid,
    /// Item.
    pub(super) sku: String,
    /// Lot number.
    pub(super) lot: String,
    /// What is left where it was.
    pub(super) left: Decimal,
}

/// Moves goods that were put away, and with them what orders hold of them.
///
/// # Errors
/// Unknown things; [`Refusal`]s of the bin; [`Error::NotEnoughStock`] when too little lies there or too much is in shipments.
pub(super) async fn confirm(conn: &mut PgConnection, scanned: &Scanned, stamp: &Stamp<'_>) -> Result<PutAway, Error> {
    let (from, to) = (scan::bin(conn, &scanned.from).await?, scan::bin(conn, &scanned.to).await?);
    if from.id == to.id || from.warehouse_id != to.warehouse_id {
        return Err(Error::field("to_barcode", "must be another place of the same warehouse"));
    }
    to.takes_goods()?;
    let sku = scan::item(conn, &scanned.item).await?;
    let mut work = lock(conn, [sku.clone()].into(), false).await?;
    known_units(&work, [(sku.as_str(), scanned.unit.as_str())].into_iter())?;
    let lot = scan::lot(conn, &sku, &scanned.lot, from.id).await?;
    bins::queue_put_aways(conn, to.id).await?;
    check_room(conn, &to, &sku, scanned).await?;

    let key = (lot.id, from.id);
    let found = balances(conn, &[key]).await?.remove(&key);
    let Some(balance) = found else { return Err(not_enough(&sku, &lot.number, Decimal::ZERO)) };
    let free = balance.on_hand - balance.reserved;
    let sells = to.kind == "stock" && to.picking_block.is_empty();
    let wanted = if sells { scanned.quantity - free } else { Decimal::ZERO };
    let carried = lift(conn, &mut work, (lot.id, from.id, to.id), wanted, stamp).await?;
    let movable = free + carried.iter().map(|one| one.quantity).sum::<Decimal>();
    if movable < scanned.quantity {
        return Err(not_enough(&sku, &lot.number, movable));
    }
    let id = service::new_id();
    stock::insert_document(conn, id, "transfer", "put away", stamp.by, stamp.now).await?;
    let cause = Cause { kind: "transfer", id, order: None };
    let one = Move::new(from.as_place(), to.as_place(), (&sku, lot.id), scanned.quantity, cause);
    post(conn, &mut work, &[one], stamp.now, stamp).await?;
    set_down(conn, &mut work, &carried, stamp).await?;
    serve(conn, &mut work, Vec::new(), stamp, "stock_changed").await?;
    finish(conn, work, stamp).await?;
    Ok(PutAway { id, sku, lot: lot.number, left: balance.on_hand - scanned.quantity })
}

/// That the goods fit into the bin.
async fn check_room(conn: &mut PgConnection, bin: &BinView, sku: &str, scanned: &Scanned) -> Result<(), Error> {
    let capacity = Capacity { quantity: bin.max_quantity, weight_grams: bin.max_weight_grams };
    if capacity == Capacity::default() {
        return Ok(());
    }
    let (fill, weight) = (bins::fill(conn, bin.id).await?, bins::unit_weight(conn, sku).await?);
    let digits = types::Unit::parse(&scanned.unit).map_or(6, types::Unit::digits);
    match capacity.room(&fill, weight, digits) {
        Some(room) if room < scanned.quantity => {
            Err(Refusal::Full { place: bin.place.clone(), room: room.normalize().to_string() }.into())
        }
        _ => Ok(()),
    }
}
