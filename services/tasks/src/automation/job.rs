//! Opens the tasks of delayed rules when their wait is over.

use std::time::Duration;

use service::{Deps, Job};

use super::commands;

const BATCH: i64 = 200;

/// The timer.
pub(crate) fn open_waiting(deps: &Deps, every: Duration) -> Job {
    let deps = deps.clone();
    Job::new("tasks_waiting", every, move || {
        let deps = deps.clone();
        async move {
            loop {
                let mut tx = deps.db.begin().await?;
                let opened = commands::open_waiting(&mut tx, deps.clock.now(), BATCH).await?;
                tx.commit().await?;
                if opened < BATCH {
                    return Ok(());
                }
            }
        }
    })
}
