//! Postgres.

use backing::{Postgres, PostgresOptions};
use sqlx::{Connection, PgConnection};

use crate::{Scratch, runs};

async fn number(url: &str, sql: &'static str) -> i64 {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let number = sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    number
}

async fn execute(url: &str, sql: &'static str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
}

#[tokio::test]
async fn a_throw_away_server_answers_at_once_and_leaves_nothing() {
    let postgres = Postgres::start(PostgresOptions::throw_away()).await.unwrap();
    assert_eq!(number(&postgres.admin_url(), "select 41::int8 + 1").await, 42);
    let (folder, pid) = (postgres.folder().to_owned(), postgres.pid().await.unwrap());
    assert!(folder.exists() && runs(pid));
    postgres.stop().await.unwrap();
    assert!(!folder.exists() && !runs(pid));
    assert!(!postgres.is_alive().await);
}

#[tokio::test]
async fn a_dropped_server_ends_by_itself() {
    let postgres = Postgres::start(PostgresOptions::throw_away()).await.unwrap();
    let (folder, pid) = (postgres.folder().to_owned(), postgres.pid().await.unwrap());
    drop(postgres);
    crate::eventually("gone", || !runs(pid) && !folder.exists()).await;
}

#[tokio::test]
async fn a_wrong_password_is_refused() {
    let postgres = Postgres::start(PostgresOptions::throw_away()).await.unwrap();
    assert!(PgConnection::connect(&postgres.url_as("postgres", "guess", "postgres")).await.is_err());
}

#[tokio::test]
async fn what_was_committed_survives_kill_9_and_a_restart_on_the_same_port() {
    let scratch = Scratch::new("pg-kill");
    let postgres = Postgres::start(PostgresOptions::durable(&scratch.0)).await.unwrap();
    let url = postgres.admin_url();
    execute(&url, "create table kept (n int8); insert into kept values (7)").await;
    let pid = postgres.pid().await.unwrap();
    postgres.kill().await.unwrap();
    assert!(!runs(pid) && !postgres.is_alive().await);
    postgres.restart().await.unwrap();
    assert_eq!(number(&url, "select sum(n)::int8 from kept").await, 7);
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn a_folder_keeps_its_data_and_settings_apply() {
    let scratch = Scratch::new("pg-keep");
    let first = Postgres::start(PostgresOptions::durable(&scratch.0)).await.unwrap();
    execute(&first.admin_url(), "create table kept (n int8); insert into kept values (7)").await;
    first.stop().await.unwrap();
    drop(first);
    let second = Postgres::start(PostgresOptions::durable(&scratch.0).set("max_connections", 33)).await.unwrap();
    assert_eq!(number(&second.admin_url(), "select n from kept").await, 7);
    assert_eq!(number(&second.admin_url(), "select current_setting('max_connections')::int8").await, 33);
    let safe = "select count(*) from pg_settings where name in ('fsync', 'full_page_writes', 'synchronous_commit') and setting = 'on'";
    assert_eq!(number(&second.admin_url(), safe).await, 3);
    second.stop().await.unwrap();
}

#[tokio::test]
async fn two_servers_never_share_a_folder() {
    let scratch = Scratch::new("pg-shared");
    let first = Postgres::start(PostgresOptions::durable(&scratch.0)).await.unwrap();
    let refused = Postgres::start(PostgresOptions::durable(&scratch.0)).await.err().unwrap().to_string();
    assert!(refused.contains(&format!("in use by process {}", std::process::id())), "{refused}");
    assert_eq!(number(&first.admin_url(), "select 1::int8").await, 1);
    first.stop().await.unwrap();
}

#[tokio::test]
async fn a_stale_pid_file_that_names_a_living_stranger_does_not_stop_a_start() {
    let scratch = Scratch::new("pg-stale");
    let first = Postgres::start(PostgresOptions::durable(&scratch.0)).await.unwrap();
    first.kill().await.unwrap();
    let file = scratch.0.join("data/postmaster.pid");
    let stale = std::fs::read_to_string(&file).unwrap();
    let rest = stale.split_once('\n').unwrap().1.to_owned();
    std::fs::write(&file, format!("{}\n{rest}", std::process::id())).unwrap();
    drop(first);
    let second = Postgres::start(PostgresOptions::durable(&scratch.0)).await.unwrap();
    assert_eq!(number(&second.admin_url(), "select 1::int8").await, 1);
    second.stop().await.unwrap();
}

#[tokio::test]
async fn a_setting_postgres_refuses_is_said_with_its_own_words() {
    let error =
        Postgres::start(PostgresOptions::throw_away().set("no_such_setting", 1)).await.err().unwrap().to_string();
    assert!(error.contains("no_such_setting"), "{error}");
}
