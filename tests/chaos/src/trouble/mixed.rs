//! Every kind of fault, one after the other, while the load goes on.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::nemesis::plan;
use crate::run::Run;

/// Seconds of load, and faults at least.
const SECONDS: u64 = 180;
const SHORT: usize = 20;
const LONG: usize = 200;

pub(super) async fn run(run: &Run) -> anyhow::Result<()> {
    let count = run.args.faults.unwrap_or(if run.args.long { LONG } else { SHORT });
    let begun = Instant::now();
    let load = run.load();
    run.nemesis().run(plan::schedule(run.seed, count), CancellationToken::new()).await?;
    let seconds = Duration::from_secs(run.args.seconds.unwrap_or(SECONDS));
    tokio::time::sleep(seconds.saturating_sub(begun.elapsed())).await;
    load.stop().await?;
    Ok(())
}
