//! The recount of values: every item's past from zero must give the book's figures and the layers that are kept.

use std::collections::BTreeMap;

use futures::TryStreamExt as _;
use sqlx::PgConnection;

use super::refold::{Refolded, Walk};
use crate::{
    error::Error,
    ledger::queries::CheckView,
    valuation::{
        queries,
        store::{self, Past},
    },
};

/// Items that are read at once.
const CHUNK: i64 = 500;
/// Differing items that are named.
const SAMPLES: usize = 10;

/// Values the whole ledger again. The transaction must see one picture from its first statement to its last.
///
/// # Errors
/// Database errors.
pub(crate) async fn replay(conn: &mut PgConnection, digits: u32) -> Result<CheckView, Error> {
    let mut differing = Vec::new();
    let mut after = String::new();
    loop {
        let skus = queries::moved_items(conn, &after, CHUNK).await?;
        let Some(last) = skus.last() else { break };
        after.clone_from(last);
        let opened = store::opened(conn, &skus).await?;
        let mut revaluations = store::revaluations(conn, &skus).await?;
        let recorded = store::revalued(conn, &skus).await?;
        let mut layers = store::layers(conn, &skus).await?;
        let mut walks: BTreeMap<String, Result<Walk, Error>> = BTreeMap::new();
        for (sku, basis) in opened {
            let walk = Walk::new(basis, revaluations.remove(&sku).unwrap_or_default(), Vec::new(), digits);
            walks.insert(sku, Ok(walk));
        }
        let mut rows = store::history(&mut *conn, &skus);
        while let Some(row) = rows.try_next().await? {
            let past = Past::from(row);
            let Some(walk) = walks.get_mut(&past.sku) else { continue };
            if let Err(error) = walk.as_mut().map_or(Ok(()), |walk| walk.past(&past)) {
                *walk = Err(error);
            }
        }
        drop(rows);
        for sku in &skus {
            let before = layers.remove(sku).unwrap_or_default();
            let agrees = match walks.remove(sku) {
                Some(Ok(walk)) => walk.end(sku, &recorded, before).is_ok_and(|found| agrees(&found)),
                _ => false,
            };
            if !agrees {
                differing.push(format!("item {sku}"));
            }
        }
    }
    let differences = i64::try_from(differing.len()).unwrap_or(i64::MAX);
    differing.truncate(SAMPLES);
    Ok(CheckView { name: "valuation".to_owned(), differences, samples: differing })
}

fn agrees(found: &Refolded) -> bool {
    let kept = || found.before.iter().map(|(pool, layer)| (*pool, layer.opened_by, layer.quantity, layer.value));
    let computed = found.fold.layers().map(|(pool, layer)| (pool, layer.opened_by, layer.quantity, layer.value));
    let (mut kept, mut computed) = (kept().collect::<Vec<_>>(), computed.collect::<Vec<_>>());
    kept.sort_unstable();
    computed.sort_unstable();
    found.corrections.is_empty() && found.revalued.is_empty() && kept == computed
}
