//! Receipts of fifty lines through the gateway, by staff: each makes lots, movements and balances and serves who waits.

use load::drive;
use load::goods::Goods;
use load::scripts::{PostDocument, door};
use suite::services::Name;

use crate::Bench;
use crate::floors::Floor;
use crate::report::Row;

/// Lines of a document.
const LINES: usize = 50;
/// Connections, as many as floor D has clients.
const CONNECTIONS: usize = 8;

pub(super) async fn measure(bench: &mut Bench) -> anyhow::Result<()> {
    bench.fresh("documents", &[Name::Identity, Name::Erp, Name::Gateway]).await?;
    let before = bench.floors.sample(Floor::D).await?;
    let skus: Vec<_> = (0..bench.goods.count).map(Goods::sku).collect();
    let authorization = format!("authorization: Bearer {}", bench.company.token()?);
    let scripts = PostDocument::many(CONNECTIONS, LINES, &skus, &authorization);
    let shares = bench.shares().await?;
    let (outcome, scripts) = drive::closed(door(&bench.company)?, scripts, bench.plan.load).await?;
    let shares = shares.until(&bench.shares().await?, outcome.done);
    anyhow::ensure!(outcome.done > 0, "no document was posted: {:?} {:?}", outcome.statuses, outcome.errors);
    let posted: u64 = scripts.iter().map(|script| script.posted).sum();
    let mut conn = bench.company.database(Name::Erp).await?;
    let stored: i64 = sqlx::query_scalar("-- posted\nselect count(*) from receipt where supplier = 'documents'")
        .fetch_one(&mut conn)
        .await?;
    let unknown: u64 = scripts.iter().map(|script| script.unknown).sum();
    if !(posted..=posted + unknown).contains(&stored.unsigned_abs()) {
        bench.report.faults.push(format!("documents: {posted} acknowledged, {unknown} unknown, {stored} stored"));
    }
    bench.report.note(format!(
        "documents of {LINES} lines, {}; {shares}",
        super::intake::words(CONNECTIONS, "lines", &outcome)
    ))?;
    bench.dismiss_all().await?;
    let after = bench.floors.sample(Floor::D).await?;
    let floor = ("D", f64::midpoint(before, after));
    bench.report.row(Row::at_least("documents of 50 lines", outcome.rate(), "lines/s", floor, 0.3))
}
