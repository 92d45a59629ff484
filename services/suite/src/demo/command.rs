#![doc = "`shopfloor demo`."]

use anyhow::ensure;
use clap::Args;
use time::OffsetDateTime;

use super::load::Company;
use super::scale::Scale;
use crate::client::api::Api;
use crate::client::session::{Connection, Credentials};
use crate::say;

/// `shopfloor demo`
#[derive(Debug, Args)]
pub struct DemoArgs {
    #[command(flatten)]
    connection: Connection,
    /// Size of the demo company.
    #[arg(long, value_enum, default_value = "small", env = "SHOPFLOOR_DEMO_SCALE")]
    scale: Scale,
    /// Last day of its history, `YYYY-MM-DD`; yesterday when not given. The same day again changes nothing.
    #[arg(long)]
    last_day: Option<String>,
    /// Currency of prices and costs: the company's.
    #[arg(long, default_value = "RUB")]
    currency: String,
}

/// Loads the company as the caller.
pub async fn run(args: DemoArgs) -> anyhow::Result<()> {
    let now = OffsetDateTime::now_utc();
    let yesterday = now.date().previous_day().unwrap_or(now.date());
    let last_day = match &args.last_day {
        Some(text) => time::Date::parse(text, time::macros::format_description!("[year]-[month]-[day]"))
            .map_err(|_| anyhow::anyhow!("--last-day {text} is not a date such as 2026-03-31"))?,
        None => yesterday,
    };
    ensure!(last_day <= yesterday, "--last-day must lie before today");
    let api = Api::new(&args.connection.http, Credentials::of(&args.connection)?)?;
    let company = Company { shop: &api, staff: &api, scale: args.scale, last_day, currency: &args.currency, now };
    let loaded = company.load().await?;
    say::line(&format!(
        "{} orders loaded, {} refused, {} held; {} payments, {} refunds",
        loaded.orders, loaded.refused, loaded.held, loaded.payments, loaded.refunds
    ))
}
