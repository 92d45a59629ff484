//! Changing policies, calculating levels, looking at the stock.

use std::collections::{BTreeMap, BTreeSet};

use messaging::NewEvent;
use sqlx::PgConnection;
use types::Unit;
use uuid::Uuid;

use super::{
    convert,
    domain::{COMPANY, Calculation, Crossing, Level, Method, Policies, Policy, Stock, Target, calculate},
    store::{self, ItemRow, Key},
    store_policies,
};
use crate::{
    config::Stamp,
    demand_history::{
        domain::History,
        queries::{Asked, histories},
    },
    error::Error,
    warehouses::store as warehouses,
};

/// Name of the mark that counts changes of policies.
const POLICIES: &str = "policies";
/// Name of the mark of what was looked at.
const WATCHED: &str = "watch_stock";

/// Codes and ids of the warehouses; the company has an empty code.
pub(super) async fn codes(conn: &mut PgConnection, stamp: &Stamp<'_>) -> Result<BTreeMap<Uuid, String>, Error> {
    let all = warehouses::all(conn, stamp.rules).await?;
    let company = (COMPANY, String::new());
    Ok(all.into_iter().map(|warehouse| (warehouse.id, warehouse.code)).chain([company]).collect())
}

/// Finds the warehouse of each code; an empty one is the company.
///
/// # Errors
/// [`Error::UnknownWarehouse`] with the first that is not.
pub(super) async fn find_warehouses(
    conn: &mut PgConnection,
    codes: &BTreeSet<&str>,
) -> Result<BTreeMap<String, Uuid>, Error> {
    let mut found = BTreeMap::from([(String::new(), COMPANY)]);
    for code in codes.iter().filter(|code| !code.is_empty()) {
        let one = warehouses::by_code(conn, code).await?.ok_or_else(|| Error::UnknownWarehouse((*code).to_owned()))?;
        found.insert(one.code, one.id);
    }
    Ok(found)
}

/// Creates or changes policies, each for a target and the code of a warehouse. Returns how many were new.
///
/// # Errors
/// [`Error::UnknownSku`], [`Error::UnknownWarehouse`].
pub(super) async fn upsert(
    conn: &mut PgConnection,
    policies: Vec<(Policy, String)>,
    stamp: &Stamp<'_>,
) -> Result<i64, Error> {
    store::lock(conn).await?;
    let known = find_warehouses(conn, &policies.iter().map(|(_, code)| code.as_str()).collect()).await?;
    let skus: BTreeSet<_> = policies
        .iter()
        .filter_map(|(policy, _)| match &policy.target {
            Target::Item(sku) => Some(sku.clone()),
            Target::Category(_) => None,
        })
        .collect();
    all_known(conn, &skus.into_iter().collect::<Vec<_>>()).await?;
    let mut policies: Vec<_> = policies
        .into_iter()
        .map(|(policy, code)| Policy { warehouse: known.get(&code).copied().unwrap_or(COMPANY), ..policy })
        .collect();
    policies.sort_by(|a, b| (&a.target, a.warehouse).cmp(&(&b.target, b.warehouse)));
    let created = store_policies::upsert(conn, &policies, stamp.now, stamp.by).await?;
    policies_changed(conn, stamp).await?;
    Ok(created)
}

/// Deletes policies. Returns how many there were.
///
/// # Errors
/// [`Error::UnknownWarehouse`].
pub(super) async fn delete(
    conn: &mut PgConnection,
    targets: &[(Target, String)],
    stamp: &Stamp<'_>,
) -> Result<u64, Error> {
    store::lock(conn).await?;
    let known = find_warehouses(conn, &targets.iter().map(|(_, code)| code.as_str()).collect()).await?;
    let targets: Vec<_> =
        targets.iter().map(|(one, code)| (one.clone(), known.get(code).copied().unwrap_or(COMPANY))).collect();
    let deleted = store_policies::delete(conn, &targets).await?;
    if deleted > 0 {
        policies_changed(conn, stamp).await?;
    }
    Ok(deleted)
}

