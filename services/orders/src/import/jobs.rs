//! Tidying up after imports that were never finished.

use std::time::Duration;

use service::{Deps, Job};

use super::store;

/// How long an import may take from its first part to its last.
const PATIENCE: time::Duration = time::Duration::DAY;

/// The job that drops abandoned imports.
#[must_use]
pub fn sweep(deps: &Deps) -> Job {
    let deps = deps.clone();
    Job::new("orders_import_sweep", Duration::from_secs(600), move || {
        let deps = deps.clone();
        async move {
            let mut tx = deps.db.begin().await?;
            let dropped = store::drop_abandoned(&mut tx, deps.clock.now() - PATIENCE).await?;
            tx.commit().await?;
            if dropped > 0 {
                tracing::info!(dropped, "dropped imports that were never finished");
            }
            Ok(())
        }
    })
}
