//! A private nats-server with JetStream.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::Mutex;

use crate::folder::{Folder, evict, free_port, random_text};
use crate::guard::{Guard, Plan, ended};

/// Older ones ignore several filter subjects on a consumer and cannot sync on every write.
const OLDEST: (u32, u32) = (2, 10);

/// What kind of nats-server to start.
#[derive(Clone, Debug)]
pub struct NatsOptions {
    folder: Option<PathBuf>,
    port: Option<u16>,
    max_payload: usize,
    sync_always: bool,
}

impl NatsOptions {
    /// Lives in a temporary folder and leaves nothing.
    pub fn throw_away() -> NatsOptions {
        NatsOptions { folder: None, port: None, max_payload: 1 << 20, sync_always: false }
    }

    /// Keeps its streams in `folder` and syncs every acknowledged message to disk.
    pub fn durable(folder: impl Into<PathBuf>) -> NatsOptions {
        NatsOptions { folder: Some(folder.into()), sync_always: true, ..NatsOptions::throw_away() }
    }

    /// Listens on this port instead of any free one.
    pub fn port(mut self, port: u16) -> NatsOptions {
        self.port = Some(port);
        self
    }

    /// The largest message in bytes (1 MiB).
    pub fn max_payload(mut self, bytes: usize) -> NatsOptions {
        self.max_payload = bytes;
        self
    }

    /// Whether each message is on disk before it is acknowledged.
    pub fn sync_always(mut self, on: bool) -> NatsOptions {
        self.sync_always = on;
        self
    }
}

/// A running nats-server. Dropping it stops the server without waiting; [`Nats::stop`] waits.
pub struct Nats {
    folder: Folder,
    binary: PathBuf,
    port: u16,
    password: String,
    guard: Mutex<Guard>,
}

impl Nats {
    /// Starts a server and returns when it answers and JetStream is on.
    pub async fn start(options: NatsOptions) -> anyhow::Result<Nats> {
        let binary = find()?;
        let folder = Folder::hold(options.folder.as_deref(), "nats")?;
        evict(&folder.path, "nats-server", Signal::SIGTERM).await?;
        let password = remembered_password(&folder)?;
        let mut attempts = 0;
        loop {
            attempts += 1;
            let port = options.port.map_or_else(free_port, Ok)?;
            write_private(&folder.path.join("nats.conf"), &configuration(&options, &folder, &password, port)?)?;
            let mut guard = serve(&folder, &binary).await?;
            match ready(&guard, port, &password).await {
                Ok(()) => return Ok(Nats { folder, binary, port, password, guard: Mutex::new(guard) }),
                Err(error) => {
                    let taken = guard.last_words().contains("address already in use");
                    if options.port.is_some() || attempts == 5 || !taken {
                        return Err(error);
                    }
                    guard.keep().await?;
                }
            }
        }
    }

    /// The address for clients, with user and password.
    pub fn url(&self) -> String {
        format!("nats://shopfloor:{}@127.0.0.1:{}", self.password, self.port)
    }

    /// The port of 127.0.0.1 it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder with its streams, configuration and log.
    pub fn folder(&self) -> &Path {
        &self.folder.path
    }

    /// The process id while it runs.
    pub async fn pid(&self) -> Option<u32> {
        self.guard.lock().await.pid()
    }

    /// True while the process runs.
    pub async fn is_alive(&self) -> bool {
        self.pid().await.is_some()
    }

    /// Returns when the process has ended, by itself or by [`Nats::stop`].
    pub async fn exited(&self) {
        let mut state = self.guard.lock().await.watch();
        // An error says that the guard is gone, which is an end too.
        let _ = state.wait_for(|state| ended(*state)).await;
    }

    /// Starts it again after it has ended, on the same port and streams; does nothing while it runs.
    pub async fn restart(&self) -> anyhow::Result<()> {
        let mut guard = self.guard.lock().await;
        if guard.pid().is_some() {
            return Ok(());
        }
        guard.keep().await?;
        evict(&self.folder.path, "nats-server", Signal::SIGTERM).await?;
        *guard = serve(&self.folder, &self.binary).await?;
        ready(&guard, self.port, &self.password).await
    }

    /// Kills it as a power cut would, and waits until the process is gone.
    pub async fn kill(&self) -> anyhow::Result<()> {
        if let Some(pid) = self.pid().await {
            kill(Pid::from_raw(pid.try_into()?), Signal::SIGKILL)?;
            self.exited().await;
        }
        Ok(())
    }

