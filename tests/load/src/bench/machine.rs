//! The machine, the versions and the settings under which the figures hold.

use std::process::Command;

use load::company::Company;
use serde::Serialize;
use sqlx::{Connection as _, PgConnection};

/// What the figures depend on.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Machine {
    processor: String,
    processors: usize,
    memory_gib: f64,
    system: String,
    postgres: String,
    nats: String,
    profile: &'static str,
    commit: String,
    postgres_settings: Vec<String>,
    nats_settings: String,
}

/// Settings that decide about speed or about durability.
const SETTINGS: [&str; 9] = [
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "wal_level",
    "wal_compression",
    "shared_buffers",
    "max_wal_size",
    "track_commit_timestamp",
    "wal_sync_method",
];

/// Asks everybody.
pub(crate) async fn describe(company: &Company) -> anyhow::Result<Machine> {
    let field = |file: &str, name: &str| {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.split_once(':').map(|(_, value)| value.trim().to_owned()));
        line.unwrap_or_default()
    };
    let memory: f64 = field("/proc/meminfo", "MemTotal").trim_end_matches("kB").trim().parse().unwrap_or_default();
    let said = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output();
        output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
    };
    let mut admin = PgConnection::connect(&company.postgres.admin_url()).await?;
    let postgres =
        sqlx::query_scalar("-- version\nselect current_setting('server_version')").fetch_one(&mut admin).await?;
    let mut postgres_settings = Vec::new();
    for name in SETTINGS {
        let value: String =
            sqlx::query_scalar("-- setting\nselect current_setting($1)").bind(name).fetch_one(&mut admin).await?;
        postgres_settings.push(format!("{name}={value}"));
    }
    Ok(Machine {
        processor: field("/proc/cpuinfo", "model name"),
        processors: std::thread::available_parallelism().map_or(0, usize::from),
        memory_gib: memory / 1024.0 / 1024.0,
        system: said("uname", &["-sr"]),
        postgres,
        nats: version_of(company).await,
        profile: if cfg!(debug_assertions) { "not optimised" } else { "release" },
        commit: said("git", &["describe", "--always", "--dirty"]),
        postgres_settings,
        nats_settings: "JetStream on files, sync_interval default (2 min)".to_owned(),
    })
}

/// The version of the broker that runs: of the very program its process was started from.
async fn version_of(company: &Company) -> String {
    let Some(pid) = company.nats.pid().await else { return String::new() };
    let output = Command::new(format!("/proc/{pid}/exe")).arg("--version").output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}

impl Machine {
    pub(crate) fn lines(&self) -> Vec<String> {
        vec![
            format!("machine: {} × {}, {:.0} GiB, {}", self.processors, self.processor, self.memory_gib, self.system),
            format!("versions: {} ({}), Postgres {}, {}", self.commit, self.profile, self.postgres, self.nats),
            format!("Postgres: {}; NATS: {}", self.postgres_settings.join(" "), self.nats_settings),
        ]
    }
}
