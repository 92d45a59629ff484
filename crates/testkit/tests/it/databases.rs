//! Databases are cheap, migrated, and strangers to each other.

use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::PgPool;

static MIGRATIONS: AtomicU32 = AtomicU32::new(0);

async fn migrate(pool: &PgPool) {
    MIGRATIONS.fetch_add(1, Ordering::SeqCst);
    sqlx::raw_sql("create table seen (n int8); insert into seen values (1)").execute(pool).await.unwrap();
}

async fn rows(pool: &PgPool) -> i64 {
    sqlx::query_scalar("select count(*) from seen").fetch_one(pool).await.unwrap()
}

#[tokio::test]
async fn many_databases_at_once_are_migrated_once_and_do_not_see_each_other() {
    let databases = (0..4).map(|_| tokio::spawn(testkit::database("kit", async |pool| migrate(pool).await)));
    for database in databases.collect::<Vec<_>>() {
        let database = database.await.unwrap();
        assert_eq!(rows(&database.pool).await, 1);
        sqlx::query("insert into seen values (2)").execute(&database.pool).await.unwrap();
        assert_eq!(rows(&database.pool).await, 2);
    }
    assert_eq!(MIGRATIONS.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_empty_database_has_no_tables() {
    let database = testkit::empty_database().await;
    let tables: i64 = sqlx::query_scalar("select count(*) from pg_tables where schemaname = 'public'")
        .fetch_one(&database.pool)
        .await
        .unwrap();
    assert_eq!(tables, 0);
}

#[tokio::test]
async fn each_nats_is_another_server() {
    let (one, two) = tokio::join!(testkit::nats(), testkit::nats());
    assert_ne!(one.port(), two.port());
    assert!(one.is_alive().await && two.is_alive().await);
}
