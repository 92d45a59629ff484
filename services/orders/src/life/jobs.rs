//! Counts the orders nobody does anything about.

use std::{sync::Arc, time::Duration};

use service::{Deps, Job};
use tokio::sync::Mutex;

use super::queries_stuck::{self, Watch};
use crate::config::Config;

/// Sets the gauge `orders_stuck`: confirmed orders of goods that the warehouse has not answered for so long. It looks at
/// each order once when its time has come, and again only at those found waiting, so that the table needs no index that
/// every change of an order would have to write.
pub(crate) fn measure(deps: &Deps, config: &Config) -> Job {
    let deps = deps.clone();
    let patience = time::Duration::minutes(config.orders_stuck_minutes.into());
    let watch = Arc::new(Mutex::new(Watch::default()));
    Job::new("orders_stuck", Duration::from_secs(30), move || {
        let (deps, watch) = (deps.clone(), Arc::clone(&watch));
        async move {
            let mut conn = deps.db.acquire().await?;
            let stuck = queries_stuck::count(&mut conn, &mut *watch.lock().await, deps.clock.now() - patience).await?;
            if let Some(order) = stuck.first() {
                tracing::warn!(orders = stuck.len(), %order, "confirmed orders wait for an answer of the warehouse");
            }
            metrics::gauge!("orders_stuck").set(u32::try_from(stuck.len()).unwrap_or(u32::MAX));
            Ok(())
        }
    })
}
