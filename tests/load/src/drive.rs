//! The load generator. Closed loop: so many connections, each sends when it has its answer. Open loop: requests at a
//! constant rate whatever the answers do, and latency from the moment each was *meant* to be sent.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use hdrhistogram::Histogram;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;

use crate::http::{Answer, Connection};

/// Makes the requests of one connection and looks at their answers.
pub trait Script: Send + 'static {
    /// Writes the next request.
    fn write(&mut self, request: &mut Vec<u8>);

    /// Looks at its answer; says how much was done by it. `begun` is when it was meant to be sent.
    fn read(&mut self, answer: Answer<'_>, begun: Instant) -> u64;

    /// There is no answer, and nobody knows whether the request had an effect.
    fn lost(&mut self) {}
}

/// What came of a load.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Latency of answers with status 2xx, in microseconds.
    pub latency: Histogram<u64>,
    /// Answers by status.
    pub statuses: BTreeMap<u16, u64>,
    /// Requests without an answer, by the kind of error.
    pub errors: BTreeMap<String, u64>,
    /// What was done, as the scripts say.
    pub done: u64,
    /// Requests that were meant to be sent and were not, because too many were under way (open loop only).
    pub unsent: u64,
    /// From the first request to the last answer.
    pub elapsed: Duration,
}

impl Default for Outcome {
    fn default() -> Self {
        Self {
            latency: histogram(),
            statuses: BTreeMap::new(),
            errors: BTreeMap::new(),
            done: 0,
            unsent: 0,
            elapsed: Duration::ZERO,
        }
    }
}

/// A histogram of microseconds up to two minutes, exact to a part in a thousand.
pub fn histogram() -> Histogram<u64> {
    // The bounds are constants; should they ever be wrong, one that grows does as well.
    Histogram::new_with_bounds(1, 120_000_000, 3).unwrap_or_else(|_| {
        let mut histogram = Histogram::new(3).unwrap_or_else(|error| unreachable!("{error}"));
        histogram.auto(true);
        histogram
    })
}

impl Outcome {
    /// What was done a second.
    pub fn rate(&self) -> f64 {
        self.done as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }

    /// A quantile of the latency.
    pub fn quantile(&self, q: f64) -> Duration {
        Duration::from_micros(self.latency.value_at_quantile(q))
    }

    /// Requests that were not answered with 2xx.
    pub fn failed(&self) -> u64 {
        let bad = self.statuses.iter().filter(|(status, _)| !(200..300).contains(*status)).map(|(_, count)| count);
        bad.chain(self.errors.values()).sum()
    }

    fn note(&mut self, status: u16, took: Duration) {
        *self.statuses.entry(status).or_default() += 1;
        if (200..300).contains(&status) {
            let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
            self.latency.saturating_record(micros.max(1));
        }
    }

    /// Adds what another connection has seen.
    pub fn merge(&mut self, other: &Self) -> anyhow::Result<()> {
        self.latency.add(&other.latency)?;
        for (status, count) in &other.statuses {
            *self.statuses.entry(*status).or_default() += count;
        }
        for (error, count) in &other.errors {
            *self.errors.entry(error.clone()).or_default() += count;
        }
        self.done += other.done;
        self.unsent += other.unsent;
        self.elapsed = self.elapsed.max(other.elapsed);
        Ok(())
    }
}

struct Worker<S> {
    script: S,
    connection: Connection,
    request: Vec<u8>,
    outcome: Outcome,
}

impl<S: Script> Worker<S> {
    fn new(address: SocketAddr, script: S) -> Self {
        Self { script, connection: Connection::new(address), request: Vec::new(), outcome: Outcome::default() }
    }

