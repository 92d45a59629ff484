//! Settings of crm.

use std::time::Duration;

use anyhow::Context as _;
use phonenumber::country::Id;
use types::Currency;

/// Settings of crm, as flags and environment variables.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
#[group(skip)]
pub struct Config {
    /// Currency of the company: sums of customers are kept in it; orders in others are counted but not summed
    #[arg(long, env = "SHOPFLOOR_CRM_CURRENCY", default_value = "RUB", help_heading = "Customers")]
    pub crm_currency: String,

    /// Country (ISO 3166 alpha-2) whose phone numbers may be written without country code
    #[arg(long, env = "SHOPFLOOR_CRM_PHONE_REGION", default_value = "RU", help_heading = "Customers")]
    pub crm_phone_region: String,

    /// Seconds between two looks for scores that time has overtaken
    #[arg(long, env = "SHOPFLOOR_CRM_SWEEP_SECONDS", default_value_t = 30, help_heading = "Customers")]
    pub crm_sweep_seconds: u64,

    /// Seconds one call of RescoreAll works before it says where to go on; below the deadline of RPCs
    #[arg(long, env = "SHOPFLOOR_CRM_RESCORE_SECONDS", default_value_t = 20, help_heading = "Customers")]
    pub crm_rescore_seconds: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            crm_currency: "RUB".to_owned(),
            crm_phone_region: "RU".to_owned(),
            crm_sweep_seconds: 30,
            crm_rescore_seconds: 20,
        }
    }
}

/// The settings, read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Currency of the sums.
    pub currency: Currency,
    /// Country of phone numbers without country code.
    pub phone_region: Id,
    /// How long one call of `RescoreAll` works.
    pub rescore_budget: Duration,
}

impl Config {
    /// Reads the settings.
    ///
    /// # Errors
    /// A sentence that says what to do.
    pub fn settings(&self) -> anyhow::Result<Settings> {
        Ok(Settings {
            currency: Currency::parse(&self.crm_currency)
                .with_context(|| format!("--crm-currency: {:?} is no ISO 4217 code like RUB", self.crm_currency))?,
            phone_region: self.crm_phone_region.parse().ok().with_context(|| {
                format!("--crm-phone-region: {:?} is no ISO 3166 code like RU", self.crm_phone_region)
            })?,
            rescore_budget: Duration::from_secs(self.crm_rescore_seconds.max(1)),
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::{Args as _, FromArgMatches as _};

    use super::*;

    #[test]
    fn the_default_is_what_no_flags_give() {
        let command = Config::augment_args(clap::Command::new("crm"));
        let config = Config::from_arg_matches(&command.get_matches_from(["crm"])).unwrap();
        assert_eq!(config, Config::default());
        assert!(config.settings().is_ok());
    }

    #[test]
    fn a_wrong_setting_is_told_by_its_flag() {
        let currency = Config { crm_currency: "rub".to_owned(), ..Config::default() };
        assert!(currency.settings().unwrap_err().to_string().contains("--crm-currency"));
        let region = Config { crm_phone_region: "Russia".to_owned(), ..Config::default() };
        assert!(region.settings().unwrap_err().to_string().contains("--crm-phone-region"));
    }
}
