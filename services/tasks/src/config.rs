//! Settings of the tasks service.

use std::time::Duration;

/// Settings of the tasks service.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Config {
    /// How often waiting tasks and due reminders are looked for, in seconds.
    #[arg(long = "tasks-sweep-seconds", env = "SHOPFLOOR_TASKS_SWEEP_SECONDS", default_value_t = Self::SWEEP_SECONDS,
        value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub sweep_seconds: u64,
}

impl Config {
    const SWEEP_SECONDS: u64 = 5;

    /// How often waiting tasks and due reminders are looked for.
    #[must_use]
    pub fn sweep(&self) -> Duration {
        Duration::from_secs(self.sweep_seconds)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self { sweep_seconds: Self::SWEEP_SECONDS }
    }
}
