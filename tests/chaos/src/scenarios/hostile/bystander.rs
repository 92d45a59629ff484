//! A normal shop beside it all: pushes an order now and then, and notes how long each took.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use load::http::{Connection, Head};
use load::orders::{Number, Orders};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::super::shop::{self, Told};

/// How long it waits for an answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two orders.
const PAUSE: Duration = Duration::from_millis(25);

/// What it saw since it was last asked.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Times of the orders that were taken.
    pub(super) took: Vec<Duration>,
    /// What hindered the others.
    pub(super) failed: Vec<String>,
}

impl Seen {
    /// The time that 99 of 100 orders kept.
    pub(super) fn p99(&self) -> Duration {
        let mut sorted = self.took.clone();
        sorted.sort_unstable();
        sorted.get((sorted.len() * 99).div_ceil(100).saturating_sub(1)).copied().unwrap_or_default()
    }
}

/// The shop at work.
pub(super) struct Bystander {
    seen: Arc<Mutex<(Seen, Told)>>,
    stop: CancellationToken,
    task: AbortOnDropHandle<()>,
}

impl Bystander {
    pub(super) fn start(address: SocketAddr, key: &str, orders: &Orders) -> Self {
        let (seen, stop) = (Arc::new(Mutex::new((Seen::default(), Told::default()))), CancellationToken::new());
        let head = Head::new("POST", "/v1/orders", &format!("x-api-key: {key}"));
        let (mut orders, notes, end) = (orders.clone(), seen.clone(), stop.clone());
        let task = AbortOnDropHandle::new(tokio::spawn(async move {
            let mut connection = Connection::new(address);
            while !end.is_cancelled() {
                let (mut body, mut request) = (String::new(), Vec::new());
                let number = orders.write(&mut body);
                head.write(&body, &mut request);
                let begun = Instant::now();
                let answer = tokio::time::timeout(PATIENCE, connection.send(&request)).await;
                let (good, why) = match answer {
                    Ok(Ok(answer)) if answer.status == 200 => (true, String::new()),
                    Ok(Ok(answer)) => (false, format!("{} {}", answer.status, shop::reason(answer.body))),
                    Ok(Err(error)) => (false, error.to_string()),
                    Err(_) => (false, "no answer in time".to_owned()),
                };
                if !good {
                    connection = Connection::new(address);
                }
                note(&notes, number, begun.elapsed(), good, why);
                tokio::time::sleep(PAUSE).await;
            }
        }));
        Self { seen, stop, task }
    }

    /// What it saw since the last time.
    pub(super) fn take(&self) -> Seen {
        std::mem::take(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner).0)
    }

    /// Sends its last order; what it was told of all.
    pub(super) async fn stop(self) -> anyhow::Result<Told> {
        self.stop.cancel();
        self.task.await?;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(std::mem::take(&mut seen.1))
    }
}

fn note(seen: &Mutex<(Seen, Told)>, number: Number, took: Duration, good: bool, why: String) {
    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    if good {
        seen.0.took.push(took);
        seen.1.stored.push(number);
    } else {
        seen.0.failed.push(why);
        seen.1.open.push(number);
    }
}