    /// Deletes every stream, as a lost disk would. Only while the server does not run.
    pub async fn wipe(&self) -> anyhow::Result<()> {
        ensure!(!self.is_alive().await, "the storage of a running nats-server cannot be wiped: kill it first");
        let store = self.folder.path.join("store");
        match std::fs::remove_dir_all(&store) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Ends it in good order and waits; a throw-away folder is gone afterwards.
    pub async fn stop(&self) -> anyhow::Result<()> {
        self.guard.lock().await.stop().await
    }
}

async fn serve(folder: &Folder, binary: &Path) -> anyhow::Result<Guard> {
    let log = folder.log("nats.log")?;
    let program = binary.to_str().context("the path of nats-server is not UTF-8")?;
    let command = ["setpriv", "--pdeathsig", "KILL", program, "-c", "nats.conf"].map(str::to_owned).into();
    let (signal, remove) = (if folder.throw_away { Signal::SIGKILL } else { Signal::SIGTERM }, folder.remove());
    Guard::start(Plan { signal, patience: 20, remove, log: &log, work: &folder.path, command }).await
}

fn configuration(options: &NatsOptions, folder: &Folder, password: &str, port: u16) -> anyhow::Result<String> {
    let store = folder.path.join("store");
    let mut text = String::new();
    writeln!(text, "# Written at every start.")?;
    writeln!(text, "listen: \"127.0.0.1:{port}\"")?;
    writeln!(text, "max_payload: {}", options.max_payload)?;
    writeln!(text, "authorization {{ user: shopfloor, password: \"{password}\" }}")?;
    let sync = if options.sync_always { ", sync_interval: always" } else { "" };
    writeln!(text, "jetstream {{ store_dir: {}{sync} }}", serde_json::to_string(&store)?)?;
    Ok(text)
}

fn remembered_password(folder: &Folder) -> anyhow::Result<String> {
    let file = folder.path.join("password");
    if let Ok(password) = std::fs::read_to_string(&file) {
        return Ok(password);
    }
    let password = random_text(32);
    write_private(&file, &password)?;
    Ok(password)
}

fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    Ok(file.write_all(text.as_bytes())?)
}

/// Ready is when it has taken our password and answered a ping, with JetStream on.
async fn ready(guard: &Guard, port: u16, password: &str) -> anyhow::Result<()> {
    let start = Instant::now();
    loop {
        let error = match tokio::time::timeout(Duration::from_secs(5), probe(port, password)).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => error,
            Err(_) => anyhow::anyhow!("no answer to a ping in 5 s"),
        };
        if guard.pid().is_none() {
            bail!("nats-server ended while starting:\n{}", guard.last_words());
        }
        if start.elapsed() > Duration::from_secs(120) {
            return Err(error).with_context(|| format!("nats-server does not answer:\n{}", guard.last_words()));
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn probe(port: u16, password: &str) -> anyhow::Result<()> {
    let mut stream = BufReader::new(TcpStream::connect(("127.0.0.1", port)).await?);
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    let info = line.strip_prefix("INFO ").with_context(|| format!("not a nats-server: {line}"))?;
    let info: serde_json::Value = serde_json::from_str(info)?;
    ensure!(info["jetstream"] == true, "JetStream is off");
    let hello = format!("CONNECT {{\"verbose\":false,\"user\":\"shopfloor\",\"pass\":\"{password}\"}}\r\nPING\r\n");
    stream.write_all(hello.as_bytes()).await?;
    line.clear();
    stream.read_line(&mut line).await?;
    ensure!(line.trim() == "PONG", "nats-server says {}", line.trim());
    Ok(())
}

/// `NATS_SERVER`, or `.tools/bin/nats-server` in a folder above this one or above this program, or the one on PATH;
/// refuses one that is too old.
fn find() -> anyhow::Result<PathBuf> {
    let named = std::env::var_os("NATS_SERVER").map(PathBuf::from);
    let (here, program) = (std::env::current_dir()?, std::env::current_exe()?);
    let above = here.ancestors().chain(program.ancestors());
    let tools = || above.map(|folder| folder.join(".tools/bin/nats-server")).find(|path| path.is_file());
    let on_path = || {
        std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join("nats-server")).find(|p| p.is_file())
    };
    let binary = named.or_else(tools).or_else(on_path);
    let binary = binary.context("no nats-server found: run `make setup`, or set NATS_SERVER to its path")?;
    let output = Command::new(&binary).arg("--version").output();
    let output = output.with_context(|| format!("cannot run {}", binary.display()))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let version = parse_version(&said).with_context(|| format!("{} says no version: {said}", binary.display()))?;
    ensure!(
        version >= OLDEST,
        "{} is version {}.{}, but {}.{} or newer is needed: run `make setup`, or set NATS_SERVER to a newer one",
        binary.display(),
        version.0,
        version.1,
        OLDEST.0,
        OLDEST.1
    );
    binary.canonicalize().with_context(|| format!("cannot find {}", binary.display()))
}

fn parse_version(said: &str) -> Option<(u32, u32)> {
    let mut parts = said.split_whitespace().last()?.trim_start_matches('v').split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}
