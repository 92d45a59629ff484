//! The state of a company kept aside and put back: databases and streams as they were at one quiet moment.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use suite::services::Name;
use suite::up::store;

use super::Company;

/// What was kept.
pub struct Snapshot {
    streams: PathBuf,
}

impl Company {
    /// Keeps everything as it is. No service process may run.
    pub async fn snapshot(&self) -> anyhow::Result<Snapshot> {
        ensure!(self.processes().is_empty(), "services still run");
        let mut admin = PgConnection::connect(&self.postgres.admin_url()).await?;
        for name in Name::ALL.into_iter().filter(|name| name.has_database()) {
            copy_database(&mut admin, &store::role(name), &kept(name), "postgres").await?;
        }
        admin.close().await?;
        let streams = self.folder().join("streams");
        self.nats.kill().await?;
        copy_folder(&self.nats.folder().join("store"), &streams)?;
        self.nats.restart().await?;
        Ok(Snapshot { streams })
    }

    /// Puts everything back. No service process may run.
    pub async fn restore(&self, snapshot: &Snapshot) -> anyhow::Result<()> {
        ensure!(self.processes().is_empty(), "services still run");
        let mut admin = PgConnection::connect(&self.postgres.admin_url()).await?;
        for name in Name::ALL.into_iter().filter(|name| name.has_database()) {
            let role = store::role(name);
            run(&mut admin, format!("-- drop_database\ndrop database if exists {role} with (force)")).await?;
            copy_database(&mut admin, &kept(name), &role, &role).await?;
            run(&mut admin, format!("-- close_database\nrevoke all on database {role} from public")).await?;
        }
        run(&mut admin, "-- write_everything_now\ncheckpoint".to_owned()).await?;
        admin.close().await?;
        self.nats.kill().await?;
        self.nats.wipe().await?;
        copy_folder(&snapshot.streams, &self.nats.folder().join("store"))?;
        self.nats.restart().await
    }
}

fn kept(name: Name) -> String {
    format!("{}_kept", store::role(name))
}

/// Names are constants of this program, so they can stand in the statements, which take no parameters.
async fn copy_database(admin: &mut PgConnection, from: &str, to: &str, owner: &str) -> anyhow::Result<()> {
    run(admin, format!("-- copy_database\ncreate database {to} template {from} owner {owner} strategy file_copy")).await
}

async fn run(admin: &mut PgConnection, sql: String) -> anyhow::Result<()> {
    sqlx::query(AssertSqlSafe(sql)).execute(admin).await?;
    Ok(())
}

fn copy_folder(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from).with_context(|| format!("{} cannot be read", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}
