//! What movements to post are worth.

use std::collections::{BTreeMap, HashMap};

use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    dates::Dates,
    recost::{Again, settle},
    refold::{Refolded, refold},
};
use crate::{
    config::Stamp,
    error::Error,
    ledger::{
        commands::Work,
        domain::{Move, PRODUCTION, SUPPLIER, Worth},
    },
    valuation::{
        domain::{CostLayer, Entry, Fold, Pool, Valued},
        store,
        store_past::{self, Correction, Reason},
    },
};

/// Layers of an item, each with its pool.
type PoolLayers = Vec<(Pool, CostLayer)>;

/// What a document's movements are worth, and what else that changes.
pub(crate) struct Valuation {
    /// Of each movement.
    pub(crate) values: Vec<Valued>,
    /// Items of which nothing later happened: the layers they had, and the state after.
    last: Vec<(String, PoolLayers, Fold)>,
    /// Items whose past changed.
    past: Vec<Refolded>,
}

/// Numbers of movements that have none yet, above all others.
fn provisional(count: usize, index: usize) -> i64 {
    i64::MAX - i64::try_from(count - index).unwrap_or(i64::MAX)
}

fn entry(moves: &[Move], index: usize, warehouses: &HashMap<i64, Uuid>, dates: &Dates) -> Entry {
    let one = &moves[index];
    Entry {
        id: provisional(moves.len(), index),
        at: dates.of(one),
        from: warehouses.get(&one.from.id).copied(),
        to: warehouses.get(&one.to.id).copied(),
        lot: one.lot,
        quantity: one.quantity,
        worth: one.worth,
        sets_cost: one.from == SUPPLIER || one.from == PRODUCTION,
    }
}

/// The past knows itself what a lot last came in at.
fn as_in_history(worth: Worth) -> Worth {
    match worth {
        Worth::Found(_) => Worth::Found(Decimal::ZERO),
        other => other,
    }
}

/// Values movements of locked items: from the layers where nothing later happened, from the whole past elsewhere.
///
/// # Errors
/// Database errors; [`Error::Inconsistent`] when more would leave a pool than is in it.
pub(crate) async fn value(
    conn: &mut PgConnection,
    work: &Work,
    moves: &[Move],
    dates: &Dates,
    stamp: &Stamp<'_>,
) -> Result<Valuation, Error> {
    let own = |one: &'_ Move| [one.from, one.to].into_iter().filter(|place| place.kind.is_own());
    let keys: Vec<_> =
        moves.iter().flat_map(|one| own(one).map(|place| (one.sku.as_str(), one.lot, place.id))).collect();
    let (warehouses, mut layers) =
        if keys.is_empty() { Default::default() } else { store::layers_at(conn, &keys).await? };
    let digits = stamp.rules.digits();
    let mut values = vec![Valued::default(); moves.len()];
    let mut folds: BTreeMap<&str, (PoolLayers, Fold)> = BTreeMap::new();
    let mut past: BTreeMap<&str, Vec<(usize, Entry)>> = BTreeMap::new();
    for (index, one) in moves.iter().enumerate() {
        let entry = entry(moves, index, &warehouses, dates);
        if dates.past.contains(&one.sku) {
            let entry = Entry { worth: as_in_history(entry.worth), ..entry };
            past.entry(&one.sku).or_default().push((index, entry));
            continue;
        }
        let basis = work.item(&one.sku).and_then(|item| item.basis());
        let basis = basis.ok_or(Error::Inconsistent("an item was moved without its lock"))?;
        let (_, fold) = folds.entry(&one.sku).or_insert_with(|| {
            let before = layers.remove(&one.sku).unwrap_or_default();
            (before.clone(), Fold::resumed(basis, digits, before))
        });
        values[index] =
            fold.push(&entry).map_err(|_| Error::Inconsistent("more left a pool of value than was in it"))?;
    }
    let last = folds.into_iter().map(|(sku, (before, fold))| (sku.to_owned(), before, fold)).collect();
    let mut valuation = Valuation { values, last, past: Vec::new() };
    for (sku, new) in past {
        let basis = work.item(sku).and_then(|item| item.basis());
        let basis = basis.ok_or(Error::Inconsistent("an item was moved without its lock"))?;
        let refolded = refold(conn, sku, basis, new, digits).await?;
        for (index, valued) in &refolded.values {
            valuation.values[*index] = *valued;
        }
        valuation.past.push(refolded);
    }
    Ok(valuation)
}

