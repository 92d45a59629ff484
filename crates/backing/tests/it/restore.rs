//! What docs/operations.md says about backups, done.

use std::os::unix::fs::chown;
use std::path::Path;
use std::process::Command;

use backing::{Postgres, PostgresOptions};
use nix::unistd::{User, geteuid};
use sqlx::{Connection, PgConnection};

use crate::Scratch;

/// Gives a file or folder with all in it to the user Postgres runs as.
fn give_to_postgres(path: &Path) {
    if geteuid().is_root() {
        let user = User::from_name("postgres").unwrap().unwrap();
        chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw())).unwrap();
        if path.is_dir() {
            std::fs::read_dir(path).unwrap().for_each(|entry| give_to_postgres(&entry.unwrap().path()));
        }
    }
}

async fn connect(postgres: &Postgres) -> PgConnection {
    PgConnection::connect(&postgres.admin_url()).await.unwrap()
}

async fn rows(connection: &mut PgConnection) -> Vec<i64> {
    sqlx::query_scalar("select n from kept order by n").fetch_all(connection).await.unwrap()
}

fn base_backup(postgres: &Postgres, to: &Path) {
    let binaries =
        std::fs::read_dir("/usr/lib/postgresql").unwrap().map(|entry| entry.unwrap().path().join("bin/pg_basebackup"));
    let program = binaries.max().unwrap();
    let output = Command::new(program)
        .args(["--host", "127.0.0.1", "--username", "postgres", "--checkpoint", "fast", "--wal-method", "stream"])
        .args(["--port", &postgres.port().to_string(), "--pgdata"])
        .arg(to)
        .env("PGPASSWORD", std::fs::read_to_string(postgres.folder().join("password")).unwrap())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A home whose data is the backup, with the password it was made with.
fn home_from(backup: &Path, password_of: &Postgres, home: &Path) {
    std::fs::create_dir_all(home).unwrap();
    std::fs::rename(backup, home.join("data")).unwrap();
    std::fs::copy(password_of.folder().join("password"), home.join("password")).unwrap();
    give_to_postgres(home);
}

#[tokio::test]
async fn a_backup_taken_while_it_runs_is_whole() {
    let scratch = Scratch::new("backup");
    let first = Postgres::start(PostgresOptions::durable(scratch.0.join("first"))).await.unwrap();
    let mut connection = connect(&first).await;
    sqlx::raw_sql("create table kept (n int8); insert into kept values (1)").execute(&mut connection).await.unwrap();
    base_backup(&first, &scratch.0.join("backup"));
    sqlx::raw_sql("insert into kept values (2)").execute(&mut connection).await.unwrap();
    home_from(&scratch.0.join("backup"), &first, &scratch.0.join("second"));
    let second = Postgres::start(PostgresOptions::durable(scratch.0.join("second"))).await.unwrap();
    assert_eq!(rows(&mut connect(&second).await).await, [1]);
    first.stop().await.unwrap();
    second.stop().await.unwrap();
}

#[tokio::test]
async fn any_moment_since_the_backup_can_be_had_back() {
    let scratch = Scratch::new("pitr");
    let archive = scratch.0.join("wal");
    std::fs::create_dir_all(&archive).unwrap();
    give_to_postgres(&archive);
    let archiving = PostgresOptions::durable(scratch.0.join("first"))
        .set("archive_mode", "on")
        .set("archive_command", format!("test ! -f {0}/%f && cp %p {0}/%f", archive.display()));
    let first = Postgres::start(archiving).await.unwrap();
    let mut connection = connect(&first).await;
    sqlx::raw_sql("create table kept (n int8); insert into kept values (1)").execute(&mut connection).await.unwrap();
    base_backup(&first, &scratch.0.join("backup"));
    sqlx::raw_sql("insert into kept values (2)").execute(&mut connection).await.unwrap();
    let moment: String = sqlx::query_scalar("select clock_timestamp()::text").fetch_one(&mut connection).await.unwrap();
    sqlx::raw_sql("insert into kept values (3)").execute(&mut connection).await.unwrap();
    let written: String =
        sqlx::query_scalar("select pg_walfile_name(pg_switch_wal())").fetch_one(&mut connection).await.unwrap();
    crate::eventually("the last segment is archived", || archive.join(&written).exists()).await;
    let backup = scratch.0.join("backup");
    let recovery = format!(
        "restore_command = 'cp {}/%f %p'\nrecovery_target_time = '{moment}'\nrecovery_target_action = 'promote'\n",
        archive.display()
    );
    let settings = backup.join("postgresql.auto.conf");
    let already = std::fs::read_to_string(&settings).unwrap();
    std::fs::write(&settings, already + &recovery).unwrap();
    std::fs::write(backup.join("recovery.signal"), "").unwrap();
    home_from(&backup, &first, &scratch.0.join("second"));
    let second = Postgres::start(PostgresOptions::durable(scratch.0.join("second"))).await.unwrap();
    assert_eq!(rows(&mut connect(&second).await).await, [1, 2]);
    first.stop().await.unwrap();
    second.stop().await.unwrap();
}
