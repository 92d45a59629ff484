//! One throw-away Postgres for all tests of a process, and a database of its own for each.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use backing::{Postgres, PostgresOptions};
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};
use tokio::sync::{Mutex, OnceCell};

static SERVER: OnceCell<Postgres> = OnceCell::const_new();
/// Templates that are ready, by name; each behind its own lock, so that two services migrate at the same time.
static TEMPLATES: Mutex<Option<HashMap<String, Arc<OnceCell<()>>>>> = Mutex::const_new(None);
static NEXT: AtomicU64 = AtomicU64::new(1);

/// The Postgres of this test process; ends with the process.
pub async fn postgres() -> &'static Postgres {
    crate::logs();
    let start = || async { Postgres::start(PostgresOptions::throw_away()).await.expect("a private Postgres starts") };
    SERVER.get_or_init(start).await
}

/// A database for one test.
#[derive(Clone, Debug)]
pub struct TestDatabase {
    /// Its address, as superuser.
    pub url: String,
    /// Connections to it.
    pub pool: PgPool,
}

/// A new database, migrated as `name` says: `migrate` runs once per name and process on a template, of which this is a copy.
///
/// The template is copied, so what `migrate` inserts is in every copy too.
pub async fn database(name: &str, migrate: impl AsyncFnOnce(&PgPool)) -> TestDatabase {
    let server = postgres().await;
    let template = format!("tpl_{name}");
    let ready = {
        let mut templates = TEMPLATES.lock().await;
        templates.get_or_insert_default().entry(template.clone()).or_default().clone()
    };
    ready
        .get_or_init(async || {
            administer(server, format!("create database {template}")).await;
            let pool = PgPoolOptions::new().max_connections(2).connect(&server.url(&template)).await;
            let pool = pool.expect("the template database answers");
            migrate(&pool).await;
            pool.close().await;
        })
        .await;
    let copy = format!("{name}_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    administer(server, format!("create database {copy} template {template} strategy file_copy")).await;
    let url = server.url(&copy);
    let pool = PgPoolOptions::new().max_connections(16).after_connect(|_, _| {
        Box::pin(async {
            service::nodelay::send_at_once();
            Ok(())
        })
    });
    let pool = pool.connect(&url).await.expect("the test database answers");
    TestDatabase { url, pool }
}

/// An empty database.
pub async fn empty_database() -> TestDatabase {
    database("empty", async |_| {}).await
}

async fn administer(server: &Postgres, statement: String) {
    let mut connection = PgConnection::connect(&server.admin_url()).await.expect("the private Postgres answers");
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.expect("the database is created");
    connection.close().await.expect("the connection closes");
}
