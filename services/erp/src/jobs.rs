//! What the clock does: ends holds, deals with expired lots, recounts the ledger for the metrics.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use service::{Deps, Job};
use time::OffsetDateTime;

use crate::{
    config::{Rules, Stamp},
    ledger::queries::{self, Verification},
    reservation::commands::{expire_holds, expire_lots},
    valuation::commands::snapshots::make_next,
};

/// What the ledger looked like when it was last recounted.
type Mark = (Option<i64>, Option<OffsetDateTime>);

/// All jobs of the service.
pub(crate) fn all(deps: &Deps, rules: &Arc<Rules>, verify_every: Duration) -> Vec<Job> {
    let (a, b) = ((deps.clone(), rules.clone()), (deps.clone(), rules.clone()));
    let c = (deps.clone(), rules.clone());
    let (verify_deps, counted) = (deps.clone(), Arc::new(Mutex::new(None)));
    vec![
        Job::new("erp_expire_holds", Duration::from_secs(5), move || {
            let (deps, rules) = a.clone();
            async move { sweep_holds(&deps, &rules).await }
        }),
        Job::new("erp_expire_lots", Duration::from_secs(300), move || {
            let (deps, rules) = b.clone();
            async move { sweep_lots(&deps, &rules).await }
        }),
        Job::new("erp_stock_snapshots", Duration::from_secs(3600), move || {
            let (deps, rules) = c.clone();
            async move { make_snapshots(&deps, &rules).await }
        }),
        Job::new("erp_verify_ledger", verify_every, move || {
            let (deps, counted) = (verify_deps.clone(), counted.clone());
            async move { verify(&deps, &counted).await }
        }),
    ]
}

async fn sweep_holds(deps: &Deps, rules: &Rules) -> anyhow::Result<()> {
    loop {
        let mut tx = deps.db.begin().await?;
        let stamp = Stamp { now: deps.clock.now(), by: "erp", rules };
        let ended = expire_holds(&mut tx, &stamp).await?;
        tx.commit().await?;
        if ended == 0 {
            return Ok(());
        }
    }
}

async fn sweep_lots(deps: &Deps, rules: &Rules) -> anyhow::Result<()> {
    loop {
        let mut tx = deps.db.begin().await?;
        let stamp = Stamp { now: deps.clock.now(), by: "erp", rules };
        let noted = expire_lots(&mut tx, &stamp).await?;
        tx.commit().await?;
        if noted == 0 {
            return Ok(());
        }
    }
}

/// Makes all snapshots of stock that are due, each in a transaction of its own.
async fn make_snapshots(deps: &Deps, rules: &Rules) -> anyhow::Result<()> {
    loop {
        let mut tx = deps.db.begin().await?;
        let stamp = Stamp { now: deps.clock.now(), by: "erp", rules };
        let made = make_next(&mut tx, &stamp).await?;
        tx.commit().await?;
        if !made {
            return Ok(());
        }
    }
}

/// Recounts the ledger, unless nothing was written since the last time: an idle shop does no work.
async fn verify(deps: &Deps, counted: &Mutex<Option<Mark>>) -> anyhow::Result<()> {
    let mut conn = deps.db.acquire().await?;
    let mark = queries::mark(&mut conn).await?;
    if *counted.lock().unwrap_or_else(PoisonError::into_inner) == Some(mark) {
        return Ok(());
    }
    publish(&queries::verify(&mut conn).await?);
    *counted.lock().unwrap_or_else(PoisonError::into_inner) = Some(mark);
    Ok(())
}

/// Sets the gauges. Both must read 0.
fn publish(found: &Verification) {
    let oversold: i64 =
        found.checks.iter().filter(|check| check.name == "oversell").map(|check| check.differences).sum();
    let all: i64 = found.checks.iter().map(|check| check.differences).sum();
    metrics::gauge!("shopfloor_erp_oversell").set(gauge(oversold));
    metrics::gauge!("shopfloor_erp_ledger_imbalance").set(gauge(all - oversold));
    for check in found.checks.iter().filter(|check| check.differences > 0) {
        tracing::error!(check = check.name, differences = check.differences, samples = ?check.samples, "ledger differs");
    }
}

/// A count as a gauge wants it; more than four thousand million differences are just as bad.
fn gauge(count: i64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