async fn policies_changed(conn: &mut PgConnection, stamp: &Stamp<'_>) -> Result<(), Error> {
    let position = policies_position(conn).await?;
    Ok(store::set_mark(conn, POLICIES, position + 1, stamp.now).await?)
}

/// How often policies were changed.
pub(super) async fn policies_position(conn: &mut PgConnection) -> Result<i64, Error> {
    Ok(store::mark(conn, POLICIES).await?.unwrap_or_default())
}

/// Whether anything is watched, or was until a policy was deleted.
pub(super) async fn has_policies(conn: &mut PgConnection) -> Result<bool, Error> {
    Ok(!store_policies::warehouses(conn).await?.is_empty())
}

/// Checks that items are known.
///
/// # Errors
/// [`Error::UnknownSku`] with all that are not.
pub(super) async fn all_known(conn: &mut PgConnection, skus: &[String]) -> Result<(), Error> {
    let known: BTreeSet<_> = store::items(conn, skus).await?.into_iter().map(|item| item.sku).collect();
    let unknown: Vec<_> = skus.iter().filter(|sku| !known.contains(*sku)).map(String::as_str).collect();
    if unknown.is_empty() { Ok(()) } else { Err(Error::UnknownSku(unknown.join(", "))) }
}

/// The transaction from which on writes may not have been looked at; none when nobody ever looked.
pub(super) async fn watched_until(conn: &mut PgConnection) -> Result<Option<i64>, Error> {
    Ok(store::mark(conn, WATCHED).await?)
}

/// Notes that everything was looked at that was written before a transaction.
pub(super) async fn watched(conn: &mut PgConnection, transaction: i64, stamp: &Stamp<'_>) -> Result<(), Error> {
    Ok(store::set_mark(conn, WATCHED, transaction, stamp.now).await?)
}

/// Calculates the levels of items in every warehouse that has policies, and looks at their stock. Returns how many of
/// them are watched somewhere.
///
/// # Errors
/// Database errors.
pub(super) async fn calculate_levels(
    conn: &mut PgConnection,
    skus: &[String],
    stamp: &Stamp<'_>,
) -> Result<usize, Error> {
    store::lock(conn).await?;
    let position = policies_position(conn).await?;
    let policies: Policies = store_policies::of_items(conn, skus).await?.into_iter().collect();
    let items = store::items(conn, skus).await?;
    let mut places = store_policies::warehouses(conn).await?;
    if !places.contains(&COMPANY) {
        places.push(COMPANY);
    }
    let asked: Vec<(&ItemRow, Uuid, Vec<&Policy>)> = items
        .iter()
        .flat_map(|item| places.iter().map(move |place| (item, *place)))
        .map(|(item, place)| {
            let sold = item.status != "discontinued";
            (item, place, if sold { policies.of(&item.sku, &item.category, place) } else { Vec::new() })
        })
        .collect();
    let histories = histories_of(conn, &asked, stamp).await?;
    let mut fresh = BTreeMap::new();
    for ((item, place, policies), history) in asked.into_iter().zip(histories) {
        let unit = Unit::parse(&item.unit).unwrap_or(Unit::Piece);
        let found = calculate(&policies, &history, unit);
        let mut level = found.map(|found| level_of(&found, unit, stamp)).unwrap_or_default();
        level.calculated_at = Some(stamp.now);
        level.policies = position;
        fresh.insert((item.sku.clone(), place), level);
    }
    let watched: BTreeSet<_> =
        fresh.iter().filter(|(_, level)| level.reorder_point.is_some()).map(|((sku, _), _)| sku.clone()).collect();
    look(conn, skus, fresh, stamp).await?;
    Ok(watched.len())
}

