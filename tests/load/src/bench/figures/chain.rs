//! The whole chain: all services in one process, every consumer at work while orders come as fast as they are taken.

use std::time::{Duration, Instant};

use load::company::SUITE;
use load::drive;
use load::orders::Orders;
use load::scripts::{PushOne, door};
use suite::services::Name;

use crate::Bench;
use crate::exact::Reach;
use crate::floors::Floor;
use crate::report::Row;

/// Connections of the shop.
const CONNECTIONS: usize = 128;
/// How long the consumers may take in all.
const PATIENCE: Duration = Duration::from_secs(240);
/// How soon after the end nothing may be on its way any more, in seconds.
const LAG: f64 = 5.0;
/// What the chain must keep up with, of N.
const SHARE: f64 = 0.6;

/// What one load through the whole chain came to.
struct Passage {
    /// Orders a second until the last consumer was done.
    rate: f64,
    /// Seconds from the end of the load until nothing was on its way.
    lag: f64,
}

pub(super) async fn measure(bench: &mut Bench) -> anyhow::Result<()> {
    bench.fresh(SUITE, &Name::ALL).await?;
    let before = bench.floors.sample(Floor::N).await?;
    let orders = bench.orders();
    let full = pass(bench, &orders, None).await?;
    let after = bench.floors.sample(Floor::N).await?;
    let floor = f64::midpoint(before, after);
    bench.report.row(Row::at_least("whole chain at full load", full.rate, "orders/s", ("N", floor), SHARE))?;
    bench.report.row(Row::bound("lag after full load", full.lag, "s", LAG))?;
    if full.lag > LAG {
        // Taking is faster than the rest: does the rest keep up with what is asked of the chain?
        bench.fresh(SUITE, &Name::ALL).await?;
        let orders = bench.orders();
        let steady = pass(bench, &orders, Some(floor * SHARE)).await?;
        let name = format!("lag after a load of {SHARE} × N");
        bench.report.row(Row::bound(&name, steady.lag, "s", LAG))?;
    }
    Ok(())
}

async fn pass(bench: &mut Bench, orders: &Orders, rate: Option<f64>) -> anyhow::Result<Passage> {
    let (address, time) = (door(&bench.company)?, bench.plan.load * 2);
    let scripts = PushOne::many(CONNECTIONS, &bench.company, orders);
    let (shares, begun) = (bench.shares().await?, Instant::now());
    let (outcome, scripts) = match rate {
        None => drive::closed(address, scripts, time).await?,
        Some(rate) => drive::open(address, scripts, rate, time).await?,
    };
    let end = begun.elapsed();
    let after = bench.shares().await?;
    let during = shares.until(&after, outcome.done);
    let lag = bench.company.quiet(PATIENCE).await?;
    let over = bench.shares().await?;
    let (afterwards, whole) = (after.until(&over, outcome.done), shares.until(&over, outcome.done));
    let (mut acknowledged, mut unknown) = (Vec::new(), Vec::new());
    for script in scripts {
        acknowledged.extend(script.stored.iter().map(|(number, _)| *number));
        unknown.extend(script.unknown);
    }
    let stored = bench.exact("whole chain", orders, &acknowledged, &unknown, Reach::Everywhere).await?;
    let what = super::intake::words(CONNECTIONS, "orders", &outcome);
    bench.report.note(format!("whole chain, taken over {what}; {during}"))?;
    bench.report.note(format!(
        "whole chain, {stored} orders done {:.1} s after the end; then {afterwards}; in all {whole}",
        lag.as_secs_f64()
    ))?;
    Ok(Passage { rate: stored as f64 / (end + lag).as_secs_f64(), lag: lag.as_secs_f64() })
}
