//! Fires reminders when their time has come.

use std::time::Duration;

use service::{Deps, Job};

use super::store;

const BATCH: i64 = 500;

/// The timer.
pub(crate) fn fire(deps: &Deps, every: Duration) -> Job {
    let deps = deps.clone();
    Job::new("tasks_reminders", every, move || {
        let deps = deps.clone();
        async move {
            loop {
                let mut tx = deps.db.begin().await?;
                let fired = store::fire(&mut tx, deps.clock.now(), BATCH).await?;
                tx.commit().await?;
                if fired < BATCH {
                    return Ok(());
                }
            }
        }
    })
}
