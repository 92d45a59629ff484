//! A private Postgres.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User, geteuid};
use sqlx::{Connection, PgConnection};
use tokio::sync::Mutex;

use crate::folder::{Folder, evict, free_port, random_text};
use crate::guard::{Guard, Plan, ended};

const OLDEST: u32 = 15;
/// The user Postgres runs as when we are root, which it refuses to be.
const UNPRIVILEGED: &str = "postgres";

/// What kind of Postgres to start.
#[derive(Clone, Debug, Default)]
pub struct PostgresOptions {
    folder: Option<PathBuf>,
    port: Option<u16>,
    settings: Vec<(String, String)>,
}

impl PostgresOptions {
    /// Lives in a temporary folder, leaves nothing, and syncs nothing: what it has acknowledged outlives its own death, not
    /// the machine's.
    pub fn throw_away() -> PostgresOptions {
        PostgresOptions::default()
    }

    /// Keeps its data in `folder` and loses nothing it has acknowledged.
    pub fn durable(folder: impl Into<PathBuf>) -> PostgresOptions {
        PostgresOptions { folder: Some(folder.into()), ..PostgresOptions::default() }
    }

    /// Listens on this port instead of any free one.
    pub fn port(mut self, port: u16) -> PostgresOptions {
        self.port = Some(port);
        self
    }

    /// A server setting (`postgresql.conf`), stronger than our defaults.
    pub fn set(mut self, name: &str, value: impl ToString) -> PostgresOptions {
        self.settings.push((name.to_owned(), value.to_string()));
        self
    }

    fn arguments(&self, port: u16) -> Vec<String> {
        let mut settings: Vec<(&str, &str)> = vec![
            ("listen_addresses", "127.0.0.1"),
            ("unix_socket_directories", ""),
            ("timezone", "UTC"),
            ("log_timezone", "UTC"),
            ("shared_buffers", "192MB"),
            ("max_connections", "300"),
            ("work_mem", "8MB"),
            ("maintenance_work_mem", "64MB"),
            ("max_wal_size", "2GB"),
            ("checkpoint_timeout", "15min"),
            ("random_page_cost", "1.1"),
            ("jit", "off"),
            ("log_checkpoints", "off"),
            ("log_line_prefix", "%m [%p] %q%u@%d "),
            ("huge_pages", "off"),
        ];
        settings.push(("synchronous_commit", "on"));
        settings.extend(if self.folder.is_some() {
            [("fsync", "on"), ("full_page_writes", "on"), ("wal_level", "replica")]
        } else {
            [("fsync", "off"), ("full_page_writes", "off"), ("wal_level", "minimal")]
        });
        settings.extend(if self.folder.is_some() {
            [("wal_compression", "on"), ("max_wal_senders", "4")]
        } else {
            [("max_parallel_workers_per_gather", "0"), ("max_wal_senders", "0")]
        });
        settings.extend(self.settings.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let mut arguments = vec!["-p".to_owned(), port.to_string()];
        for (name, value) in settings {
            arguments.extend(["-c".to_owned(), format!("{name}={value}")]);
        }
        arguments
    }
}

/// A running Postgres. Dropping it stops the server without waiting; [`Postgres::stop`] waits.
pub struct Postgres {
    options: PostgresOptions,
    folder: Folder,
    binaries: PathBuf,
    port: u16,
    password: String,
    guard: Mutex<Guard>,
}

impl Postgres {
    /// Starts a server, making its data folder if there is none, and returns when it answers queries.
    pub async fn start(options: PostgresOptions) -> anyhow::Result<Postgres> {
        let folder = Folder::hold(options.folder.as_deref(), "postgres")?;
        give_to_server(&folder.path)?;
        let data = folder.path.join("data");
        let binaries = binaries(&data)?;
        if reachable(&folder.path)? {
            evict(&data, "postgres", Signal::SIGINT).await?;
        }
        let password = initialise(&folder, &binaries).await?;
        let mut attempts = 0;
        loop {
            attempts += 1;
            let port = options.port.map_or_else(free_port, Ok)?;
            let guard = serve(&options, &folder, &binaries, port).await?;
            let error = match ready(&guard, &url("postgres", &password, port, "postgres")).await {
                Ok(()) => {
                    return Ok(Postgres { options, folder, binaries, port, password, guard: Mutex::new(guard) });
                }
                Err(error) => error,
            };
            // Someone else may have taken the free port between our look and the server's.
            if options.port.is_some() || attempts == 5 || !guard.last_words().contains("could not bind") {
                return Err(error);
            }
            let mut guard = guard;
            guard.keep().await?;
        }
    }

    /// The address of a database, as superuser.
    pub fn url(&self, database: &str) -> String {
        url("postgres", &self.password, self.port, database)
    }