/// The history each item and place is calculated from: only policies that look back get more than an empty one.
async fn histories_of(
    conn: &mut PgConnection,
    asked: &[(&ItemRow, Uuid, Vec<&Policy>)],
    stamp: &Stamp<'_>,
) -> Result<Vec<History>, Error> {
    let looks_back = |policies: &[&Policy]| {
        let first = policies.first()?;
        (first.method == Method::Statistical).then_some(first.history_days)
    };
    let wanted: Vec<_> = asked
        .iter()
        .filter_map(|(item, place, policies)| {
            Some(Asked { sku: &item.sku, warehouse: *place, days: looks_back(policies)? })
        })
        .collect();
    let mut found = histories(conn, &wanted, stamp.today(), &stamp.rules.zone).await?.into_iter();
    let of = |(_, _, policies): &(&ItemRow, Uuid, Vec<&Policy>)| looks_back(policies).and_then(|_| found.next());
    Ok(asked.iter().map(of).map(Option::unwrap_or_default).collect())
}

fn level_of(found: &Calculation, unit: Unit, stamp: &Stamp<'_>) -> Level {
    Level {
        method: found.policy.method,
        policy: Some(found.policy.target.clone()),
        safety_stock: Some(Calculation::in_unit(found.safety_stock, unit)),
        reorder_point: Some(Calculation::in_unit(found.reorder_point, unit)),
        maximum: found.policy.maximum,
        class: found.class,
        calculation: Some(convert::stored(found, stamp.today())),
        ..Level::default()
    }
}

/// Looks at the stock of items: notes since when nothing can be had, and tells what crossed its reorder point. Levels that
/// were calculated anew come with it. Only what changed is written.
///
/// # Errors
/// Database errors.
pub(super) async fn look(
    conn: &mut PgConnection,
    skus: &[String],
    fresh: BTreeMap<Key, Level>,
    stamp: &Stamp<'_>,
) -> Result<(), Error> {
    store::lock(conn).await?;
    let before = store::levels(conn, skus).await?;
    let stock = with_company(store::stock(conn, skus, stamp.today(), stamp.rules.min_life_days).await?);
    let units: BTreeMap<_, _> = store::items(conn, skus).await?.into_iter().map(|item| (item.sku, item.unit)).collect();
    let codes = codes(conn, stamp).await?;
    let keys: BTreeSet<&Key> = before.keys().chain(stock.keys()).chain(fresh.keys()).collect();
    let (mut changed, mut outs, mut events) = (Vec::new(), Vec::new(), Vec::new());
    for key in keys {
        let known = before.get(key);
        let mut level = known.cloned().unwrap_or_default();
        if let Some(fresh) = fresh.get(key) {
            let Level { out_since, below_since, version, .. } = level;
            level = Level { out_since, below_since, version, ..fresh.clone() };
        }
        let there = stock.get(key).copied().unwrap_or_default();
        let (crossing, was_out) = level.look(&there, stamp.now);
        outs.extend(was_out.map(|since| (key, since)));
        if let Some(crossing) = crossing {
            let code = codes.get(&key.1).map(String::as_str).unwrap_or_default();
            let unit = units.get(&key.0).map(String::as_str).unwrap_or_default();
            let fact = match crossing {
                Crossing::Fell => convert::fell((&key.0, code, unit), &level, &there, stamp.now),
                Crossing::Recovered => convert::recovered((&key.0, code, unit), &there, stamp.now),
            };
            let id = format!("level:{}@{code}", key.0);
            events.push(NewEvent::of("stock_level", id, level.version, stamp.now, &fact));
        }
        if known != Some(&level) {
            changed.push((key, level));
        }
    }
    let rows: Vec<_> = changed.iter().map(|(key, level)| (*key, level)).collect();
    store::write_levels(conn, &rows).await?;
    store::insert_stock_outs(conn, &outs, stamp.now).await?;
    messaging::outbox::append(conn, &events).await?;
    Ok(())
}

/// Adds the company's sums.
pub(super) fn with_company(mut stock: BTreeMap<Key, Stock>) -> BTreeMap<Key, Stock> {
    let mut sums: BTreeMap<Key, Stock> = BTreeMap::new();
    for ((sku, _), one) in &stock {
        let sum = sums.entry((sku.clone(), COMPANY)).or_default();
        sum.available += one.available;
        sum.backordered += one.backordered;
        sum.on_order += one.on_order;
    }
    stock.append(&mut sums);
    stock
}