impl Valuation {
    /// Writes layers and everything else the movements, which now have numbers, change.
    ///
    /// # Errors
    /// Database errors; what following up may refuse.
    pub(crate) async fn write(
        self,
        conn: &mut PgConnection,
        work: &mut Work,
        (moves, ids): (&[Move], &[i64]),
        dates: &Dates,
        stamp: &Stamp<'_>,
    ) -> Result<(), Error> {
        let number =
            |id: i64| (0..ids.len()).find(|index| provisional(ids.len(), *index) == id).map_or(id, |index| ids[index]);
        let mut changes = Changes::default();
        for (sku, before, fold) in &self.last {
            changes.add(sku, before, fold, number);
        }
        for refolded in &self.past {
            changes.add(&refolded.sku, &refolded.before, &refolded.fold, number);
        }
        changes.write(conn).await?;
        let mut costs: Vec<_> = self.past.iter().flat_map(|one| one.fold.unit_costs().clone()).collect();
        if moves.iter().any(|one| one.from == PRODUCTION && matches!(one.worth, Worth::Given(_))) {
            costs.extend(self.last.iter().flat_map(|(.., fold)| fold.unit_costs().clone()));
        }
        store_past::write_unit_costs(conn, &costs).await?;

        let variance = |(id, valued): (&i64, &Valued)| {
            (!valued.variance.is_zero()).then_some(Correction { id: *id, value: valued.variance, of_variance: true })
        };
        let mut corrections: Vec<_> = ids.iter().zip(&self.values).filter_map(variance).collect();
        let of_new = corrections.len();
        corrections.extend(self.past.iter().flat_map(|one| one.corrections.clone()));
        let revalued: Vec<_> = self.past.into_iter().flat_map(|one| one.revalued).collect();
        if dates.before_today {
            store_past::amend_snapshots(conn, ids).await?;
        }
        let Some(first) = moves.first() else { return Ok(()) };
        let again = Again { reason: Reason { kind: "recost", id: first.cause.id }, open_from: None };
        if corrections.len() == of_new && revalued.is_empty() {
            let stamp = (stamp.now, stamp.by);
            store_past::insert_corrections(conn, &corrections, again.reason, None, stamp).await?;
            return Ok(());
        }
        settle(conn, work, corrections, revalued, &again, stamp).await
    }
}

/// Layers to write.
#[derive(Default)]
pub(crate) struct Changes {
    gone: Vec<(String, Pool, CostLayer)>,
    changed: Vec<(String, Pool, CostLayer)>,
}

impl Changes {
    /// Notes what of an item's layers is other than it was. `number` answers the number of a movement posted just now.
    pub(crate) fn add(&mut self, sku: &str, before: &[(Pool, CostLayer)], fold: &Fold, number: impl Fn(i64) -> i64) {
        let mut there: HashMap<(Pool, i64), &CostLayer> =
            before.iter().map(|(pool, layer)| ((*pool, layer.opened_by), layer)).collect();
        for (pool, layer) in fold.layers() {
            let layer = CostLayer { opened_by: number(layer.opened_by), ..layer.clone() };
            if there.remove(&(pool, layer.opened_by)) != Some(&layer) {
                self.changed.push((sku.to_owned(), pool, layer));
            }
        }
        let gone = there.into_iter().map(|((pool, _), layer)| (sku.to_owned(), pool, layer.clone()));
        self.gone.extend(gone);
    }

    /// Writes them.
    pub(crate) async fn write(&self, conn: &mut PgConnection) -> Result<(), Error> {
        let gone: Vec<_> = self.gone.iter().map(|(sku, pool, layer)| (sku.as_str(), *pool, layer)).collect();
        let changed: Vec<_> = self.changed.iter().map(|(sku, pool, layer)| (sku.as_str(), *pool, layer)).collect();
        Ok(store::write_layers(conn, &gone, &changed).await?)
    }
}
