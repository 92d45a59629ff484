//! Giving stock to orders, and taking it back.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{carts::take_from_carts, takeover::take_over};
use crate::{
    config::Stamp,
    demand::{
        self,
        convert::first_allocated,
        domain::{LineDelta, NewDemand},
    },
    error::Error,
    ledger::{self, commands::Work},
    life_rules,
    reservation::{
        domain::{Allocation, Grant, Held, Need, Pool, allocate, good_until},
        store,
    },
    warehouses::{domain::Warehouse, store as warehouses},
};

/// Remembers new demands and serves them together with all who already wait. Demands that are known are left out.
/// Their items, and those of holds they take over, must be locked (rows exist even for items nobody told us of).
pub(crate) async fn place(
    conn: &mut PgConnection,
    work: &mut Work,
    mut demands: Vec<NewDemand>,
    stamp: &Stamp<'_>,
) -> Result<(), Error> {
    let ids: Vec<_> = demands.iter().map(|demand| demand.order_id).collect();
    let known: BTreeSet<_> = demand::store::known(conn, &ids).await?.into_iter().collect();
    demands.retain(|demand| !known.contains(&demand.order_id));
    life_rules::commands::apply(conn, &mut demands).await?;
    let given = take_over(conn, work, &mut demands, stamp).await?;
    distribute(conn, work, Arrivals { demands, given }, stamp, "released_by_other").await
}

/// Demands to be made.
#[derive(Default)]
struct Arrivals {
    demands: Vec<NewDemand>,
    /// What they have from the holds they took over: it is held already.
    given: Vec<Grant>,
}

/// Gives what is free of the locked items to those who wait and to `new` demands, by priority and time, and notes what
/// remains available. `cause` is told to those who had been waiting.
pub(crate) async fn serve(
    conn: &mut PgConnection,
    work: &mut Work,
    new: Vec<NewDemand>,
    stamp: &Stamp<'_>,
    cause: &'static str,
) -> Result<(), Error> {
    distribute(conn, work, Arrivals { demands: new, given: Vec::new() }, stamp, cause).await
}

async fn distribute(
    conn: &mut PgConnection,
    work: &mut Work,
    Arrivals { demands: new, given }: Arrivals,
    stamp: &Stamp<'_>,
    cause: &'static str,
) -> Result<(), Error> {
    let skus = work.skus();
    if skus.is_empty() && new.is_empty() {
        return Ok(());
    }
    let warehouses = if new.is_empty() { Vec::new() } else { warehouses::all(conn, stamp.rules).await? };
    let mut pool = Pool::new(store::free_lots(conn, &skus, stamp.today(), stamp.rules.min_life_days).await?);
    let free = awaited(work, &pool);
    let mut needs = store::waiting(conn, &free, stamp.today()).await?;
    let of_orders: Vec<_> = new.iter().filter(|demand| !demand.hold).map(|demand| demand.order_id).collect();
    needs.extend(new.iter().flat_map(|demand| needs_of(demand, work, &warehouses, &given, stamp)));
    let hard: Vec<_> = needs.iter().filter(|need| of_orders.contains(&need.order)).cloned().collect();
    let ids: Vec<_> = warehouses.iter().map(|warehouse| warehouse.id).collect();
    let mut allocation = allocate(&mut pool, needs, &ids);
    if stamp.rules.orders_take_carts && !hard.is_empty() {
        let more = take_from_carts(conn, work, &hard, &allocation, stamp).await?;
        allocation.grants.extend(more);
    }

    let fresh = remember(conn, work, (&new, &given), &allocation, &warehouses, stamp).await?;
    if !given.is_empty() {
        store::insert(conn, &given, stamp.now).await?;
    }
    if !allocation.grants.is_empty() {
        store::insert(conn, &allocation.grants, stamp.now).await?;
        let parts = allocation.grants.iter().map(|one| (one.sku.clone(), one.lot, one.place, one.quantity));
        ledger::commands::hold(conn, work, parts).await?;
        let waited: Vec<_> = allocation.grants.iter().filter(|grant| !fresh.contains(&grant.order)).collect();
        let mut changes: BTreeMap<(Uuid, i32), LineDelta> = BTreeMap::new();
        for grant in waited {
            changes.entry((grant.order, grant.line_no)).or_default().reserved += grant.quantity;
            work.reallocated(grant.order, cause);
        }
        demand::commands::change_lines(conn, work, &changes).await?;
    }
    work.note_available(&pool.available());
    Ok(())
}

/// What is free of items somebody waits for, with the unit in which it can be had.
fn awaited(work: &Work, pool: &Pool) -> Vec<(String, Uuid, String, Decimal)> {
    let free = pool.free().into_iter().filter(|(sku, ..)| work.awaited(sku));
    free.filter_map(|(sku, id, free)| work.unit(&sku).map(str::to_owned).map(|unit| (sku, id, unit, free))).collect()
}