    async fn shoot(&mut self, begun: Instant) {
        self.request.clear();
        self.script.write(&mut self.request);
        match self.connection.send(&self.request).await {
            Ok(answer) => {
                self.outcome.note(answer.status, begun.elapsed());
                self.outcome.done += self.script.read(answer, begun);
            }
            Err(error) => {
                self.script.lost();
                *self.outcome.errors.entry(error.kind().to_string()).or_default() += 1;
                // Whoever refuses at once would otherwise be asked a million times.
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    }
}

async fn gather<S: Script>(mut tasks: JoinSet<Worker<S>>, begun: Instant) -> anyhow::Result<(Outcome, Vec<S>)> {
    let (mut sum, mut scripts) = (Outcome::default(), Vec::new());
    while let Some(worker) = tasks.join_next().await {
        let worker = worker.context("a connection of the load broke off")?;
        sum.merge(&worker.outcome)?;
        scripts.push(worker.script);
    }
    sum.elapsed = begun.elapsed();
    Ok((sum, scripts))
}

/// Every script on a connection of its own, each as fast as it is answered, for so long.
pub async fn closed<S: Script>(
    address: SocketAddr,
    scripts: Vec<S>,
    time: Duration,
) -> anyhow::Result<(Outcome, Vec<S>)> {
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for script in scripts {
        let mut worker = Worker::new(address, script);
        tasks.spawn(async move {
            while begun.elapsed() < time {
                worker.shoot(Instant::now()).await;
            }
            worker
        });
    }
    gather(tasks, begun).await
}

/// How many requests may wait for a free connection before they count as not sent.
const QUEUE: usize = 65_536;

/// `rate` requests a second for so long, over as many connections as there are scripts. A request waits for a free
/// connection if it must, and its latency counts from the moment it was meant to be sent.
pub async fn open<S: Script>(
    address: SocketAddr,
    scripts: Vec<S>,
    rate: f64,
    time: Duration,
) -> anyhow::Result<(Outcome, Vec<S>)> {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let receiver = Arc::new(Mutex::new(receiver));
    let mut tasks = JoinSet::new();
    for script in scripts {
        let (mut worker, receiver) = (Worker::new(address, script), receiver.clone());
        tasks.spawn(async move {
            loop {
                let next = receiver.lock().await.recv().await;
                let Some(begun) = next else { return worker };
                worker.shoot(begun).await;
            }
        });
    }
    let begun = Instant::now();
    // A thread: the runtime's own clock knows milliseconds only.
    let pacer = std::thread::Builder::new().name("pacer".to_owned()).spawn(move || pace(begun, rate, time, &sender))?;
    let (mut outcome, scripts) = gather(tasks, begun).await?;
    outcome.unsent = pacer.join().ok().context("the pacer broke off")?;
    Ok((outcome, scripts))
}

/// When the request number `n` is meant to be sent.
fn intended(begun: Instant, rate: f64, n: u64) -> Instant {
    begun + Duration::from_secs_f64(n as f64 / rate)
}

/// Returns how many requests could not even wait.
fn pace(begun: Instant, rate: f64, time: Duration, sender: &mpsc::Sender<Instant>) -> u64 {
    let mut unsent = 0;
    for n in 0.. {
        let due = intended(begun, rate, n);
        if due.duration_since(begun) >= time {
            break;
        }
        if let Some(wait) = due.checked_duration_since(Instant::now()) {
            std::thread::sleep(wait);
        }
        if sender.try_send(due).is_err() {
            unsent += 1;
        }
    }
    unsent
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    struct Ask(Vec<Instant>);

    impl Script for Ask {
        fn write(&mut self, request: &mut Vec<u8>) {
            request.extend_from_slice(b"?");
        }

        fn read(&mut self, answer: Answer<'_>, begun: Instant) -> u64 {
            self.0.push(begun);
            u64::from(answer.status == 200)
        }
    }

    /// A server that answers a byte, the first one on each connection after `pause` only.
    async fn server(pause: Duration, answer: &'static str) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                tokio::spawn(async move {
                    let mut first = true;
                    while stream.read_u8().await.is_ok() {
                        if std::mem::take(&mut first) {
                            tokio::time::sleep(pause).await;
                        }
                        stream.write_all(answer.as_bytes()).await.unwrap();
                    }
                });
            }
        });
        address
    }

    const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

    #[tokio::test]
    async fn who_waits_for_a_stalled_server_counts_from_when_he_was_meant_to_be_served() {
        // 100 requests in 0.1 s over one connection whose first answer takes 0.2 s: all of them have waited.
        let address = server(Duration::from_millis(200), OK).await;
        let (outcome, scripts) =
            open(address, vec![Ask(Vec::new())], 1000.0, Duration::from_millis(100)).await.unwrap();
        assert_eq!((outcome.done, outcome.latency.len(), outcome.unsent), (100, 100, 0));
        assert!(outcome.quantile(0.5) > Duration::from_millis(130), "{:?}", outcome.quantile(0.5));
        assert!(outcome.latency.min() > 80_000, "{}", outcome.latency.min());
        let gaps: Vec<_> = scripts[0].0.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(gaps.iter().all(|gap| (900..1100).contains(&gap.as_micros())), "{gaps:?}");
    }

    #[tokio::test]
    async fn answers_are_counted_by_status_and_only_good_ones_have_a_latency() {
        let address = server(Duration::ZERO, "HTTP/1.1 429 No\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n").await;
        let scripts = (0..3).map(|_| Ask(Vec::new())).collect();
        let (outcome, scripts) = closed(address, scripts, Duration::from_millis(50)).await.unwrap();
        assert_eq!((outcome.done, outcome.latency.len()), (0, 0));
        assert_eq!(outcome.statuses[&429], scripts.iter().map(|script| script.0.len() as u64).sum::<u64>());
        assert_eq!(outcome.failed(), outcome.statuses[&429]);
    }

    #[test]
    fn merging_adds_up() {
        let (mut one, mut two) = (Outcome::default(), Outcome::default());
        for n in 1..=50 {
            one.note(200, Duration::from_micros(n));
            two.note(200, Duration::from_micros(n + 50));
        }
        two.note(503, Duration::from_secs(1));
        (one.done, two.done) = (50, 50);
        one.merge(&two).unwrap();
        assert_eq!((one.done, one.latency.len(), one.failed()), (100, 100, 1));
        assert_eq!(one.quantile(0.5), Duration::from_micros(50));
        assert_eq!(one.latency.max(), 100);
    }

    #[test]
    fn intended_times_do_not_drift() {
        let begun = Instant::now();
        assert_eq!(intended(begun, 3.0, 3_000_000) - begun, Duration::from_secs(1_000_000));
    }
}
