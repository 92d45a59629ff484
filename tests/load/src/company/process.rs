//! A service process: started by a thread that lives as long as the company, so that it dies with us however we end;
//! always at the same addresses; its output in a file.

use std::collections::HashSet;
use std::fs::OpenOptions;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Mutex as Lock, PoisonError, mpsc};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rand::Rng as _;
use suite::services::Name;
use tokio::process::{Child, Command};
use tokio::sync::{Mutex, oneshot};

use super::usage;

/// How long a process may take to drain; longer than it allows itself.
const PATIENCE: Duration = Duration::from_secs(40);
/// How long a process may take to be ready.
const START: Duration = Duration::from_secs(60);

type Order = (Command, oneshot::Sender<std::io::Result<Child>>);

/// Starts processes from one thread. A process gets SIGKILL when the thread that started it ends; this one ends with the
/// last clone, or with us.
#[derive(Clone)]
pub(super) struct Spawner(mpsc::Sender<Order>);

impl Spawner {
    pub(super) fn start() -> anyhow::Result<Self> {
        let (sender, orders) = mpsc::channel::<Order>();
        let runtime = tokio::runtime::Handle::current();
        std::thread::Builder::new().name("spawner".to_owned()).spawn(move || {
            let _inside = runtime.enter();
            for (mut command, answer) in orders {
                // Nobody waits for it any more: the child is killed when dropped.
                answer.send(command.spawn()).ok();
            }
        })?;
        Ok(Self(sender))
    }

    async fn spawn(&self, command: Command) -> anyhow::Result<Child> {
        let (answer, child) = oneshot::channel();
        self.0.send((command, answer)).ok().context("the spawner has ended")?;
        Ok(child.await??)
    }
}

/// Where a process listens.
#[derive(Debug, Clone, Copy)]
pub struct Sockets {
    /// gRPC.
    pub grpc: SocketAddr,
    /// /metrics, /healthz, /readyz.
    pub ops: SocketAddr,
    /// The gateway's HTTP API, when the gateway runs there.
    pub http: Option<SocketAddr>,
}

impl Sockets {
    pub(super) fn free(http: bool) -> anyhow::Result<Self> {
        Ok(Self { grpc: free()?, ops: free()?, http: if http { Some(free()?) } else { None } })
    }
}

static GIVEN: Lock<Option<HashSet<u16>>> = Lock::new(None);

/// An address nobody listens on, below the range the kernel gives to outgoing connections, so that it is still free when
/// a process comes back to it. Given once.
fn free() -> anyhow::Result<SocketAddr> {
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    let given = given.get_or_insert_default();
    for _ in 0..1000 {
        let port = rand::rng().random_range(15_000..32_000);
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() && given.insert(port) {
            return Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        }
    }
    bail!("no free port of 127.0.0.1 between 15000 and 32000")
}

/// What to run.
pub(super) struct Plan {
    pub(super) name: String,
    pub(super) copy: usize,
    pub(super) program: PathBuf,
    pub(super) services: Vec<Name>,
    pub(super) environment: Vec<(String, String)>,
    pub(super) log: PathBuf,
    pub(super) sockets: Sockets,
    pub(super) spawner: Spawner,
}

/// A process of the company, running or not.
pub struct Process {
    /// The service, or `suite`.
    pub name: String,
    /// Which of its copies, from 0.
    pub copy: usize,
    /// What runs in it.
    pub services: Vec<Name>,
    /// Where it listens, always.
    pub sockets: Sockets,
    program: PathBuf,
    environment: Vec<(String, String)>,
    log: PathBuf,
    spawner: Spawner,
    child: Mutex<Option<Child>>,
}

impl Process {
    pub(super) fn new(plan: Plan) -> Self {
        Self {
            name: plan.name,
            copy: plan.copy,
            services: plan.services,
            sockets: plan.sockets,
            program: plan.program,
            environment: plan.environment,
            log: plan.log,
            spawner: plan.spawner,
            child: Mutex::new(None),
        }
    }

    /// What people call it: `erp-0`.
    pub fn label(&self) -> String {
        format!("{}-{}", self.name, self.copy)
    }

