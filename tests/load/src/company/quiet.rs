//! Until nothing is on its way any more.

use std::time::{Duration, Instant};

use anyhow::ensure;
use suite::bulk::quiet::{self, Backlog};
use suite::services::Name;

use super::Company;

/// What was still on its way when somebody looked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rest {
    /// Events between services.
    pub events: Backlog,
    /// Contacts crm has not taken from orders yet.
    pub contacts: i64,
}

impl Rest {
    /// True when nothing is on its way.
    pub const fn is_quiet(&self) -> bool {
        self.events.is_quiet() && self.contacts == 0
    }
}

impl Company {
    /// Looks once what is on its way: outboxes, consumers, contacts.
    pub async fn rest(&self) -> anyhow::Result<Rest> {
        let events = quiet::backlog(&self.staff()?.impatient()).await?;
        let mut orders = self.database(Name::Orders).await?;
        let contacts = sqlx::query_scalar("-- contacts_waiting\nselect count(*) from contact_handover")
            .fetch_one(&mut orders)
            .await?;
        Ok(Rest { events, contacts })
    }

    /// Returns when nothing was on its way three times in a row; how long it took until the first of them. An error when
    /// `within` has passed, or when events were given up on.
    pub async fn quiet(&self, within: Duration) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        let (mut calm, mut since, mut last) = (0, Duration::ZERO, None);
        while calm < 3 {
            let now = self.rest().await;
            if now.as_ref().is_ok_and(Rest::is_quiet) {
                if calm == 0 {
                    since = begun.elapsed();
                }
                calm += 1;
            } else {
                calm = 0;
            }
            last = Some(now);
            ensure!(begun.elapsed() < within, "not quiet after {:.1} s: {last:?}", within.as_secs_f64());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let dead = last.and_then(Result::ok).map_or(0, |rest| rest.events.dead);
        ensure!(dead == 0, "{dead} events were given up on");
        Ok(since)
    }
}
