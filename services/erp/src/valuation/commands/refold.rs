//! Values the whole past of an item again and says what the book has otherwise.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use futures::TryStreamExt as _;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    error::Error,
    valuation::{
        domain::{Basis, CostLayer, Entry, Fold, Pool, Revaluation, Shortage, Valued},
        store::{self, HISTORY, Past, PastRow},
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
struct Walk {
    fold: Fold,
    revaluations: VecDeque<Revaluation>,
    new: VecDeque<(usize, Entry)>,
    values: Vec<(usize, Valued)>,
    corrections: Vec<Correction>,
    added: BTreeMap<(Uuid, Uuid), rust_decimal::Decimal>,
}

fn short(_: Shortage) -> Error {
    Error::Inconsistent("more left a pool of value than was in it")
}

impl Walk {
    fn revalue(&mut self, until: impl Fn(&Revaluation) -> bool) {
        while let Some(one) = self.revaluations.pop_front_if(|one| until(one)) {
            for (warehouse, value) in self.fold.revalue(&one) {
                self.added.insert((one.id, warehouse), value);
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

    fn past(&mut self, past: &Past) -> Result<(), Error> {
        self.fresh(|entry| entry.at < past.entry.at)?;
        self.revalue(|one| one.at <= past.entry.at);
        let valued = self.fold.push(&past.entry).map_err(short)?;
        let id = past.entry.id;
        for (now, recorded, of_variance) in
            [(valued.value, past.value, false), (valued.variance, past.variance, true)]
        {
            if now != recorded {
                self.corrections.push(Correction { id, value: now - recorded, of_variance });
            }
        }
        Ok(())
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
    mut new: Vec<(usize, Entry)>,
    digits: u32,
) -> Result<Refolded, Error> {
    let skus = [sku.to_owned()];
    let basis = store::opened(conn, &skus).await?.get(sku).copied().unwrap_or(basis);
    let revaluations = store::revaluations(conn, &skus).await?.remove(sku).unwrap_or_default();
    let recorded = if revaluations.is_empty() { Default::default() } else { store::revalued(conn, &skus).await? };
    let before = store::layers(conn, &skus).await?.remove(sku).unwrap_or_default();
    new.sort_by_key(|(_, entry)| (entry.at, entry.id));
    let moments: BTreeMap<_, _> = revaluations.iter().map(|one| (one.id, one.at)).collect();
    let mut walk = Walk {
        fold: Fold::new(basis, digits),
        revaluations: revaluations.into(),
        new: new.into(),
        values: Vec::new(),
        corrections: Vec::new(),
        added: BTreeMap::new(),
    };
    let mut rows = sqlx::query_as::<_, PastRow>(HISTORY).bind(&skus[..]).fetch(&mut *conn);
    while let Some(row) = rows.try_next().await? {
        walk.past(&Past::from(row))?;
    }
    drop(rows);
    walk.fresh(|_| true)?;
    walk.revalue(|_| true);
    let told = |id, warehouse| recorded.get(&(sku.to_owned(), id, warehouse)).copied().unwrap_or_default();
    let keys: BTreeSet<_> =
        walk.added.keys().copied().chain(recorded.keys().map(|(_, id, warehouse)| (*id, *warehouse))).collect();
    let differs = |(id, warehouse): (Uuid, Uuid)| {
        let value = walk.added.get(&(id, warehouse)).copied().unwrap_or_default() - told(id, warehouse);
        let at = *moments.get(&id)?;
        (!value.is_zero()).then(|| Revalued { sku: sku.to_owned(), id, warehouse, at, value })
    };
    let revalued = keys.into_iter().filter_map(differs).collect();
    let Walk { fold, values, corrections, .. } = walk;
    Ok(Refolded { sku: sku.to_owned(), values, corrections, revalued, before, fold })
}
