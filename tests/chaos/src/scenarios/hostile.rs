//! Clients that mean no good, or are broken: each is answered or cut within a bound, takes a bounded memory, and a normal
//! shop beside it does not notice.
//!
//! [`raw`] makes the connections, [`attacks`] uses them, [`bystander`] is the normal shop.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use load::company::{Company, Options};
use load::goods::Goods;
use load::orders::Orders;
use load::scripts::door;
use suite::say;
use suite::services::Name;

use super::watch::Watch;
use super::{Findings, Setting, ms, shop};
use bystander::Bystander;

mod attacks;
mod bystander;
mod raw;

const GOODS: usize = 200;
/// What 99 of 100 orders of the normal shop must keep; two cores carry the attack, too.
const P99: Duration = Duration::from_secs(1);
/// A process may grow by this much, in MiB: the gateway's room for bodies is 128.
const GROWTH: u64 = 160;

/// Whom it goes against, and with what.
pub(super) struct Target<'a> {
    /// The company.
    pub(super) company: &'a Company,
    /// The gateway's HTTP address.
    pub(super) http: SocketAddr,
    /// The gRPC address of orders.
    pub(super) grpc: SocketAddr,
    /// Seconds the gateway gives heads, bodies and readers.
    pub(super) seconds: u64,
    /// The attacker's own API key: also customers may be hostile.
    pub(super) key: String,
    /// An order that can be watched.
    pub(super) order_id: String,
    /// Numbers in full.
    pub(super) long: bool,
}

impl Target<'_> {
    /// A token of somebody who may do everything, good for a minute.
    pub(super) fn token(&self) -> anyhow::Result<String> {
        self.company.token()
    }

    /// When a client that does nothing must be gone.
    pub(super) fn patience(&self) -> Duration {
        Duration::from_secs(self.seconds + 4)
    }
}

/// Shorter patience in the short form, so that its end is seen.
pub(super) fn settings(options: Options, setting: &Setting) -> Options {
    let seconds = seconds(setting);
    ["HEADER", "BODY", "WRITE"]
        .into_iter()
        .fold(options, |options, what| options.set(&format!("SHOPFLOOR_GATEWAY_{what}_SECONDS"), seconds))
}

const fn seconds(setting: &Setting) -> u64 {
    if setting.long { 30 } else { 3 }
}

/// Runs it.
pub(super) async fn run(company: &Company, setting: &Setting) -> anyhow::Result<Findings> {
    raise_limit()?;
    Goods { count: GOODS, stock: 10_000_000 }.load(company).await?;
    let orders = Orders::new("hostile", GOODS, 2_000, 13);
    let http = door(company)?;
    let target = Target {
        company,
        http,
        grpc: company.process(Name::Orders.word(), 0)?.sockets.grpc,
        seconds: seconds(setting),
        key: company.new_key("Hostile").await?,
        order_id: one_order(company, &orders).await?,
        long: setting.long,
    };
    let bystander = Bystander::start(http, company.shop_key(), &orders);
    let mut findings = Findings::default();
    let all = attacks::all(&target, &bystander, &mut findings).await;
    let mut told = bystander.stop().await?;
    all?;
    // The one that is watched.
    told.stored.push(load::orders::Number(0));
    let gateway = company.process(Name::Gateway.word(), 0)?;
    let took = gateway.terminate().await?;
    findings.expect(took < Duration::from_secs(25), format!("the gateway ends in {}", ms(took)))?;
    gateway.start().await?;
    gateway.wait_ready().await?;
    company.quiet(Duration::from_secs(60)).await?;
    shop::audit(company, &orders, &told, &mut findings).await?;
    Ok(findings)
}

async fn one_order(company: &Company, orders: &Orders) -> anyhow::Result<String> {
    let mut body = String::new();
    orders.clone().write(&mut body);
    let answer = reqwest::Client::new()
        .post(format!("{}/v1/orders", company.front()?))
        .header("x-api-key", company.shop_key())
        .header("content-type", "application/json")
        .body(body)
        .send()
        .await?;
    let text = answer.error_for_status()?.text().await?;
    let answer: serde_json::Value = serde_json::from_str(&text)?;
    Ok(answer["order_id"].as_str().context("an order without an id")?.to_owned())
}

/// Room for the sockets of both sides.
fn raise_limit() -> anyhow::Result<()> {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft < hard {
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    }
    Ok(())
}

/// An attack with the normal shop beside it: what the shop saw, what the processes grew by, and that all connections are
/// given back.
async fn beside(
    company: &Company,
    bystander: &Bystander,
    findings: &mut Findings,
    name: &str,
    attack: impl Future<Output = anyhow::Result<Vec<(bool, String)>>>,
) -> anyhow::Result<()> {
    let gateway = company.process(Name::Gateway.word(), 0)?;
    bystander.take();
    let (watch, begun) = (Watch::start(company), Instant::now());
    let seen = tokio::time::timeout(Duration::from_secs(180), attack).await;
    let outcomes = seen.with_context(|| format!("{name} does not end"))?.with_context(|| name.to_owned())?;
    let took = begun.elapsed();
    let freed = freed(&gateway).await?;
    // Enough orders for a figure, also beside an attack that is over at once.
    let mut shop = bystander.take();
    while shop.took.len() + shop.failed.len() < 20 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let more = bystander.take();
        shop.took.extend(more.took);
        shop.failed.extend(more.failed);
    }
    let memory = watch.stop().await?;
    say::line(&format!("  - {name}: {:.1} s", took.as_secs_f64()))?;
    for (good, text) in outcomes {
        findings.expect(good, text)?;
    }
    findings.expect(freed.is_ok(), format!("connections given back: {}", freed.unwrap_or_else(|text| text)))?;
    findings.expect(
        shop.failed.is_empty() && shop.p99() < P99,
        format!("{} orders beside it, p99 {}, failed {:?}", shop.took.len(), ms(shop.p99()), shop.failed),
    )?;
    let most = memory.iter().max_by_key(|(_, memory)| memory.growth()).context("no process")?;
    let growth = most.1.growth();
    findings.expect(
        growth <= GROWTH,
        format!("{} grew by {growth} MiB to {} MiB, the others by less", most.0, most.1.peak_mib()),
    )
}

/// Waits until only normal connections are left; how many, or how many there still are after the bound.
async fn freed(gateway: &load::company::Process) -> anyhow::Result<Result<String, String>> {
    let begun = Instant::now();
    loop {
        let page = gateway.metrics().await?;
        let line = page.lines().find_map(|line| line.strip_prefix("gateway_connections "));
        let open: f64 = line.context("the gateway does not count its connections")?.trim().parse()?;
        // The normal shop, the company's own calls through the forwarder, one that is just ending.
        if open <= 8.0 {
            return Ok(Ok(format!("{open} open {} later", ms(begun.elapsed()))));
        }
        if begun.elapsed() > Duration::from_secs(15) {
            return Ok(Err(format!("{open} are still open {} later", ms(begun.elapsed()))));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
