//! Resident memory of processes, looked at ten times a second.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use load::company::{Company, usage};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// Memory of a process in bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Memory {
    /// When it was first looked at.
    pub(crate) before: u64,
    /// The most that was seen.
    pub(crate) peak: u64,
    /// When it was last looked at.
    pub(crate) last: u64,
}

impl Memory {
    fn see(&mut self, bytes: u64) {
        if self.before == 0 {
            self.before = bytes;
        }
        self.peak = self.peak.max(bytes);
        self.last = bytes;
    }

    /// Growth to the peak, in MiB.
    pub(crate) const fn growth(&self) -> u64 {
        self.peak.saturating_sub(self.before) >> 20
    }

    /// The peak, in MiB.
    pub(crate) const fn peak_mib(&self) -> u64 {
        self.peak >> 20
    }
}

/// Looks until it is stopped or dropped.
pub(crate) struct Watch {
    seen: Arc<Mutex<BTreeMap<String, Memory>>>,
    stop: CancellationToken,
    task: AbortOnDropHandle<()>,
}

impl Watch {
    /// Looks at every service process and NATS.
    pub(crate) fn start(company: &Company) -> Self {
        let (seen, stop) = (Arc::new(Mutex::new(BTreeMap::<String, Memory>::new())), CancellationToken::new());
        let (processes, nats) = (company.processes().to_vec(), company.nats.clone());
        let (notes, end) = (seen.clone(), stop.clone());
        let note = move |label: String, bytes: u64| {
            notes.lock().unwrap_or_else(PoisonError::into_inner).entry(label).or_default().see(bytes);
        };
        let task = AbortOnDropHandle::new(tokio::spawn(async move {
            loop {
                for process in &processes {
                    if let Ok(bytes) = process.rss().await {
                        note(process.label(), bytes);
                    }
                }
                if let Some(bytes) = nats.pid().await.and_then(|pid| usage::rss(pid).ok()) {
                    note("nats".to_owned(), bytes);
                }
                tokio::select! {
                    () = end.cancelled() => return,
                    () = tokio::time::sleep(Duration::from_millis(100)) => {}
                }
            }
        }));
        Self { seen, stop, task }
    }

    /// Looks a last time; memory by process.
    pub(crate) async fn stop(self) -> anyhow::Result<BTreeMap<String, Memory>> {
        self.stop.cancel();
        self.task.await?;
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(seen.clone())
    }
}
