//! Values the whole past of an item again and says what the book has otherwise.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use futures::TryStreamExt as _;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    error::Error,
    valuation::{
        domain::{Basis, CostLayer, Entry, Fold, Pool, Revaluation, Shortage, Valued},
        store::{self, Past},
        store_past::{Correction, Revalued},
    },
};

/// An item's past, valued again.
pub(crate) struct Refolded {
    /// Item.
    pub(crate) sku: String,
    /// What movements that are not posted yet are worth, by their place in their document.
    pub(crate) values: Vec<(usize, Valued)>,
    /// Where the book has other figures.
    pub(crate) corrections: Vec<Correction>,
    /// Where revaluations add other figures.
    pub(crate) revalued: Vec<Revalued>,
    /// The layers as they were kept.
    pub(crate) before: Vec<(Pool, CostLayer)>,
    /// The state at the end.
    pub(crate) fold: Fold,
}

/// The walk through a past.
pub(super) struct Walk {
    fold: Fold,
    revaluations: VecDeque<Revaluation>,
    moments: BTreeMap<Uuid, OffsetDateTime>,
    new: VecDeque<(usize, Entry)>,
    values: Vec<(usize, Valued)>,
    corrections: Vec<Correction>,
    added: BTreeMap<(Uuid, Uuid), Decimal>,
}

fn short(_: Shortage) -> Error {
    Error::Inconsistent("more left a pool of value than was in it")
}

impl Walk {
    /// Before the first movement. `new` are movements that are not posted yet.
    pub(super) fn new(basis: Basis, revaluations: Vec<Revaluation>, mut new: Vec<(usize, Entry)>, digits: u32) -> Self {
        new.sort_by_key(|(_, entry)| (entry.at, entry.id));
        Self {
            fold: Fold::new(basis, digits),
            moments: revaluations.iter().map(|one| (one.id, one.at)).collect(),
            revaluations: revaluations.into(),
            new: new.into(),
            values: Vec::new(),
            corrections: Vec::new(),
            added: BTreeMap::new(),
        }
    }

    fn revalue(&mut self, until: impl Fn(&Revaluation) -> bool) {
        while let Some(one) = self.revaluations.pop_front_if(|one| until(one)) {
            for (warehouse, value) in self.fold.revalue(&one) {
                *self.added.entry((one.id, warehouse)).or_default() += value;
            }
        }
    }

    fn fresh(&mut self, until: impl Fn(&Entry) -> bool) -> Result<(), Error> {
        while let Some((index, entry)) = self.new.pop_front_if(|(_, entry)| until(entry)) {
            self.revalue(|one| one.at <= entry.at);
            let valued = self.fold.push(&entry).map_err(short)?;
            self.values.push((index, valued));
        }
        Ok(())
    }

    /// The next movement of the past.
    pub(super) fn past(&mut self, past: &Past) -> Result<(), Error> {
        self.fresh(|entry| entry.at < past.entry.at)?;
        self.revalue(|one| one.at <= past.entry.at);
        let valued = self.fold.push(&past.entry).map_err(short)?;
        let id = past.entry.id;
        for (now, recorded, of_variance) in [(valued.value, past.value, false), (valued.variance, past.variance, true)]
        {
            if now != recorded {
                self.corrections.push(Correction { id, value: now - recorded, of_variance });
            }
        }
        Ok(())
    }

    /// After the last one: the differences, where the book says that revaluations added `recorded`.
    pub(super) fn end(
        mut self,
        sku: &str,
        recorded: &HashMap<(String, Uuid, Uuid), Decimal>,
        before: Vec<(Pool, CostLayer)>,
    ) -> Result<Refolded, Error> {
        self.fresh(|_| true)?;
        self.revalue(|_| true);
        let told: BTreeMap<_, _> = recorded
            .iter()
            .filter(|((of, ..), _)| of == sku)
            .map(|((_, id, warehouse), value)| ((*id, *warehouse), *value))
            .collect();
        let keys: BTreeSet<_> = self.added.keys().chain(told.keys()).copied().collect();
        let of = |values: &BTreeMap<_, Decimal>, key| values.get(&key).copied().unwrap_or_default();
        let differs = |key: (Uuid, Uuid)| {
            let value = of(&self.added, key) - of(&told, key);
            let at = *self.moments.get(&key.0)?;
            (!value.is_zero()).then(|| Revalued { sku: sku.to_owned(), id: key.0, warehouse: key.1, at, value })
        };
        let revalued = keys.into_iter().filter_map(differs).collect();
        let Self { fold, values, corrections, .. } = self;
        Ok(Refolded { sku: sku.to_owned(), values, corrections, revalued, before, fold })
    }
}

/// Values an item's past again, with movements that are not posted yet at their moments. The item is locked.
///
/// # Errors
/// Database errors; [`Error::Inconsistent`] when more left than was there.
pub(crate) async fn refold(
    conn: &mut PgConnection,
    sku: &str,
    basis: Basis,
    new: Vec<(usize, Entry)>,
    digits: u32,
) -> Result<Refolded, Error> {
    let skus = [sku.to_owned()];
    let basis = store::opened(conn, &skus).await?.get(sku).copied().unwrap_or(basis);
    let revaluations = store::revaluations(conn, &skus).await?.remove(sku).unwrap_or_default();
    let recorded = if revaluations.is_empty() { HashMap::new() } else { store::revalued(conn, &skus).await? };
    let before = store::layers(conn, &skus).await?.remove(sku).unwrap_or_default();
    let mut walk = Walk::new(basis, revaluations, new, digits);
    let mut rows = store::history(&mut *conn, &skus);
    while let Some(row) = rows.try_next().await? {
        walk.past(&Past::from(row))?;
    }
    drop(rows);
    walk.end(sku, &recorded, before)
}
