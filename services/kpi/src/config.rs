//! Settings of the kpi service.

use time::Duration;
use types::Currency;

use crate::{facts::domain::Calendar, figures::commands::Due};

/// Settings of the kpi service.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Config {
    /// Time zone of the company, IANA name; decides which day an order belongs to. After a change, rebuild the facts.
    #[arg(long = "kpi-time-zone", env = "SHOPFLOOR_KPI_TIME_ZONE", default_value = "Europe/Moscow", value_parser = zone)]
    pub kpi_time_zone: String,

    /// Hour of that zone, 0 to 23, at which the business day begins. After a change, rebuild the facts.
    #[arg(long = "kpi-cutoff-hour", env = "SHOPFLOOR_KPI_CUTOFF_HOUR", default_value_t = 0,
        value_parser = clap::value_parser!(u8).range(0..=23))]
    pub kpi_cutoff_hour: u8,

    /// Currency of the company, ISO 4217: costs are in it, and reports that name no other.
    #[arg(long = "kpi-currency", env = "SHOPFLOOR_KPI_CURRENCY", default_value = "RUB", value_parser = currency)]
    pub kpi_currency: Currency,

    /// Seconds after the last change of a day's orders before its daily figures are summed up.
    #[arg(long = "kpi-sum-quiet-seconds", env = "SHOPFLOOR_KPI_SUM_QUIET_SECONDS", default_value_t = 30,
        value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub kpi_sum_quiet_seconds: u32,

    /// Seconds after which a day that keeps changing is summed up all the same.
    #[arg(long = "kpi-sum-longest-seconds", env = "SHOPFLOOR_KPI_SUM_LONGEST_SECONDS", default_value_t = 3600,
        value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub kpi_sum_longest_seconds: u32,

    /// Minutes a confirmed order may be without answer of the warehouse before it counts as stuck.
    #[arg(long = "kpi-stuck-minutes", env = "SHOPFLOOR_KPI_STUCK_MINUTES", default_value_t = 10,
        value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub kpi_stuck_minutes: u32,

    /// Rows of an exported report at most.
    #[arg(long = "kpi-export-rows", env = "SHOPFLOOR_KPI_EXPORT_ROWS", default_value_t = 100_000,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub kpi_export_rows: u32,
}

fn zone(text: &str) -> Result<String, String> {
    let known = types::business_day(time::OffsetDateTime::UNIX_EPOCH, text, 0).is_ok();
    if known { Ok(text.to_owned()) } else { Err("say an IANA time zone such as Europe/Moscow".to_owned()) }
}

fn currency(text: &str) -> Result<Currency, String> {
    Currency::parse(text).map_err(|_| "say an ISO 4217 currency such as RUB".to_owned())
}

impl Config {
    pub(crate) fn calendar(&self) -> Calendar {
        Calendar { zone: self.kpi_time_zone.clone(), cutoff_hour: self.kpi_cutoff_hour }
    }

    pub(crate) fn due(&self) -> Due {
        Due {
            quiet: Duration::seconds(self.kpi_sum_quiet_seconds.into()),
            longest: Duration::seconds(self.kpi_sum_longest_seconds.into()),
        }
    }

    pub(crate) fn stuck_after(&self) -> Duration {
        Duration::minutes(self.kpi_stuck_minutes.into())
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            kpi_time_zone: "Europe/Moscow".to_owned(),
            kpi_cutoff_hour: 0,
            kpi_currency: Currency::RUB,
            kpi_sum_quiet_seconds: 30,
            kpi_sum_longest_seconds: 3600,
            kpi_stuck_minutes: 10,
            kpi_export_rows: 100_000,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        config: Config,
    }

    #[test]
    fn the_defaults_are_those_of_the_command_line() {
        let parsed = Line::try_parse_from(["kpi"]).unwrap().config;
        assert_eq!(format!("{parsed:?}"), format!("{:?}", Config::default()));
    }

    #[test]
    fn wrong_settings_are_refused() {
        for bad in [["--kpi-time-zone", "Moscow"], ["--kpi-cutoff-hour", "24"], ["--kpi-currency", "rub"]] {
            assert!(Line::try_parse_from(["kpi", bad[0], bad[1]]).is_err(), "{bad:?}");
        }
    }
}
