//! Settings of the erp service.

use time::{Date, OffsetDateTime};
use types::Currency;

/// Settings of the erp service: every one is a flag and an environment variable.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Config {
    /// Currency of all stock values, an ISO 4217 code. Cannot be changed once goods were received.
    #[arg(long = "erp-currency", env = "SHOPFLOOR_ERP_CURRENCY", default_value = "RUB")]
    pub currency: String,
    /// Time zone in which a calendar day decides whether a lot has expired, an IANA name.
    #[arg(long = "erp-zone", env = "SHOPFLOOR_ERP_ZONE", default_value = "Europe/Moscow")]
    pub zone: String,
    /// Code of the warehouse that is meant when none is named, and that orders fall back to.
    #[arg(long = "erp-default-warehouse", env = "SHOPFLOOR_ERP_DEFAULT_WAREHOUSE", default_value = "MAIN")]
    pub default_warehouse: String,
    /// Orders are not given lots with fewer days left to their expiry date than this. A warehouse may ask for more.
    #[arg(long = "erp-min-life-days", env = "SHOPFLOOR_ERP_MIN_LIFE_DAYS", default_value_t = 0,
          value_parser = clap::value_parser!(i32).range(0..=3650))]
    pub min_life_days: i32,
    /// Orders that come take what carts (holds with an end) hold, the last made first, when there is not enough for them otherwise.
    #[arg(long = "erp-orders-take-carts", env = "SHOPFLOOR_ERP_ORDERS_TAKE_CARTS", default_value_t = false)]
    pub orders_take_carts: bool,
    /// How often the end of a hold may be put off.
    #[arg(long = "erp-hold-extensions", env = "SHOPFLOOR_ERP_HOLD_EXTENSIONS", default_value_t = 3,
          value_parser = clap::value_parser!(i32).range(0..=1000))]
    pub hold_extensions: i32,
    /// Seconds between two recounts of the ledger (left out while nothing changes) behind the metrics `shopfloor_erp_ledger_imbalance` and `shopfloor_erp_oversell`.
    #[arg(long = "erp-verify-seconds", env = "SHOPFLOOR_ERP_VERIFY_SECONDS", default_value_t = 300,
          value_parser = clap::value_parser!(u64).range(5..=86_400))]
    pub verify_seconds: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            currency: "RUB".into(),
            zone: "Europe/Moscow".into(),
            default_warehouse: "MAIN".into(),
            min_life_days: 0,
            orders_take_carts: false,
            hold_extensions: 3,
            verify_seconds: 300,
        }
    }
}

/// The settings the rules need, read and checked once at the start.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Company currency.
    pub currency: Currency,
    /// IANA zone.
    pub zone: String,
    /// Code of the default warehouse.
    pub default_warehouse: String,
    /// Least remaining life of a lot, in days, everywhere.
    pub min_life_days: i32,
    /// Orders take what carts hold.
    pub orders_take_carts: bool,
    /// How often a hold may be extended.
    pub hold_extensions: i32,
}

impl Rules {
    /// Checks the settings.
    ///
    /// # Errors
    /// A sentence that says which setting is wrong and what it may be.
    pub fn new(config: &Config) -> anyhow::Result<Self> {
        let currency = Currency::parse(&config.currency)
            .map_err(|_| anyhow::anyhow!("--erp-currency {:?} is not an ISO 4217 code such as RUB", config.currency))?;
        types::business_day(OffsetDateTime::UNIX_EPOCH, &config.zone, 0).map_err(|_| {
            anyhow::anyhow!("--erp-zone {:?} is not an IANA time zone such as Europe/Moscow", config.zone)
        })?;
        Ok(Self {
            currency,
            zone: config.zone.clone(),
            default_warehouse: config.default_warehouse.clone(),
            min_life_days: config.min_life_days,
            orders_take_carts: config.orders_take_carts,
            hold_extensions: config.hold_extensions,
        })
    }

    /// The company's calendar day.
    #[must_use]
    pub fn today(&self, now: OffsetDateTime) -> Date {
        types::business_day(now, &self.zone, 0).unwrap_or_else(|_| now.date())
    }

    /// Digits of the currency's minor unit.
    #[must_use]
    pub fn digits(&self) -> u32 {
        self.currency.minor_digits()
    }
}

/// Who does something, when, by which rules: what every command is told.
#[derive(Clone, Copy, Debug)]
pub struct Stamp<'a> {
    /// The moment of the command.
    pub now: OffsetDateTime,
    /// Id of the caller.
    pub by: &'a str,
    /// The company's rules.
    pub rules: &'a Rules,
}

impl Stamp<'_> {
    /// The company's calendar day.
    #[must_use]
    pub fn today(&self) -> Date {
        self.rules.today(self.now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(clap::Parser)]
    struct Cli {
        #[command(flatten)]
        config: Config,
    }

    #[test]
    fn the_default_is_what_the_flags_default_to() {
        let cli = <Cli as clap::Parser>::parse_from(["erp"]);
        assert_eq!(format!("{:?}", cli.config), format!("{:?}", Config::default()));
    }

    #[test]
    fn wrong_settings_are_refused_with_their_flag() {
        let bad = |change: fn(&mut Config)| {
            let mut config = Config::default();
            change(&mut config);
            Rules::new(&config).unwrap_err().to_string()
        };
        assert!(bad(|c| c.currency = "rub".into()).contains("--erp-currency"));
        assert!(bad(|c| c.zone = "Mars/Olympus".into()).contains("--erp-zone"));
    }
}