    /// The address of a database for another role; role and password in letters, digits, `-` and `_`.
    pub fn url_as(&self, role: &str, password: &str, database: &str) -> String {
        url(role, password, self.port, database)
    }

    /// The address of the maintenance database, as superuser.
    pub fn admin_url(&self) -> String {
        self.url("postgres")
    }

    /// The port of 127.0.0.1 it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder with its data, password and log.
    pub fn folder(&self) -> &Path {
        &self.folder.path
    }

    /// The folder with the programs of this version: `postgres`, `psql`, `pgbench`.
    pub fn binaries(&self) -> &Path {
        &self.binaries
    }

    /// The process id while it runs.
    pub async fn pid(&self) -> Option<u32> {
        self.guard.lock().await.pid()
    }

    /// True while the process runs.
    pub async fn is_alive(&self) -> bool {
        self.pid().await.is_some()
    }

    /// Returns when the process has ended, by itself or by [`Postgres::stop`].
    pub async fn exited(&self) {
        let mut state = self.guard.lock().await.watch();
        // An error says that the guard is gone, which is an end too.
        let _ = state.wait_for(|state| ended(*state)).await;
    }

    /// Starts it again after it has ended, on the same port and data; does nothing while it runs.
    pub async fn restart(&self) -> anyhow::Result<()> {
        let mut guard = self.guard.lock().await;
        if guard.pid().is_some() {
            return Ok(());
        }
        guard.keep().await?;
        evict(&self.folder.path.join("data"), "postgres", Signal::SIGQUIT).await?;
        *guard = serve(&self.options, &self.folder, &self.binaries, self.port).await?;
        ready(&guard, &self.admin_url()).await
    }

    /// Kills it as a power cut would, and waits until the process is gone.
    pub async fn kill(&self) -> anyhow::Result<()> {
        if let Some(pid) = self.pid().await {
            kill(Pid::from_raw(pid.try_into()?), Signal::SIGKILL)?;
            self.exited().await;
        }
        Ok(())
    }

