//! The suite in one process with nothing to do.

use std::time::Duration;

use load::company::SUITE;
use suite::services::Name;

use crate::Bench;
use crate::report::Row;

pub(super) async fn measure(bench: &mut Bench) -> anyhow::Result<()> {
    if bench.company.process(SUITE, 0).is_err() {
        bench.fresh(SUITE, &Name::ALL).await?;
    }
    let process = bench.company.process(SUITE, 0)?;
    // What starting has begun may end first.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let before = process.cpu().await?;
    tokio::time::sleep(bench.plan.idle).await;
    let used = process.cpu().await?.saturating_sub(before);
    let percent = used.as_secs_f64() / bench.plan.idle.as_secs_f64() * 100.0;
    let mebibytes = process.rss().await? as f64 / 1024.0 / 1024.0;
    bench.report.row(Row::bound("idle suite, memory", mebibytes, "MiB", 150.0))?;
    bench.report.row(Row::bound("idle suite, processor", percent, "% of a core", 1.0))
}
