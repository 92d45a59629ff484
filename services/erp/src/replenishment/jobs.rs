//! Rounds of the clock: counting demand, calculating levels, looking at the stock. Each transaction does a bounded
//! part; a round that is broken off is done again.

use std::collections::BTreeMap;

use service::Deps;

use super::{commands, store};
use crate::{
    config::{Rules, Stamp},
    demand_history::commands as history,
};

/// Items calculated in one transaction.
const CALCULATED: i64 = 500;
/// Items looked at in one transaction.
const LOOKED_AT: usize = 1000;

/// Counts the demand of days that changed.
pub(crate) async fn count_demand(deps: &Deps, rules: &Rules) -> anyhow::Result<()> {
    let now = deps.clock.now();
    let days = history::days_to_count(&mut *deps.db.acquire().await?, &rules.zone).await?;
    for some in days.chunks(history::DAYS) {
        let mut tx = deps.db.begin().await?;
        history::count(&mut tx, some, &rules.zone).await?;
        tx.commit().await?;
    }
    let mut tx = deps.db.begin().await?;
    history::counted(&mut tx, now).await?;
    tx.commit().await?;
    Ok(())
}

/// Calculates the levels of items that were not calculated today, or from other policies. Does nothing while there are no
/// policies.
pub(crate) async fn calculate_levels(deps: &Deps, rules: &Rules) -> anyhow::Result<()> {
    let stamp = Stamp { now: deps.clock.now(), by: "erp", rules };
    let today = types::business_day_start(stamp.today(), &rules.zone, 0)?;
    let position = {
        let mut conn = deps.db.acquire().await?;
        if !commands::has_policies(&mut conn).await? {
            return Ok(());
        }
        commands::policies_position(&mut conn).await?
    };
    let mut after = String::new();
    loop {
        let mut tx = deps.db.begin().await?;
        let skus = store::items_to_calculate(&mut tx, &after, (today, position), CALCULATED).await?;
        let Some(last) = skus.last().cloned() else { return Ok(()) };
        commands::calculate_levels(&mut tx, &skus, &stamp).await?;
        tx.commit().await?;
        after = last;
    }
}

/// Looks at the stock of items that were written since the last look.
pub(crate) async fn watch_stock(deps: &Deps, rules: &Rules) -> anyhow::Result<()> {
    let (oldest, skus) = {
        let mut conn = deps.db.acquire().await?;
        let oldest = store::oldest_transaction(&mut conn).await?;
        let skus = match commands::watched_until(&mut conn).await? {
            Some(transaction) => store::items_written_since(&mut conn, transaction).await?,
            None => store::all_items(&mut conn).await?,
        };
        (oldest, skus)
    };
    if skus.is_empty() {
        return Ok(());
    }
    let stamp = Stamp { now: deps.clock.now(), by: "erp", rules };
    for some in skus.chunks(LOOKED_AT) {
        let mut tx = deps.db.begin().await?;
        commands::look(&mut tx, some, BTreeMap::new(), &stamp).await?;
        tx.commit().await?;
    }
    let mut tx = deps.db.begin().await?;
    commands::watched(&mut tx, oldest, &stamp).await?;
    tx.commit().await?;
    Ok(())
}
