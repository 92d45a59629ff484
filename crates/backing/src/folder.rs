//! Folders that servers live in: who holds them, what still runs in them, and ports.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rand::Rng;
use rand::distr::Alphanumeric;

/// A folder held by this process until dropped, or until the process is gone.
pub(crate) struct Folder {
    /// Absolute and free of symbolic links, so that it compares with what /proc says.
    pub(crate) path: PathBuf,
    /// To be removed at the end.
    pub(crate) throw_away: bool,
    _lock: File,
}

impl Folder {
    /// Opens or makes the folder; without one, makes a new throw-away folder.
    pub(crate) fn hold(path: Option<&Path>, what: &str) -> anyhow::Result<Folder> {
        let throw_away = path.is_none();
        let path = match path {
            Some(path) => path.to_owned(),
            None => std::env::temp_dir().join(format!("shopfloor-{what}-{}-{}", std::process::id(), random_text(8))),
        };
        std::fs::create_dir_all(&path).with_context(|| format!("cannot make the folder {}", path.display()))?;
        let path = path.canonicalize()?;
        let name = path.join("lock");
        let mut lock = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&name)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                lock.read_to_string(&mut holder)?;
                bail!(
                    "the folder {} is in use by process {}: end that one, or choose another folder",
                    path.display(),
                    holder.trim()
                );
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("cannot lock {}", name.display()));
            }
        }
        lock.set_len(0)?;
        write!(lock, "{}", std::process::id())?;
        Ok(Folder { path, throw_away, _lock: lock })
    }

    /// What the guard removes at the end.
    pub(crate) fn remove(&self) -> Option<&Path> {
        self.throw_away.then_some(self.path.as_path())
    }

    /// Moves a log that has grown large out of the way, keeping one old one.
    pub(crate) fn log(&self, name: &str) -> anyhow::Result<PathBuf> {
        let log = self.path.join(name);
        if std::fs::metadata(&log).is_ok_and(|log| log.len() > 10_000_000) {
            std::fs::rename(&log, log.with_extension("log.old"))?;
        }
        Ok(log)
    }
}

/// Ends processes called `name` that still work in `folder`, left there by a parent that was killed.
pub(crate) async fn evict(folder: &Path, name: &str, gentle: Signal) -> anyhow::Result<()> {
    let start = Instant::now();
    let mut signal = Some(gentle);
    loop {
        let left = working_in(folder, name);
        if left.is_empty() {
            return Ok(());
        }
        if let Some(signal) = signal.take() {
            tracing::warn!(folder = %folder.display(), processes = ?left, %signal, "ending what an earlier run left behind");
            for pid in left {
                // Gone in the meantime is what we want.
                let _ = kill(Pid::from_raw(pid), signal);
            }
        } else if start.elapsed() > Duration::from_secs(60) {
            bail!("processes {left:?} still work in {} and do not end: kill them", folder.display());
        } else if start.elapsed() > Duration::from_secs(20) {
            signal = Some(Signal::SIGKILL);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn working_in(folder: &Path, name: &str) -> Vec<i32> {
    let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
    let ours = |process: &Path| {
        std::fs::read_to_string(process.join("comm")).is_ok_and(|comm| comm.trim() == name)
            && std::fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd == folder)
    };
    processes
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok().filter(|_| ours(&entry.path())))
        .collect()
}

/// A port of 127.0.0.1 nobody listens on, below the range the kernel gives to outgoing connections, so that it is still free when
/// a server comes back to it.
pub(crate) fn free_port() -> anyhow::Result<u16> {
    for _ in 0..1000 {
        let port = rand::rng().random_range(15_000..32_000);
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no free port of 127.0.0.1 between 15000 and 32000")
}

/// Letters and digits for names and passwords.
pub(crate) fn random_text(length: usize) -> String {
    rand::rng().sample_iter(Alphanumeric).take(length).map(char::from).collect()
}
