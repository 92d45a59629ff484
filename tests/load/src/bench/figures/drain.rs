//! What each service's consumers cost by themselves: the events of many orders wait, then one service after the other
//! takes its share while all others are away. No row of the table; with `--statements` it shows where the time goes.

use std::time::{Duration, Instant};

use anyhow::ensure;
use suite::services::Name;

use super::{INTAKE, intake};
use crate::exact::Reach;
use crate::{Bench, broker, statements};

/// How long one service may take.
const PATIENCE: Duration = Duration::from_secs(240);

/// Who takes events after whom. Contacts go from orders to crm, so those two work together.
const TURNS: [&[Name]; 5] =
    [&[Name::Erp], &[Name::Orders, Name::Crm], &[Name::Tasks], &[Name::Kpi], &[Name::Orders, Name::Crm]];

pub(super) async fn measure(bench: &mut Bench) -> anyhow::Result<()> {
    bench.fresh("intake", &INTAKE).await?;
    let (orders, mut seen) = (bench.orders(), (Vec::new(), Vec::new()));
    if bench.statements {
        statements::begin(&bench.company).await?;
    }
    intake::push_batches(bench, &orders, 4, &mut seen).await?;
    bench.published().await?;
    bench.dismiss_all().await?;
    let stored = bench.exact("drain", &orders, &seen.0, &seen.1, Reach::Stored).await?;
    bench.report.note(format!("drain: the events of {stored} orders wait"))?;
    for services in TURNS {
        let (shares, begun) = (bench.shares().await?, Instant::now());
        let words: Vec<_> = services.iter().map(|name| name.word()).collect();
        let name = words.join("+");
        bench.company.launch(&name, 0, services).await?;
        wait(bench, &words).await?;
        let (took, shares) = (begun.elapsed(), shares.until(&bench.shares().await?, stored.unsigned_abs()));
        bench.report.note(format!("drain by {name}: {:.1} s; {shares}", took.as_secs_f64()))?;
        bench.dismiss_all().await?;
        if bench.statements {
            statements::tell(&bench.company).await?;
        }
    }
    Ok(())
}

/// Until nothing waits for these services any more, in the broker, in their outboxes or on its way to crm.
async fn wait(bench: &Bench, services: &[&str]) -> anyhow::Result<()> {
    let begun = Instant::now();
    let (mut orders, mut calm) = (bench.company.database(Name::Orders).await?, 0);
    while calm < 3 {
        ensure!(begun.elapsed() < PATIENCE, "{services:?} are not done after {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
        let pending = broker::pending(&bench.company.nats, services).await?;
        let contacts: bool = sqlx::query_scalar("-- contacts_wait\nselect exists (select from contact_handover)")
            .fetch_one(&mut orders)
            .await?;
        let contacts = contacts && services.contains(&Name::Crm.word());
        calm = if pending == Some(0) && !contacts { calm + 1 } else { 0 };
    }
    Ok(())
}
