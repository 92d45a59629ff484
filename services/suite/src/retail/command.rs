#![doc = "`shopfloor replay-orders`."]

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use proto::kpi::v1::{GetSummaryRequest, GetSummaryResponse, Period};
use rust_decimal::Decimal;
use time::OffsetDateTime;

use super::{plan, push, read, report};
use crate::client::api::Api;
use crate::client::session::{Connection, Credentials};
use crate::say;

/// `shopfloor replay-orders`
#[derive(Debug, Args)]
pub struct ReplayOrdersArgs {
    #[command(flatten)]
    connection: Connection,
    /// The UCI Online Retail file, `.csv` or `.csv.gz`.
    file: PathBuf,
    /// Only the first lines of it.
    #[arg(long)]
    limit: Option<usize>,
    /// Sales channel the orders belong to.
    #[arg(long, default_value = "online-retail")]
    channel: String,
    /// What one pound is worth in the currency the company keeps its costs in; needed unless that is GBP, as the prices
    /// of the file are.
    #[arg(long)]
    rate: Option<Decimal>,
    /// Where to write what became of each line.
    #[arg(long, default_value = "online-retail-report.csv")]
    report: PathBuf,
}

/// The currency of the company, as its figures tell.
async fn company_currency(api: &Api) -> anyhow::Result<String> {
    let day = "2010-12-01".to_owned();
    let period = Some(Period { from: day.clone(), to: day });
    let request = GetSummaryRequest { period, ..GetSummaryRequest::default() };
    let answer: GetSummaryResponse = api.call("shopfloor.kpi.v1.ReportService/GetSummary", &request).await?;
    let placed = answer.figures.and_then(|figures| figures.placed);
    placed.map(|money| money.currency).context("the figures name no currency")
}

/// Reads, plans, pushes, reports.
pub async fn run(args: ReplayOrdersArgs) -> anyhow::Result<()> {
    ensure!(args.rate.is_none_or(|rate| rate > Decimal::ZERO), "--rate must be above zero");
    let api = Api::new(&args.connection.http, Credentials::of(&args.connection)?)?;
    let cost_currency = company_currency(&api).await?;
    let rate = match args.rate {
        Some(rate) => rate,
        None if cost_currency == push::CURRENCY => Decimal::ONE,
        None => bail!("the company keeps its costs in {cost_currency}; say with --rate what one pound is worth in it"),
    };
    let begun = Instant::now();
    let lines = read::read_file(&args.file, args.limit)?;
    let plan = plan::plan(&lines);
    say::line(&format!(
        "{} lines: {} orders, {} cancellations and returns, {} products (times are {})",
        lines.len(),
        plan.orders.len(),
        plan.reversals.len(),
        plan.products.len(),
        read::FILE_ZONE
    ))?;
    let options = push::Options { channel: args.channel, cost_currency, rate };
    let outcome = push::carry_out(&api, &plan, &options, OffsetDateTime::now_utc()).await?;
    let summary = report::report(&args.report, &lines, &plan, &outcome)?;
    report::print(&summary, &outcome, &args.report)?;
    say::line(&format!("Done in {:.0} s", begun.elapsed().as_secs_f32()))?;
    if summary.failures > 0 {
        bail!("{} parts of lines did not go as planned; see {}", summary.failures, args.report.display());
    }
    Ok(())
}
