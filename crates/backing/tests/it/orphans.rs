//! What a parent that is killed leaves behind: nothing. Each test runs itself once more as the parent to be killed.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use backing::{Nats, NatsOptions, Postgres, PostgresOptions};
use sqlx::{Connection, PgConnection};

use crate::{Scratch, eventually, runs, working_below};

const ROLE: &str = "BACKING_TEST_PARENT";

/// Starts this test again as the parent, and reads what it started: `pg-pid pg-folder nats-pid nats-folder`.
fn parent_of(test: &str, folder: &str) -> (Child, Vec<String>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(ROLE, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.map_while(Result::ok).find_map(|line| Some(line.split_once("started ")?.1.to_owned()));
    let started = line.expect("the parent says what it started").split(' ').map(str::to_owned).collect();
    assert!(child.try_wait().unwrap().is_none());
    (child, started)
}

/// The parent: starts both servers, says so, and waits to be killed.
async fn play_parent(folder: &str) {
    let (postgres, nats) = match folder {
        "" => (PostgresOptions::throw_away(), NatsOptions::throw_away()),
        folder => {
            let folder = PathBuf::from(folder);
            (PostgresOptions::durable(folder.join("pg")), NatsOptions::durable(folder.join("nats")))
        }
    };
    let postgres = Postgres::start(postgres).await.unwrap();
    let nats = Nats::start(nats).await.unwrap();
    println!(
        "started {} {} {} {}",
        postgres.pid().await.unwrap(),
        postgres.folder().display(),
        nats.pid().await.unwrap(),
        nats.folder().display()
    );
    std::future::pending::<()>().await;
}

fn kill_9(child: &mut Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test]
async fn a_killed_parent_leaves_neither_processes_nor_throw_away_folders() {
    if let Ok(folder) = std::env::var(ROLE) {
        return play_parent(&folder).await;
    }
    let (mut parent, started) =
        parent_of("orphans::a_killed_parent_leaves_neither_processes_nor_throw_away_folders", "");
    let (postgres, nats) = (started[0].parse().unwrap(), started[2].parse().unwrap());
    assert!(runs(postgres) && runs(nats));
    kill_9(&mut parent);
    eventually("servers and folders gone", || {
        let folders = [&started[1], &started[3]].map(Path::new);
        !runs(postgres) && !runs(nats) && !folders.iter().any(|f| f.exists() || working_below(f) > 0)
    })
    .await;
}

#[tokio::test]
async fn servers_of_a_killed_parent_are_started_again_on_their_folders_at_once() {
    if let Ok(folder) = std::env::var(ROLE) {
        return play_parent(&folder).await;
    }
    let scratch = Scratch::new("again");
    let name = "orphans::servers_of_a_killed_parent_are_started_again_on_their_folders_at_once";
    let (mut parent, _) = parent_of(name, scratch.0.to_str().unwrap());
    kill_9(&mut parent);
    // No waiting: the old servers may still run, or be half way down.
    let postgres = Postgres::start(PostgresOptions::durable(scratch.0.join("pg"))).await.unwrap();
    let nats = Nats::start(NatsOptions::durable(scratch.0.join("nats"))).await.unwrap();
    PgConnection::connect(&postgres.admin_url()).await.unwrap().close().await.unwrap();
    crate::connect(&nats).await;
    postgres.stop().await.unwrap();
    nats.stop().await.unwrap();
    eventually("nobody works there", || working_below(&scratch.0) == 0).await;
}

#[tokio::test]
async fn servers_whose_guard_is_killed_too_do_not_survive() {
    if let Ok(folder) = std::env::var(ROLE) {
        return play_parent(&folder).await;
    }
    let (mut parent, started) = parent_of("orphans::servers_whose_guard_is_killed_too_do_not_survive", "");
    let servers = [started[0].parse::<u32>().unwrap(), started[2].parse().unwrap()];
    for server in servers {
        let stat = std::fs::read_to_string(format!("/proc/{server}/stat")).unwrap();
        let guard = stat.rsplit_once(") ").unwrap().1.split(' ').nth(1).unwrap().to_owned();
        assert!(Command::new("kill").args(["-9", &guard]).status().unwrap().success());
    }
    eventually("servers gone", || !servers.iter().any(|server| runs(*server))).await;
    kill_9(&mut parent);
    eventually("folders gone", || ![&started[1], &started[3]].map(Path::new).iter().any(|folder| folder.exists()))
        .await;
}
