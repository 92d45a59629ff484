//! Sums up days by the clock.

use service::{Deps, Job};

use super::commands;
use crate::config::Config;

/// Sums up the days that are due, each in a transaction of its own.
pub(crate) fn sum(deps: &Deps, config: &Config) -> Job {
    let (deps, due) = (deps.clone(), config.due());
    Job::new("kpi_sum_days", std::time::Duration::from_secs(10), move || {
        let deps = deps.clone();
        async move {
            let days = {
                let mut conn = deps.db.acquire().await?;
                commands::due_days(&mut conn, due, deps.clock.now()).await?
            };
            for day in days {
                let mut tx = deps.db.begin().await?;
                commands::sum_day(&mut tx, day).await?;
                tx.commit().await?;
            }
            Ok(())
        }
    })
}
