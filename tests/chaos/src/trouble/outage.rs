//! Something is down for the whole run: orders are still taken, and everything catches up after.

use crate::nemesis::plan::{Fault, Planned};
use crate::run::Run;

/// Seconds it is down.
const SECONDS: u64 = 60;

pub(super) async fn run(run: &Run, name: &'static str) -> anyhow::Result<()> {
    let load = run.load();
    let ms = run.args.seconds.unwrap_or(SECONDS) * 1000;
    let fault = Planned { number: 1, rest_ms: 0, fault: Fault::Outage { name, ms } };
    run.nemesis().one(&fault).await?;
    load.stop().await?;
    Ok(())
}
