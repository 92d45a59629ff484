//! Settings of the orders service.

use clap::Parser as _;
use rust_decimal::{Decimal, dec};

use crate::intake::domain::TaxRounding;

/// Settings of the orders service.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Config {
    /// Address of the crm service's gRPC port; contacts of new orders go there.
    #[arg(id = "orders_crm_url", long = "crm-url", env = "SHOPFLOOR_CRM_URL", default_value = "http://127.0.0.1:7070")]
    pub crm_url: String,

    /// Milliseconds between two looks for contacts to hand over to crm.
    #[arg(long = "orders-contact-interval-ms", env = "SHOPFLOOR_ORDERS_CONTACT_INTERVAL_MS", default_value_t = 500,
        value_parser = clap::value_parser!(u64).range(10..=600_000))]
    pub orders_contact_interval_ms: u64,

    /// Orders that may wait for a writer; one more is answered with RESOURCE_EXHAUSTED.
    #[arg(long = "orders-intake-queue", env = "SHOPFLOOR_ORDERS_INTAKE_QUEUE", default_value_t = 8192,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub orders_intake_queue: u32,

    /// Writers that store waiting orders, each with its own transaction.
    #[arg(long = "orders-intake-writers", env = "SHOPFLOOR_ORDERS_INTAKE_WRITERS", default_value_t = 2,
        value_parser = clap::value_parser!(u32).range(1..=16))]
    pub orders_intake_writers: u32,

    /// Orders stored in one transaction at most.
    #[arg(long = "orders-intake-batch", env = "SHOPFLOOR_ORDERS_INTAKE_BATCH", default_value_t = 1024,
        value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub orders_intake_batch: u32,

    /// Where VAT is rounded unless the channel says otherwise: `per-line` or `per-unit`.
    #[arg(long = "orders-tax-rounding", env = "SHOPFLOOR_ORDERS_TAX_ROUNDING", default_value = "per-line",
        value_parser = tax_rounding)]
    pub orders_tax_rounding: TaxRounding,

    /// Price list that prices of unlisted channels are compared with, as far as it exists.
    #[arg(long = "orders-price-list", env = "SHOPFLOOR_ORDERS_PRICE_LIST", default_value = "retail")]
    pub orders_price_list: String,

    /// How far totals and prices of unlisted channels may differ without a hold, in the order's currency.
    #[arg(long = "orders-tolerance", env = "SHOPFLOOR_ORDERS_TOLERANCE", default_value = "0", value_parser = amount)]
    pub orders_tolerance: Decimal,

    /// Channels whose own prices count, comma-separated: imports and replays of history.
    #[arg(
        long = "orders-authoritative-channels",
        env = "SHOPFLOOR_ORDERS_AUTHORITATIVE_CHANNELS",
        value_delimiter = ',',
        default_value = "replay,import,demo,online-retail"
    )]
    pub orders_authoritative_channels: Vec<String>,

    /// True when prices of unlisted channels without a price list contain VAT.
    #[arg(long = "orders-prices-include-tax", env = "SHOPFLOOR_ORDERS_PRICES_INCLUDE_TAX", default_value_t = true,
        action = clap::ArgAction::Set)]
    pub orders_prices_include_tax: bool,

    /// Minutes a confirmed order may be without answer of the warehouse before it counts as stuck.
    #[arg(long = "orders-stuck-minutes", env = "SHOPFLOOR_ORDERS_STUCK_MINUTES", default_value_t = 10,
        value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub orders_stuck_minutes: u32,

    /// VAT rate in percent of new products and of charges that name none.
    #[arg(long = "orders-vat-rate", env = "SHOPFLOOR_ORDERS_VAT_RATE", default_value = "22", value_parser = percent)]
    pub orders_vat_rate: Decimal,
}

fn tax_rounding(text: &str) -> Result<TaxRounding, String> {
    match text {
        "per-line" => Ok(TaxRounding::PerLine),
        "per-unit" => Ok(TaxRounding::PerUnit),
        _ => Err("say per-line or per-unit".to_owned()),
    }
}

fn amount(text: &str) -> Result<Decimal, String> {
    types::parse_decimal(text)
        .filter(|value| *value >= Decimal::ZERO)
        .ok_or_else(|| "say an amount, zero or more".into())
}

fn percent(text: &str) -> Result<Decimal, String> {
    amount(text).ok().filter(|value| *value <= dec!(100)).ok_or_else(|| "say a percentage from 0 to 100".into())
}

impl Default for Config {
    /// What is in force when no flag is given.
    fn default() -> Self {
        #[derive(clap::Parser)]
        struct Defaults {
            #[command(flatten)]
            config: Config,
        }
        #[expect(clippy::expect_used, reason = "the defaults above are constants and are parsed by a test")]
        Defaults::try_parse_from(["orders"]).expect("the defaults are valid").config
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid() {
        let config = Config::default();
        assert_eq!(config.orders_vat_rate, dec!(22));
        assert_eq!(config.orders_tax_rounding, TaxRounding::PerLine);
    }
}
