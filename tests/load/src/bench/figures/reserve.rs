//! Reservation by erp alone: the events of many orders wait in the stream, then erp starts and takes them.

use std::time::{Duration, Instant};

use anyhow::ensure;
use suite::services::Name;

use super::{INTAKE, intake};
use crate::Bench;
use crate::exact::Reach;
use crate::floors::Floor;
use crate::report::Row;

/// How long erp may take for all of them.
const PATIENCE: Duration = Duration::from_secs(180);

pub(super) async fn measure(bench: &mut Bench) -> anyhow::Result<()> {
    bench.fresh("intake", &INTAKE).await?;
    let (orders, mut seen) = (bench.orders(), (Vec::new(), Vec::new()));
    intake::push_batches(bench, &orders, 4, &mut seen).await?;
    bench.published().await?;
    bench.dismiss_all().await?;
    let before = bench.floors.sample(Floor::R).await?;
    let deadlocks = bench.deadlocks().await?;
    let waiting = seen.0.len() as i64;
    let shares = bench.shares().await?;
    bench.company.launch("erp", 0, &[Name::Erp]).await?;
    let begun = Instant::now();
    let mut conn = bench.company.database(Name::Erp).await?;
    loop {
        let count: i64 = sqlx::query_scalar("-- demands\nselect count(*) from demand").fetch_one(&mut conn).await?;
        if count >= waiting {
            break;
        }
        ensure!(begun.elapsed() < PATIENCE, "erp has taken {count} of {waiting} orders in {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let shares = shares.until(&bench.shares().await?, waiting.unsigned_abs());
    // As the commits say: from the first transaction to the last, the first one not counted.
    let (count, first, seconds, transactions): (i64, i64, f64, i64) = sqlx::query_as(
        "-- pace
        with commits as (
            select pg_xact_commit_timestamp(xmin) as at, count(*) as orders from demand group by 1
        )
        select sum(orders)::bigint, (select orders from commits order by at limit 1),
            extract(epoch from max(at) - min(at))::float8, count(*)
        from commits",
    )
    .fetch_one(&mut conn)
    .await?;
    // Its own events go out too before the floor is taken again.
    loop {
        let unsent: bool =
            sqlx::query_scalar("-- unpublished\nselect exists (select from outbox_batch where last_seq is null)")
                .fetch_one(&mut conn)
                .await?;
        if !unsent {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let stored = bench.exact("reservation", &orders, &seen.0, &seen.1, Reach::Reserved).await?;
    let deadlocks = bench.deadlocks().await? - deadlocks;
    if deadlocks > 0 {
        bench.report.faults.push(format!("reservation: {deadlocks} deadlocks"));
    }
    let rate = (count - first) as f64 / seconds;
    bench.report.note(format!(
        "reservation: {stored} orders in {transactions} transactions, {seconds:.1} s, {deadlocks} deadlocks; {shares}"
    ))?;
    bench.dismiss_all().await?;
    let after = bench.floors.sample(Floor::R).await?;
    let floor = ("R", f64::midpoint(before, after));
    bench.report.row(Row::at_least("reservation by erp alone", rate, "orders/s", floor, 3.0))
}