    /// The file with its output.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Its process id while it runs; paused counts as running.
    pub async fn pid(&self) -> Option<u32> {
        let mut child = self.child.lock().await;
        let child = child.as_mut()?;
        match child.try_wait() {
            Ok(None) => child.id(),
            _ => None,
        }
    }

    /// Starts it, also again; does not wait until it is ready.
    pub async fn start(&self) -> anyhow::Result<()> {
        ensure!(self.pid().await.is_none(), "{} runs already", self.label());
        let log = OpenOptions::new().create(true).append(true).open(&self.log)?;
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).arg(&self.program).arg("serve");
        command.args(self.services.iter().map(|name| name.word()));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("SHOPFLOOR_")) {
            command.env_remove(name);
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).kill_on_drop(true).process_group(0);
        let child = self.spawner.spawn(command).await.with_context(|| format!("{} cannot start", self.label()))?;
        *self.child.lock().await = Some(child);
        Ok(())
    }

    /// Waits until it says that it wants work.
    pub async fn wait_ready(&self) -> anyhow::Result<()> {
        let begun = Instant::now();
        while !self.is_ready().await {
            if self.pid().await.is_none() {
                bail!("{} ended while starting:\n{}", self.label(), self.last_words());
            }
            ensure!(begun.elapsed() < START, "{} is not ready:\n{}", self.label(), self.last_words());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Asks once whether it wants work.
    pub async fn is_ready(&self) -> bool {
        let url = format!("http://{}/readyz", self.sockets.ops);
        let answer = tokio::time::timeout(Duration::from_secs(2), reqwest::get(url)).await;
        answer.is_ok_and(|answer| answer.is_ok_and(|answer| answer.status().is_success()))
    }

    /// Its metrics page.
    pub async fn metrics(&self) -> anyhow::Result<String> {
        let url = format!("http://{}/metrics", self.sockets.ops);
        Ok(tokio::time::timeout(Duration::from_secs(5), async { reqwest::get(url).await?.text().await }).await??)
    }

    /// Kills it as a crash would, and waits until it is gone. Does nothing when it does not run.
    pub async fn kill(&self) -> anyhow::Result<()> {
        if let Some(child) = self.child.lock().await.as_mut() {
            child.kill().await?;
        }
        Ok(())
    }

    /// Stops it where it is.
    pub async fn pause(&self) -> anyhow::Result<()> {
        self.signal(Signal::SIGSTOP).await
    }

    /// Lets it go on.
    pub async fn resume(&self) -> anyhow::Result<()> {
        self.signal(Signal::SIGCONT).await
    }

    /// Asks it to end, waits until it has, and says how long that took. An error when it did not end well.
    pub async fn terminate(&self) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        if self.pid().await.is_none() {
            return Ok(Duration::ZERO);
        }
        self.signal(Signal::SIGTERM).await?;
        let mut child = self.child.lock().await;
        let child = child.as_mut().context("it ran a moment ago")?;
        let Ok(status) = tokio::time::timeout(PATIENCE, child.wait()).await else {
            child.kill().await?;
            bail!("{} did not end in {} s:\n{}", self.label(), PATIENCE.as_secs(), self.last_words());
        };
        let status = status?;
        ensure!(status.success(), "{} ended with {status}:\n{}", self.label(), self.last_words());
        Ok(begun.elapsed())
    }

    async fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let pid = self.pid().await.with_context(|| format!("{} does not run", self.label()))?;
        kill(Pid::from_raw(pid.try_into()?), signal).with_context(|| format!("{signal} to {}", self.label()))
    }

    /// Resident memory in bytes.
    pub async fn rss(&self) -> anyhow::Result<u64> {
        usage::rss(self.pid().await.with_context(|| format!("{} does not run", self.label()))?)
    }

    /// The most resident memory it has had since it was started, in bytes.
    pub async fn peak_rss(&self) -> anyhow::Result<u64> {
        usage::peak_rss(self.pid().await.with_context(|| format!("{} does not run", self.label()))?)
    }

    /// Processor time it has used since it was started.
    pub async fn cpu(&self) -> anyhow::Result<Duration> {
        usage::cpu(self.pid().await.with_context(|| format!("{} does not run", self.label()))?)
    }

    /// The end of its log.
    pub fn last_words(&self) -> String {
        let log = std::fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(12)..].join("\n")
    }
}
