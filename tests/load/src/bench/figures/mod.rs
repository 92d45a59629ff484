//! What the suite does. One file a figure of the table.

use std::time::{Duration, Instant};

use clap::ValueEnum;
use load::company::usage;
use suite::services::Name;

use crate::Bench;

mod chain;
mod documents;
mod drain;
mod idle;
mod intake;
mod latency;
mod reads;
mod reserve;
mod stored;

/// The services orders are taken with.
const INTAKE: [Name; 3] = [Name::Identity, Name::Orders, Name::Gateway];

/// A figure of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Figure {
    /// Memory and processor time of a suite that has nothing to do.
    Idle,
    /// Single orders over HTTP.
    Intake,
    /// Batches of fifty orders.
    Batch,
    /// Reservation by erp alone.
    Reserve,
    /// From the client's send to the committed reservation.
    Latency,
    /// Every consumer at full load.
    Chain,
    /// Receipts of fifty lines.
    Documents,
    /// Reads by id.
    Reads,
    /// Intake with many orders stored.
    Stored,
    /// What the consumers of each service cost by themselves; only when asked for.
    Drain,
}

impl Figure {
    /// Those asked for, or all, in the order they are measured.
    pub(crate) fn in_order(only: &[Self]) -> Vec<Self> {
        let asked = |figure: &&Self| {
            if only.is_empty() { **figure != Self::Drain } else { only.contains(figure) }
        };
        Self::value_variants().iter().filter(asked).copied().collect()
    }

    pub(crate) async fn measure(self, bench: &mut Bench) -> anyhow::Result<()> {
        match self {
            Self::Idle => idle::measure(bench).await,
            Self::Intake => intake::single(bench).await,
            Self::Batch => intake::batch(bench).await,
            Self::Reserve => reserve::measure(bench).await,
            Self::Latency => latency::measure(bench).await,
            Self::Chain => chain::measure(bench).await,
            Self::Documents => documents::measure(bench).await,
            Self::Reads => reads::measure(bench).await,
            Self::Stored => stored::measure(bench).await,
            Self::Drain => drain::measure(bench).await,
        }
    }
}

/// Who has used how much processor time.
struct Shares {
    at: Instant,
    services: Duration,
    postgres: Duration,
    nats: Duration,
    ours: Duration,
}

impl Bench {
    async fn shares(&self) -> anyhow::Result<Shares> {
        let postgres = self.company.postgres.pid().await.map_or(Ok(Duration::ZERO), usage::family_cpu)?;
        let nats = self.company.nats.pid().await.map_or(Ok(Duration::ZERO), usage::cpu)?;
        let ours = usage::cpu(std::process::id())?;
        Ok(Shares { at: Instant::now(), services: self.company.cpu().await, postgres, nats, ours })
    }
}

impl Shares {
    /// Processor time from then to now in words: shares of one processor, and what each of `done` things cost. The cost
    /// hardly depends on who else uses the machine; together with the number of processors it bounds the rate.
    fn until(&self, now: &Self, done: u64) -> String {
        let time = (now.at - self.at).as_secs_f64();
        let parts = [
            ("services", self.services, now.services),
            ("Postgres", self.postgres, now.postgres),
            ("NATS", self.nats, now.nats),
            ("generator", self.ours, now.ours),
        ];
        let parts = parts.map(|(name, then, now)| {
            let used = now.saturating_sub(then).as_secs_f64();
            format!("{name} {:.0} % = {:.0} µs each", used / time * 100.0, used / done.max(1) as f64 * 1e6)
        });
        format!("processor: {}", parts.join(", "))
    }
}