/// What of a new demand can be served at all, beyond what it was given: a line in another unit than its item's waits for
/// a person.
fn needs_of(
    demand: &NewDemand,
    work: &Work,
    warehouses: &[Warehouse],
    given: &[Grant],
    stamp: &Stamp<'_>,
) -> Vec<Need> {
    let warehouse = warehouses.iter().find(|one| one.code == demand.warehouse).map(|one| one.id);
    let has = |line_no: i32| -> Decimal {
        let own = given.iter().filter(|grant| (grant.order, grant.line_no) == (demand.order_id, line_no));
        own.map(|grant| grant.quantity).sum()
    };
    let need = |line: &demand::domain::NewLine| Need {
        order: demand.order_id,
        line_no: line.line_no,
        sku: line.sku.clone(),
        warehouse,
        quantity: line.quantity - has(line.line_no),
        priority: demand.priority,
        placed_at: demand.placed_at,
        good_until: good_until(stamp.today(), line.min_life_days),
    };
    let needs = demand.lines.iter().filter(|line| work.unit(&line.sku) == Some(line.unit.as_str())).map(need);
    needs.filter(|need| !need.quantity.is_zero()).collect()
}

/// Writes new demands with what they got, and what their items are waited for.
async fn remember(
    conn: &mut PgConnection,
    work: &mut Work,
    (new, given): (&[NewDemand], &[Grant]),
    allocation: &Allocation,
    warehouses: &[Warehouse],
    stamp: &Stamp<'_>,
) -> Result<BTreeSet<Uuid>, Error> {
    if new.is_empty() {
        return Ok(BTreeSet::new());
    }
    let first = warehouses.first().ok_or(Error::Inconsistent("there is no warehouse"))?;
    let placed: Vec<_> = new
        .iter()
        .map(|demand| {
            let named = warehouses.iter().find(|one| one.code == demand.warehouse);
            let chosen = allocation.chosen.get(&demand.order_id);
            let chosen = || warehouses.iter().find(|one| Some(&one.id) == chosen);
            (demand, named.or_else(chosen).unwrap_or(first))
        })
        .collect();
    let fresh: BTreeSet<_> = new.iter().map(|demand| demand.order_id).collect();
    let mut got: BTreeMap<(Uuid, i32), Decimal> = BTreeMap::new();
    for Grant { order, line_no, quantity, .. } in allocation.grants.iter().chain(given) {
        if fresh.contains(order) {
            *got.entry((*order, *line_no)).or_default() += *quantity;
        }
    }
    demand::store::insert(conn, &placed).await?;
    demand::store::insert_lines(conn, &placed, &got).await?;
    for (demand, warehouse) in placed {
        let got = |line_no| got.get(&(demand.order_id, line_no)).copied().unwrap_or_default();
        for line in &demand.lines {
            let lacks = line.quantity - got(line.line_no);
            work.change(&line.sku, |item| item.backordered += lacks)?;
        }
        if !demand.hold {
            work.placed(demand.order_id, first_allocated(demand, &warehouse.code, got, stamp.now), stamp);
        }
    }
    Ok(fresh)
}

/// Ends held pieces, whole or in part, and lets their lines wait again.
pub(crate) async fn release(
    conn: &mut PgConnection,
    work: &mut Work,
    parts: &[(Held, Decimal)],
    state: &'static str,
    reason: &'static str,
    stamp: &Stamp<'_>,
) -> Result<(), Error> {
    if parts.is_empty() {
        return Ok(());
    }
    if store::end(conn, parts, state, reason, stamp.now).await? != parts.len() as u64 {
        return Err(Error::Inconsistent("a reservation had already ended"));
    }
    let freed = parts.iter().map(|(held, part)| (held.sku.clone(), held.lot, held.place, -*part));
    ledger::commands::hold(conn, work, freed).await?;
    let mut changes: BTreeMap<(Uuid, i32), LineDelta> = BTreeMap::new();
    for (held, part) in parts {
        changes.entry((held.order, held.line_no)).or_default().reserved -= *part;
    }
    demand::commands::change_lines(conn, work, &changes).await
}

/// Takes a lot (in one place, or anywhere) from those who hold it until no more than `may_stay` is held; those served
/// last give way first. Returns what was taken.
///
/// # Errors
/// [`Error::PickedStock`] when what would have to go is already in shipments.
pub(crate) async fn displace(
    conn: &mut PgConnection,
    work: &mut Work,
    (lot, place): (Uuid, Option<i64>),
    may_stay: Decimal,
    state: &'static str,
    stamp: &Stamp<'_>,
) -> Result<Decimal, Error> {
    let held = store::held_of_lot(conn, lot, place).await?;
    let total: Decimal = held.iter().map(|piece| piece.quantity).sum();
    if total <= may_stay {
        return Ok(Decimal::ZERO);
    }
    let loose: Vec<_> = held.iter().filter(|piece| piece.shipment.is_none()).cloned().collect();
    let (parts, missing) = crate::reservation::domain::take_held(&loose, total - may_stay);
    if missing > Decimal::ZERO {
        let picked = total - loose.iter().map(|piece| piece.quantity).sum::<Decimal>();
        return Err(Error::PickedStock(picked.normalize().to_string()));
    }
    release(conn, work, &parts, state, "lot_unavailable", stamp).await?;
    for (piece, _) in &parts {
        work.reallocated(piece.order, "stock_changed");
    }
    Ok(total - may_stay)
}
