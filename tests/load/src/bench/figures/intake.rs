//! Orders taken over HTTP by gateway, identity and orders, with the relay publishing; answered after the commit.

use load::drive::{self, Outcome};
use load::orders::{Number, Orders};
use load::scripts::{PushBatch, PushOne, door};

use super::INTAKE;
use crate::Bench;
use crate::exact::Reach;
use crate::floors::Floor;
use crate::report::Row;

/// Orders in a batch.
const BATCH: usize = 50;

/// One run over so many connections; what was acknowledged and what nobody knows goes to the lists.
pub(super) async fn push_one(
    bench: &Bench,
    orders: &Orders,
    connections: usize,
    seen: &mut (Vec<Number>, Vec<Number>),
) -> anyhow::Result<Outcome> {
    let scripts = PushOne::many(connections, &bench.company, orders);
    let (outcome, scripts) = drive::closed(door(&bench.company)?, scripts, bench.plan.load).await?;
    for script in scripts {
        seen.0.extend(script.stored.iter().map(|(number, _)| *number));
        seen.1.extend(script.unknown);
    }
    Ok(outcome)
}

pub(super) fn words(connections: usize, unit: &str, outcome: &Outcome) -> String {
    let mut text = format!(
        "{connections} connections: {:.0} {unit}/s, p50 {:.1} ms, p99 {:.1} ms",
        outcome.rate(),
        outcome.quantile(0.5).as_secs_f64() * 1e3,
        outcome.quantile(0.99).as_secs_f64() * 1e3
    );
    if outcome.failed() > 0 {
        text.push_str(&format!(", not well answered: {:?} {:?}", outcome.statuses, outcome.errors));
    }
    text
}

pub(super) async fn single(bench: &mut Bench) -> anyhow::Result<()> {
    bench.fresh("intake", &INTAKE).await?;
    let before = bench.floors.sample(Floor::N).await?;
    bench.floors.sample(Floor::C).await?;
    let (orders, mut seen) = (bench.orders(), (Vec::new(), Vec::new()));
    let mut best = 0.0_f64;
    for connections in bench.plan.connections.clone() {
        let shares = bench.shares().await?;
        let outcome = push_one(bench, &orders, connections, &mut seen).await?;
        best = best.max(outcome.rate());
        let shares = shares.until(&bench.shares().await?, outcome.done);
        bench.report.note(format!("intake, {}; {shares}", words(connections, "orders", &outcome)))?;
        bench.published().await?;
    }
    bench.exact("intake", &orders, &seen.0, &seen.1, Reach::Stored).await?;
    let after = bench.floors.sample(Floor::N).await?;
    let floor = ("N", f64::midpoint(before, after));
    bench.report.row(Row::at_least("intake, one order a request", best, "orders/s", floor, 1.5))
}

pub(super) async fn batch(bench: &mut Bench) -> anyhow::Result<()> {
    bench.fresh("intake", &INTAKE).await?;
    let before = bench.floors.sample(Floor::N).await?;
    bench.floors.sample(Floor::B).await?;
    let (orders, mut seen) = (bench.orders(), (Vec::new(), Vec::new()));
    let mut best = 0.0_f64;
    for connections in bench.plan.batch_connections.clone() {
        let shares = bench.shares().await?;
        let outcome = push_batches(bench, &orders, connections, &mut seen).await?;
        best = best.max(outcome.rate());
        let shares = shares.until(&bench.shares().await?, outcome.done);
        bench.report.note(format!("batches of {BATCH}, {}; {shares}", words(connections, "orders", &outcome)))?;
        bench.published().await?;
    }
    bench.exact("batches", &orders, &seen.0, &seen.1, Reach::Stored).await?;
    let after = bench.floors.sample(Floor::N).await?;
    let floor = ("N", f64::midpoint(before, after));
    bench.report.row(Row::at_least("intake, 50 orders a call", best, "orders/s", floor, 4.0))
}

pub(super) async fn push_batches(
    bench: &Bench,
    orders: &Orders,
    connections: usize,
    seen: &mut (Vec<Number>, Vec<Number>),
) -> anyhow::Result<Outcome> {
    let scripts = PushBatch::many(connections, BATCH, &bench.company, orders);
    let (outcome, scripts) = drive::closed(door(&bench.company)?, scripts, bench.plan.load).await?;
    for script in scripts {
        seen.0.extend(script.stored);
        seen.1.extend(script.unknown);
    }
    Ok(outcome)
}
