//! Five times what can be served: refused early, cheaply and with a time to come back; what is served stays near the
//! best; nothing grows; and afterwards everything is as before at once.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use load::company::Company;
use load::drive::{self, Outcome};
use load::goods::Goods;
use load::orders::Orders;
use load::scripts::door;
use suite::say;

use super::shop::{self, Push, Told};
use super::watch::Watch;
use super::{Findings, Setting, ms};

/// Different goods; few, so that the company is up soon.
const GOODS: usize = 2_000;
/// Shops, each with a key of its own. Their bounds on requests under way add up to the gateway's.
const SHOPS: usize = 4;
/// Connections of the overload: twice what the gateway lets in at once.
const CONNECTIONS: usize = 2_048;
/// How many times the best.
const FACTOR: f64 = 5.0;
/// The share of the best that must remain.
const SHARE: f64 = 0.8;
/// A process may grow by this much, in MiB: the bodies' room of the gateway (128), a thousand requests under way, the
/// intake's queue, and the consumers' batches of a company that has fallen behind.
const GROWTH: u64 = 384;
/// The longest an answer may take: the gateway's deadline and some air.
const LONGEST: Duration = Duration::from_secs(20);
/// Figures of a light load so small differ by chance.
const NOISE: Duration = Duration::from_millis(5);

struct Run<'a> {
    address: SocketAddr,
    keys: Vec<String>,
    orders: &'a Orders,
    told: Told,
}

impl Run<'_> {
    fn keep(&mut self, (outcome, scripts): (Outcome, Vec<Push>)) -> (Outcome, Told) {
        let mut own = Told::default();
        scripts.into_iter().for_each(|script| own.add(script.told));
        self.told.add(own.clone());
        (outcome, own)
    }

    async fn closed(&mut self, connections: usize, time: Duration) -> anyhow::Result<Outcome> {
        let scripts = Push::many(connections, &self.keys, self.orders);
        let done = bounded(time, drive::closed(self.address, scripts, time)).await?;
        Ok(self.keep(done).0)
    }

    async fn open(&mut self, connections: usize, rate: f64, time: Duration) -> anyhow::Result<(Outcome, Told)> {
        let scripts = Push::many(connections, &self.keys, self.orders);
        let done = bounded(time, drive::open(self.address, scripts, rate, time)).await?;
        Ok(self.keep(done))
    }

    /// Twenty orders a second: what latency is when there is nothing to wait for.
    async fn light(&mut self) -> anyhow::Result<Duration> {
        let (outcome, _) = self.open(4, 20.0, Duration::from_secs(3)).await?;
        anyhow::ensure!(outcome.failed() == 0, "a light load is refused: {:?} {:?}", outcome.statuses, outcome.errors);
        Ok(outcome.quantile(0.5))
    }
}

/// A load that does not end is a connection that hangs.
async fn bounded<T>(time: Duration, load: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let bound = time + Duration::from_secs(90);
    tokio::time::timeout(bound, load).await.context("some connections hang: the load does not end")?
}

/// Runs it.
pub(super) async fn run(company: &Company, setting: &Setting) -> anyhow::Result<Findings> {
    Goods { count: GOODS, stock: 10_000_000 }.load(company).await?;
    let mut keys = Vec::new();
    for n in 0..SHOPS {
        keys.push(company.new_key(&format!("Shop {n}")).await?);
    }
    let orders = Orders::new("overload", GOODS, 20_000, 11);
    let mut run = Run { address: door(company)?, keys, orders: &orders, told: Told::default() };
    let mut findings = Findings::default();
    let best = ramp(&mut run, setting).await?;
    company.quiet(Duration::from_secs(120)).await?;
    let before = run.light().await?;
    say::line(&format!("  light load before: p50 {}", ms(before)))?;

    let time = Duration::from_secs(if setting.long { 60 } else { 12 });
    let watch = Watch::start(company);
    let (outcome, told) = run.open(CONNECTIONS, best * FACTOR, time).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let after = run.light().await?;
    let memory = watch.stop().await?;

    figures(&outcome, &told, best)?;
    findings.expect(
        outcome.rate() >= SHARE * best,
        format!("goodput {:.0} orders/s, {:.2} of the best {best:.0}", outcome.rate(), outcome.rate() / best),
    )?;
    let foreign: Vec<_> = outcome.statuses.keys().filter(|status| !matches!(status, 200 | 429 | 503)).collect();
    findings.expect(foreign.is_empty(), format!("answers are 200, 429 or 503; others: {foreign:?}"))?;
    findings.expect(told.without_wait == 0, format!("{} refusals without Retry-After", told.without_wait))?;
    findings.expect(told.open.is_empty(), format!("{} answers that leave it open", told.open.len()))?;
    findings.expect(outcome.errors.is_empty(), format!("connections that broke: {:?}", outcome.errors))?;
    findings.expect(told.slowest < LONGEST, format!("slowest answer {}", ms(told.slowest)))?;
    for (name, memory) in memory {
        let (growth, peak) = (memory.growth(), memory.peak_mib());
        findings.expect(growth <= GROWTH, format!("{name} grew by {growth} MiB (at most {GROWTH}) to {peak} MiB"))?;
    }
    findings.expect(
        after <= before * 2 + NOISE,
        format!("light load 2 s later: p50 {}, before {}", ms(after), ms(before)),
    )?;
    let caught_up = company.quiet(Duration::from_secs(180)).await?;
    say::line(&format!("  every consumer caught up {:.1} s later", caught_up.as_secs_f64()))?;
    let told = std::mem::take(&mut run.told);
    shop::audit(company, &orders, &told, &mut findings).await?;
    Ok(findings)
}

/// The most orders a second that any number of connections gets stored.
async fn ramp(run: &mut Run<'_>, setting: &Setting) -> anyhow::Result<f64> {
    let time = Duration::from_secs(if setting.long { 6 } else { 2 });
    run.closed(16, Duration::from_secs(1)).await?;
    let mut best: f64 = 0.0;
    for connections in [16, 64, 256, 1_024] {
        let outcome = run.closed(connections, time).await?;
        say::line(&format!(
            "  {connections:>4} connections: {:>6.0} orders/s, p50 {}, p99 {}",
            outcome.rate(),
            ms(outcome.quantile(0.5)),
            ms(outcome.quantile(0.99))
        ))?;
        best = best.max(outcome.rate());
    }
    Ok(best)
}

fn figures(outcome: &Outcome, told: &Told, best: f64) -> anyhow::Result<()> {
    let answers: u64 = outcome.statuses.values().sum();
    let seconds = outcome.elapsed.as_secs_f64();
    let offered = answers as f64 / seconds;
    say::line(&format!(
        "  overload: {:.0} orders/s meant, {offered:.0} asked and answered ({:.1} times the best) over {seconds:.1} s, {} not even asked",
        best * FACTOR,
        offered / best,
        outcome.unsent
    ))?;
    say::line(&format!("  answers {:?}, refusals {:?}", outcome.statuses, told.reasons))
}
