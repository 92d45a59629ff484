//! The guard: a shell between us and a server, so that the server ends when we do, whatever ends us.
//!
//! The shell is the server's parent and holds the read end of a pipe whose write end only we hold; the kernel closes it even after
//! kill -9. The server carries a parent-death signal for the case that the shell itself is killed. The shell has its own process
//! group, so that Ctrl-C in a terminal reaches us and not, at the same time, the servers we still need to finish our work.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use nix::sys::signal::Signal;
use tokio::sync::watch;

const SCRIPT: &str = include_str!("guard.sh");

/// What the guard has said so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// The shell has not started the server yet.
    Starting,
    /// The server's process id.
    Running(u32),
    /// The server ended with this code (128 and more: by a signal); the guard still waits for us.
    Exited(i32),
    /// The guard is gone, and so is the server.
    Gone,
}

/// What to run, and how it ends.
pub(crate) struct Plan<'a> {
    /// Tells the server to end.
    pub(crate) signal: Signal,
    /// After this many seconds it is killed.
    pub(crate) patience: u32,
    /// Deleted after the end.
    pub(crate) remove: Option<&'a Path>,
    /// Where the server's output is appended.
    pub(crate) log: &'a Path,
    /// The server's working folder.
    pub(crate) work: &'a Path,
    /// Program and arguments.
    pub(crate) command: Vec<String>,
}

/// A running guard. Dropping it stops the server without waiting.
pub(crate) struct Guard {
    stdin: Option<ChildStdin>,
    state: watch::Receiver<State>,
    log: PathBuf,
}

impl Guard {
    /// Starts the guard and returns once the server process exists (not when it is ready).
    pub(crate) async fn start(plan: Plan<'_>) -> anyhow::Result<Guard> {
        let signal = plan.signal.as_str().trim_start_matches("SIG").to_owned();
        let mut command = Command::new("sh");
        // Comments would only be noise in the list of processes.
        let script: Vec<&str> = SCRIPT.lines().map(str::trim).filter(|line| !line.starts_with('#')).collect();
        command.arg("-c").arg(script.join("\n")).arg("guard").arg(signal).arg(plan.patience.to_string());
        command.arg(plan.remove.map(Path::as_os_str).unwrap_or_default()).arg(plan.log).arg(plan.work);
        command.args(&plan.command);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PG") {
                command.env_remove(name);
            }
        }
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().context("cannot start sh")?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().context("the guard has no output")?;
        let (sender, state) = watch::channel(State::Starting);
        std::thread::Builder::new().name("backing-guard".into()).spawn(move || listen(child, stdout, &sender))?;
        let guard = Guard { stdin, state, log: plan.log.to_owned() };
        guard.reach(Duration::from_secs(30), |state| *state != State::Starting).await?;
        Ok(guard)
    }

    /// Runs something that ends by itself (initdb) and fails when it fails.
    pub(crate) async fn run(plan: Plan<'_>) -> anyhow::Result<()> {
        let program = plan.command.join(" ");
        let mut guard = Guard::start(plan).await?;
        let end = guard.reach(Duration::from_secs(120), |state| ended(*state)).await?;
        if end != State::Exited(0) {
            bail!("{program} failed:\n{}", guard.last_words());
        }
        guard.keep().await
    }

    /// The server's process id while it runs.
    pub(crate) fn pid(&self) -> Option<u32> {
        match *self.state.borrow() {
            State::Running(pid) => Some(pid),
            _ => None,
        }
    }

    /// A view of the state that outlives the guard.
    pub(crate) fn watch(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    /// Ends the server as planned and waits for it, and for the folder to be removed if that was the plan.
    pub(crate) async fn stop(&mut self) -> anyhow::Result<()> {
        drop(self.stdin.take());
        self.reach(Duration::from_secs(120), |state| *state == State::Gone).await.map(drop)
    }

    /// Lets the guard of a server that has ended go without removing the folder.
    pub(crate) async fn keep(&mut self) -> anyhow::Result<()> {
        if let Some(mut stdin) = self.stdin.take() {
            // A guard that was killed cannot hear it; it cannot remove anything either.
            let _ = stdin.write_all(b"keep\n");
            self.reach(Duration::from_secs(30), |state| *state == State::Gone).await?;
        }
        Ok(())
    }

    /// The end of the server's log, for errors.
    pub(crate) fn last_words(&self) -> String {
        let log = std::fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(8)..].join("\n")
    }

    async fn reach(&self, limit: Duration, mut wanted: impl FnMut(&State) -> bool) -> anyhow::Result<State> {
        let mut state = self.state.clone();
        let reached = tokio::time::timeout(limit, state.wait_for(|state| wanted(state) || *state == State::Gone)).await;
        let reached = reached.with_context(|| format!("the server did not get there in {} s", limit.as_secs()))?;
        // The sender lives until it has sent `Gone`.
        Ok(reached.map_or(State::Gone, |state| *state))
    }
}

/// True once the server does not run any more.
pub(crate) fn ended(state: State) -> bool {
    matches!(state, State::Exited(_) | State::Gone)
}

fn listen(mut child: Child, stdout: ChildStdout, sender: &watch::Sender<State>) {
    for line in BufReader::new(stdout).lines().map_while(Result::ok) {
        let state = match line.split_once(' ') {
            Some(("pid", pid)) => pid.parse().map(State::Running).ok(),
            Some(("exit", code)) => code.parse().map(State::Exited).ok(),
            _ => None,
        };
        if let Some(state) = state {
            sender.send_replace(state);
        }
    }
    if let Err(error) = child.wait() {
        tracing::warn!(%error, "cannot wait for the guard of a server");
    }
    sender.send_replace(State::Gone);
}
