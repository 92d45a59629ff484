//! Doing a fault to a running company, and undoing it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use load::company::{Company, Process};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use suite::say;
use tokio_util::sync::CancellationToken;

use super::plan::{Fault, Planned};
use super::poison;
use super::probe::Probe;
use crate::history::FaultDone;
use crate::recorder::Recorder;

async fn rest(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

/// The one who does it.
pub(crate) struct Nemesis {
    /// To whom.
    pub(crate) company: Arc<Company>,
    /// The log.
    pub(crate) recorder: Recorder,
    /// Says when the company works again.
    pub(crate) probe: Probe,
    /// Longest wait for that.
    pub(crate) patience: Duration,
}

impl Nemesis {
    /// Does everything planned, one after the other; ends early when told to stop.
    pub(crate) async fn run(self, plan: Vec<Planned>, stop: CancellationToken) -> anyhow::Result<()> {
        let count = plan.len();
        for planned in plan {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = rest(planned.rest_ms) => {}
            }
            let done = self.one(&planned).await?;
            let recovery = done.recovery_ms().map_or("never".to_owned(), |ms| format!("{ms} ms"));
            let progress = format!("{}/{count}", planned.number);
            say::line(&format!(
                "  {:>6.1} s  {progress:>7}  {}: works again after {recovery}",
                done.began_ms as f64 / 1000.0,
                done.what
            ))?;
        }
        Ok(())
    }

    /// Does one fault and waits until the company works again.
    pub(crate) async fn one(&self, planned: &Planned) -> anyhow::Result<FaultDone> {
        let what = planned.fault.to_string();
        self.recorder.fault_began(planned.number, &what)?;
        let began_ms = self.recorder.now();
        self.deed(&planned.fault).await.with_context(|| what.clone())?;
        let ended_ms = self.recorder.now();
        let worked = self.probe.until_it_works(self.patience).await?;
        let recovered_ms = worked.then(|| self.recorder.now());
        let done = FaultDone { number: planned.number, what, began_ms, ended_ms, recovered_ms };
        self.recorder.fault(done.clone())?;
        Ok(done)
    }

    fn processes(&self, name: &str, copies: &[usize]) -> anyhow::Result<Vec<Arc<Process>>> {
        copies.iter().map(|copy| self.company.process(name, *copy)).collect()
    }

    async fn deed(&self, fault: &Fault) -> anyhow::Result<()> {
        match fault {
            Fault::Kill { name, copies, down_ms } => self.kill(name, copies, *down_ms).await,
            Fault::Pause { name, copy, ms } => {
                let process = self.company.process(name, *copy)?;
                process.pause().await?;
                rest(*ms).await;
                process.resume().await
            }
            Fault::Restart { name, copy } => {
                let process = self.company.process(name, *copy)?;
                process.terminate().await?;
                process.start().await?;
                process.wait_ready().await
            }
            Fault::KillPostgres => {
                self.company.postgres.kill().await?;
                self.company.postgres.restart().await
            }
            Fault::KillNats { down_ms } => self.nats_down(*down_ms, false).await,
            Fault::PauseNats { ms } => {
                let pid = self.company.nats.pid().await.context("nats does not run")?;
                signal(pid, Signal::SIGSTOP)?;
                rest(*ms).await;
                signal(pid, Signal::SIGCONT)
            }
            Fault::WipeNats => self.nats_down(200, true).await,
            Fault::Cut { to } => {
                self.company.forward(to)?.cut();
                Ok(())
            }
            Fault::Refuse { to, ms } => {
                let way = self.company.forward(to)?;
                way.refuse(true);
                way.cut();
                rest(*ms).await;
                way.refuse(false);
                Ok(())
            }
            Fault::Stall { to, ms } => {
                let way = self.company.forward(to)?;
                way.stall(true);
                rest(*ms).await;
                way.stall(false);
                Ok(())
            }
            Fault::Rubbish { source } => poison::rubbish(&self.company, source).await,
            Fault::Poison { source } => poison::event(&self.company, &self.recorder, source).await,
            Fault::Outage { name: "nats", ms } => self.nats_down(*ms, false).await,
            Fault::Outage { name, ms } => self.kill(name, &[0, 1], *ms).await,
        }
    }

    async fn kill(&self, name: &str, copies: &[usize], down_ms: u64) -> anyhow::Result<()> {
        let processes = self.processes(name, copies)?;
        for process in &processes {
            process.kill().await?;
        }
        rest(down_ms).await;
        for process in &processes {
            process.start().await?;
        }
        for process in &processes {
            process.wait_ready().await?;
        }
        Ok(())
    }

    async fn nats_down(&self, ms: u64, wipe: bool) -> anyhow::Result<()> {
        self.company.nats.kill().await?;
        if wipe {
            self.company.nats.wipe().await?;
        }
        rest(ms).await;
        self.company.nats.restart().await
    }
}

/// Ends all faults, whatever was under way: everything goes on, everything is started, nothing is held up.
pub(crate) async fn heal(company: &Company) -> anyhow::Result<()> {
    for name in company.forwards() {
        let way = company.forward(&name)?;
        way.refuse(false);
        way.stall(false);
    }
    company.postgres.restart().await?;
    if let Some(pid) = company.nats.pid().await {
        signal(pid, Signal::SIGCONT)?;
    }
    company.nats.restart().await?;
    for process in company.processes() {
        if process.pid().await.is_some() {
            process.resume().await?;
        } else {
            process.start().await?;
        }
    }
    for process in company.processes() {
        process.wait_ready().await?;
    }
    Ok(())
}

/// A signal to a process that we started.
fn signal(pid: u32, signal: Signal) -> anyhow::Result<()> {
    kill(Pid::from_raw(pid.try_into()?), signal).with_context(|| format!("{signal} to {pid}"))
}
