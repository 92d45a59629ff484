//! From the moment an order was meant to be sent to the commit of its reservation, at a tenth of N. Postgres says when a
//! transaction was committed; it is the same clock.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use load::company::SUITE;
use load::drive;
use load::scripts::{PushOne, door};
use suite::services::Name;
use time::OffsetDateTime;

use crate::Bench;
use crate::exact::Reach;
use crate::floors::Floor;
use crate::report::Row;

pub(super) async fn measure(bench: &mut Bench) -> anyhow::Result<()> {
    bench.fresh(SUITE, &Name::ALL).await?;
    let best = bench.floors.median(Floor::N).await?;
    let one = 1.0 / bench.floors.at(Floor::N, 1).await?;
    let broker = crate::broker::measure(&bench.company.nats, Duration::from_secs(2)).await?;
    bench.report.broker = Some(broker);
    let unit = one + broker.ack;
    bench.report.note(format!(
        "one N transaction {:.0} µs, one publish with ack {:.0} µs, {:.0} publishes/s with 64 on their way",
        one * 1e6,
        broker.ack * 1e6,
        broker.windowed
    ))?;
    let (orders, rate) = (bench.orders(), best * 0.1);
    let (instant, wall) = (Instant::now(), OffsetDateTime::now_utc());
    let scripts = PushOne::many(64, &bench.company, &orders);
    let time = bench.plan.load.max(Duration::from_secs(2));
    let shares = bench.shares().await?;
    let (outcome, scripts) = drive::open(door(&bench.company)?, scripts, rate, time).await?;
    let shares = shares.until(&bench.shares().await?, outcome.done);
    bench.company.quiet(Duration::from_secs(120)).await?;
    let mut sent = HashMap::new();
    let (mut acknowledged, mut unknown) = (Vec::new(), Vec::new());
    for script in scripts {
        for (number, begun) in script.stored {
            sent.insert(orders.external_id(number), begun);
            acknowledged.push(number);
        }
        unknown.extend(script.unknown);
    }
    let mut taken = bench.company.database(Name::Orders).await?;
    let ids: Vec<(String, String)> =
        sqlx::query_as("-- ids\nselect id::text, external_id from orders").fetch_all(&mut taken).await?;
    let ids: HashMap<String, String> = ids.into_iter().collect();
    let mut reserved = bench.company.database(Name::Erp).await?;
    let commits: Vec<(String, OffsetDateTime)> = sqlx::query_as(
        "-- commits
        select order_id::text, max(pg_xact_commit_timestamp(xmin)) from reservation group by order_id",
    )
    .fetch_all(&mut reserved)
    .await?;
    let mut latency = drive::histogram();
    for (order, at) in &commits {
        let Some(begun) = ids.get(order).and_then(|external| sent.get(external)) else { continue };
        let begun = wall + begun.duration_since(instant);
        latency.saturating_record(u64::try_from((*at - begun).whole_microseconds())?.max(1));
    }
    bench.exact("latency", &orders, &acknowledged, &unknown, Reach::Everywhere).await?;
    anyhow::ensure!(latency.len() == sent.len() as u64, "{} of {} orders were reserved", latency.len(), sent.len());
    bench.report.note(format!(
        "open loop at {rate:.0} orders/s for {:.0} s, {} not sent: answers p50 {:.1} ms, p99 {:.1} ms; reserved p50 {:.1} ms, \
         p99 {:.1} ms, most {:.1} ms; {shares}",
        time.as_secs_f64(),
        outcome.unsent,
        outcome.quantile(0.5).as_secs_f64() * 1e3,
        outcome.quantile(0.99).as_secs_f64() * 1e3,
        latency.value_at_quantile(0.5) as f64 / 1e3,
        latency.value_at_quantile(0.99) as f64 / 1e3,
        latency.max() as f64 / 1e3
    ))?;
    for (name, quantile, required) in [("p50", 0.5, 12.0), ("p99", 0.99, 40.0)] {
        let value = latency.value_at_quantile(quantile) as f64 / 1e3;
        let floor = ("N + ack, ms", unit * 1e3);
        bench.report.row(Row::at_most(&format!("send to reservation, {name}"), value, "ms", floor, required))?;
    }
    Ok(())
}
