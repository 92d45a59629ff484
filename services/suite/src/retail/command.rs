#![doc = "`shopfloor replay-orders`."]

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{bail, ensure};
use clap::Args;
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
    /// Currency the company keeps its costs in (the prices of the file are in GBP).
    #[arg(long, default_value = "GBP")]
    cost_currency: String,
    /// What one pound is worth in that currency.
    #[arg(long, default_value = "1")]
    rate: Decimal,
    /// Where to write what became of each line.
    #[arg(long, default_value = "online-retail-report.csv")]
    report: PathBuf,
}

/// Reads, plans, pushes, reports.
pub async fn run(args: ReplayOrdersArgs) -> anyhow::Result<()> {
    ensure!(args.rate > Decimal::ZERO, "--rate must be above zero");
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
    let api = Api::new(&args.connection.http, Credentials::of(&args.connection)?)?;
    let options = push::Options { channel: args.channel, cost_currency: args.cost_currency, rate: args.rate };
    let outcome = push::carry_out(&api, &plan, &options, OffsetDateTime::now_utc()).await?;
    let summary = report::report(&args.report, &lines, &plan, &outcome)?;
    report::print(&summary, &outcome, &args.report)?;
    say::line(&format!("Done in {:.0} s", begun.elapsed().as_secs_f32()))?;
    if summary.failures > 0 {
        bail!("{} parts of lines did not go as planned; see {}", summary.failures, args.report.display());
    }
    Ok(())
}