    /// Ends it in good order and waits; a throw-away folder is gone afterwards.
    pub async fn stop(&self) -> anyhow::Result<()> {
        self.guard.lock().await.stop().await
    }
}

fn url(role: &str, password: &str, port: u16, database: &str) -> String {
    format!("postgres://{role}:{password}@127.0.0.1:{port}/{database}?sslmode=disable")
}

async fn serve(options: &PostgresOptions, folder: &Folder, binaries: &Path, port: u16) -> anyhow::Result<Guard> {
    let data = folder.path.join("data");
    // Nobody works in this folder any more, we have looked. A stale file could still name a process id that someone else has now.
    match std::fs::remove_file(data.join("postmaster.pid")) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let mut command = as_server(Signal::SIGQUIT);
    command.extend([text(&binaries.join("postgres"))?, "-D".to_owned(), text(&data)?]);
    command.extend(options.arguments(port));
    // Immediate shutdown for what is thrown away; otherwise fast: open transactions end, everything is written.
    let signal = if folder.throw_away { Signal::SIGQUIT } else { Signal::SIGINT };
    let log = folder.log("postgres.log")?;
    Guard::start(Plan { signal, patience: 60, remove: folder.remove(), log: &log, work: &data, command }).await
}

/// Ready is when it answers a query: it listens earlier, and refuses while it recovers from a crash.
async fn ready(guard: &Guard, url: &str) -> anyhow::Result<()> {
    let start = Instant::now();
    loop {
        let error = match probe(url).await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        if guard.pid().is_none() {
            bail!("Postgres ended while starting:\n{}", guard.last_words());
        }
        if start.elapsed() > Duration::from_secs(300) {
            return Err(error).with_context(|| format!("Postgres does not answer:\n{}", guard.last_words()));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn probe(url: &str) -> sqlx::Result<()> {
    let mut connection = PgConnection::connect(url).await?;
    sqlx::query("select 1").execute(&mut connection).await?;
    connection.close().await
}

/// Makes the data folder once, and returns the superuser's password.
async fn initialise(folder: &Folder, binaries: &Path) -> anyhow::Result<String> {
    let (password_file, data) = (folder.path.join("password"), folder.path.join("data"));
    if data.join("PG_VERSION").exists() {
        return std::fs::read_to_string(&password_file)
            .with_context(|| format!("{} holds a database but not its password", folder.path.display()));
    }
    ensure!(
        reachable(&folder.path)?,
        "Postgres must run as user {UNPRIVILEGED} here, who cannot enter {}: choose a data folder that user can reach",
        folder.path.display()
    );
    let password = random_text(32);
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&password_file)?;
    file.write_all(password.as_bytes())?;
    give_to_server(&password_file)?;
    // Made elsewhere and moved, so that a crash half way leaves nothing that looks like a database.
    let making = folder.path.join("data.new");
    if making.exists() {
        std::fs::remove_dir_all(&making)?;
    }
    let mut command = as_server(Signal::SIGKILL);
    // Tests connect thousands of times, and an unoptimised client spends 50 ms on each SCRAM exchange.
    let authentication = if folder.throw_away { "password" } else { "scram-sha-256" };
    // Same order of texts as C.UTF-8, but compared byte by byte: indexes of texts cost a third less.
    let locale = ["--locale=C.UTF-8", "--lc-collate=C"];
    let fixed = ["-U", "postgres", "-E", "UTF8", "-A", authentication, "--no-instructions"];
    command.extend([text(&binaries.join("initdb"))?, "-D".to_owned(), text(&making)?]);
    command.extend(fixed.into_iter().chain(locale).map(str::to_owned));
    command.push(format!("--pwfile={}", text(&password_file)?));
    command.push(if folder.throw_away { "--no-sync" } else { "--data-checksums" }.to_owned());
    let log = folder.log("postgres.log")?;
    let (signal, remove) = (Signal::SIGKILL, folder.remove());
    Guard::run(Plan { signal, patience: 5, remove, log: &log, work: &folder.path, command }).await?;
    std::fs::rename(&making, &data)?;
    Ok(password)
}

/// Newest installed version from 15 on, or the one whose data the folder holds.
fn binaries(data: &Path) -> anyhow::Result<PathBuf> {
    let held = std::fs::read_to_string(data.join("PG_VERSION")).ok().and_then(|text| text.trim().parse::<u32>().ok());
    let mut found: Vec<(u32, PathBuf)> = Vec::new();
    let named = std::env::var_os("PG_BIN").map(PathBuf::from);
    if let Some(named) = &named {
        found.push((version(&named.join("postgres"))?, named.clone()));
    } else if let Ok(versions) = std::fs::read_dir("/usr/lib/postgresql") {
        for entry in versions.flatten() {
            let bin = entry.path().join("bin");
            if let (Some(version), true) = (major(&entry.file_name().to_string_lossy()), bin.join("postgres").exists())
            {
                found.push((version, bin));
            }
        }
    }
    if let (true, None, Some(bin)) = (found.is_empty(), &named, on_path("postgres")) {
        found.push((version(&bin.join("postgres"))?, bin));
    }
    found.retain(|(version, _)| *version >= OLDEST && held.is_none_or(|held| held == *version));
    found.sort();
    match (found.pop(), held) {
        (Some((_, bin)), _) => Ok(bin),
        (None, Some(held)) => {
            bail!("{} was made by Postgres {held}, which is not installed: install postgresql-{held}", data.display())
        }
        (None, None) => {
            bail!("no Postgres {OLDEST} or newer found: run `make setup`, or set PG_BIN to the folder with `postgres`")
        }
    }
}

fn on_path(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).find(|folder| folder.join(program).is_file())
}

fn version(postgres: &Path) -> anyhow::Result<u32> {
    let output = Command::new(postgres).arg("--version").output();
    let output = output.with_context(|| format!("cannot run {}", postgres.display()))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    said.split_whitespace().find_map(major).with_context(|| format!("{} says no version: {said}", postgres.display()))
}

fn major(word: &str) -> Option<u32> {
    let digits = word.bytes().take_while(u8::is_ascii_digit).count();
    word[..digits].parse().ok()
}

/// The start of a command that runs as a user Postgres accepts and gets `signal` when its parent dies.
fn as_server(signal: Signal) -> Vec<String> {
    let mut command: Vec<String> =
        ["setpriv", "--pdeathsig", signal.as_str().trim_start_matches("SIG")].map(str::to_owned).into();
    if geteuid().is_root() {
        command.extend(["--reuid", UNPRIVILEGED, "--regid", UNPRIVILEGED, "--clear-groups", "--"].map(str::to_owned));
    }
    command
}

fn give_to_server(path: &Path) -> anyhow::Result<()> {
    if geteuid().is_root() {
        let user = User::from_name(UNPRIVILEGED)?;
        let user = user.with_context(|| {
            format!("Postgres cannot run as root, and there is no user {UNPRIVILEGED}: run `make setup`")
        })?;
        std::os::unix::fs::chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw()))?;
    }
    Ok(())
}

/// True when the user Postgres runs as can work in the folder.
fn reachable(folder: &Path) -> anyhow::Result<bool> {
    let command = as_server(Signal::SIGKILL);
    let status = Command::new(&command[0]).args(&command[1..]).args(["test", "-w"]).arg(folder).status();
    Ok(status.context("cannot run setpriv: install util-linux")?.success())
}

fn text(path: &Path) -> anyhow::Result<String> {
    path.to_str().map(str::to_owned).with_context(|| format!("the path {} is not UTF-8", path.display()))
}
