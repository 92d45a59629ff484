//! Connections that are kept for the next call are as good as new ones.

use std::time::Duration;

use messaging::Wake;
use service::Db;
use sqlx::PgConnection;

async fn db() -> Db {
    Db::new(testkit::empty_database().await.pool, Wake::default())
}

async fn number(conn: &mut PgConnection, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(conn).await.unwrap()
}

#[tokio::test]
async fn a_connection_at_rest_is_the_next_calls() {
    let db = db().await;
    let mut first = db.acquire().await.unwrap();
    let backend = number(&mut first, "select pg_backend_pid()::int8").await;
    drop(first);
    let mut tx = db.begin().await.unwrap();
    assert_eq!(number(&mut tx, "select pg_backend_pid()::int8").await, backend);
    tx.commit().await.unwrap();
    let mut again = db.acquire().await.unwrap();
    assert_eq!(number(&mut again, "select pg_backend_pid()::int8").await, backend);
}

#[tokio::test]
async fn a_transaction_that_is_dropped_is_rolled_back() {
    let db = db().await;
    let mut tx = db.begin().await.unwrap();
    sqlx::query("create table seen (n int8)").execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = db.begin().await.unwrap();
    sqlx::query("insert into seen values (1)").execute(&mut *tx).await.unwrap();
    drop(tx);
    for _ in 0..20 {
        let mut conn = db.acquire().await.unwrap();
        assert_eq!(number(&mut conn, "select count(*) from seen").await, 0);
    }
}

#[tokio::test]
async fn a_statement_that_was_broken_off_or_refused_answers_nobody_else() {
    let db = db().await;
    for round in 0..6 {
        let mut conn = db.acquire().await.unwrap();
        // Long enough that the answer cannot come before a busy machine looks at the clock.
        let statement = sqlx::query_scalar::<_, i64>("select 7::int8 from pg_sleep(1)").fetch_one(&mut *conn);
        assert!(tokio::time::timeout(Duration::from_millis(5), statement).await.is_err());
        drop(conn);
        let mut conn = db.acquire().await.unwrap();
        assert!(sqlx::query("select 1 / 0").execute(&mut *conn).await.is_err());
        drop(conn);
        let mut conn = db.acquire().await.unwrap();
        let asked: i64 = sqlx::query_scalar("select $1::int8").bind(round).fetch_one(&mut *conn).await.unwrap();
        assert_eq!(asked, round);
    }
}

#[tokio::test]
async fn calls_leave_connections_to_what_runs_beside_them() {
    let db = db().await;
    let most = db.pool().options().get_max_connections();
    let mut held = Vec::new();
    while let Ok(conn) = tokio::time::timeout(Duration::from_millis(500), db.acquire()).await {
        held.push(conn.unwrap());
    }
    assert!(held.len() < most as usize, "{} of {most}", held.len());
    let beside = db.pool().acquire().await.unwrap();
    drop(held);
    for _ in 0..100 {
        drop(db.acquire().await.unwrap());
    }
    drop(beside);
}
