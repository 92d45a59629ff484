//! The nightly round.

use service::Deps;

use super::{commands, store};
use crate::{
    config::{Rules, Stamp},
    replenishment,
};

/// Applies the rules once a business day.
pub(crate) async fn evaluate(deps: &Deps, rules: &Rules) -> anyhow::Result<()> {
    let stamp = Stamp { now: deps.clock.now(), by: "erp", rules };
    let last = store::evaluated_at(&mut *deps.db.acquire().await?).await?;
    if last.is_some_and(|at| rules.today(at) >= stamp.today()) {
        return Ok(());
    }
    replenishment::jobs::count_demand(deps, rules).await?;
    let mut tx = deps.db.begin().await?;
    let found = commands::evaluate(&mut tx, &stamp).await?;
    tx.commit().await?;
    tracing::info!(slow = found.slow, became = found.became_slow, moving = found.moving_again, "slow movers");
    Ok(())
}
