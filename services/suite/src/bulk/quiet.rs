#![doc = "Waiting until every event has reached everybody who listens."]

use std::time::{Duration, Instant};

use anyhow::bail;
use proto::messaging::v1::{GetStatusRequest, GetStatusResponse};

use crate::client::api::Api;
use crate::say;

/// Services that publish or consume events.
pub const SERVICES: [&str; 7] = ["orders", "erp", "crm", "kpi", "tasks", "knowledge", "identity"];

/// How far everybody is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Events no broker has acknowledged yet.
    pub unpublished: i64,
    /// Events consumers have not taken yet.
    pub untaken: i64,
    /// Events waiting for another try.
    pub parked: i64,
    /// Events given up on.
    pub dead: i64,
    /// Consumers that cannot be asked because the broker is away.
    pub unknown: i64,
}

impl Backlog {
    /// True when nothing is on its way.
    pub const fn is_quiet(&self) -> bool {
        self.unpublished == 0 && self.untaken == 0 && self.parked == 0 && self.unknown == 0
    }

    fn add(&mut self, status: &GetStatusResponse) {
        self.unpublished += status.outbox_pending;
        for consumer in &status.consumers {
            self.untaken += consumer.pending.max(0);
            self.unknown += i64::from(consumer.pending < 0);
            self.parked += consumer.parked;
            self.dead += consumer.dead;
        }
    }
}

/// Asks every service once.
pub async fn backlog(api: &Api) -> anyhow::Result<Backlog> {
    let mut backlog = Backlog::default();
    for service in SERVICES {
        let request = GetStatusRequest { service: service.to_owned() };
        backlog.add(&api.call("shopfloor.messaging.v1.MessagingService/GetStatus", &request).await?);
    }
    Ok(backlog)
}

/// How often it is said that something is still on its way.
const WORD: Duration = Duration::from_secs(5);
/// How long nothing may move before waiting is given up.
const PATIENCE: Duration = Duration::from_secs(180);

/// Returns when nothing was on its way three times in a row; gives up when nothing has moved for three minutes.
///
/// A service too busy to answer, or away for a moment, is a service that is not quiet. What takes long says how far it is.
pub async fn wait(api: &Api) -> anyhow::Result<Backlog> {
    let (mut calm, mut last, mut moved) = (0, None, Instant::now());
    let mut said = Instant::now();
    loop {
        let now = match backlog(api).await {
            Ok(now) => Some(now),
            Err(error) if moved.elapsed() > PATIENCE => return Err(error),
            Err(_) => None,
        };
        calm = if now.as_ref().is_some_and(Backlog::is_quiet) { calm + 1 } else { 0 };
        if let Some(now) = now.as_ref().filter(|now| said.elapsed() > WORD && !now.is_quiet()) {
            said = Instant::now();
            let left = say::thousands(&(now.unpublished + now.untaken + now.parked).to_string());
            say::line(&format!("Waiting until every service has heard of it: {left} events on their way"))?;
        }
        match now {
            Some(now) if calm == 3 => return Ok(now),
            Some(now) if last.as_ref() != Some(&now) => (last, moved) = (Some(now), Instant::now()),
            _ if calm == 0 && moved.elapsed() > PATIENCE => {
                bail!("events have stopped moving: {last:?}; `shopfloor dead-letters list` may say why")
            }
            _ => {}
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
