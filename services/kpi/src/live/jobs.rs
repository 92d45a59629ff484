//! Measures by the clock.

use service::{Deps, Job};

use super::queries;
use crate::config::Config;

/// Sets the gauges `kpi_stuck_orders`, `kpi_orders_without_placement` and `kpi_days_to_sum`.
pub(crate) fn measure(deps: &Deps, config: &Config) -> Job {
    let (deps, after) = (deps.clone(), config.stuck_after());
    Job::new("kpi_live", std::time::Duration::from_secs(15), move || {
        let deps = deps.clone();
        async move {
            let mut conn = deps.db.acquire().await?;
            let waiting = queries::waiting(&mut conn).await?;
            let stuck = queries::stuck_orders(&mut conn, deps.clock.now() - after).await?;
            let shown = |count: i64| u32::try_from(count).unwrap_or(u32::MAX);
            metrics::gauge!("kpi_stuck_orders").set(shown(stuck));
            metrics::gauge!("kpi_orders_without_placement").set(shown(waiting.unplaced));
            metrics::gauge!("kpi_days_to_sum").set(shown(waiting.days));
            Ok(())
        }
    })
}
