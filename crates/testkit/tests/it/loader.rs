//! Reads that queue share a statement, and each gets its own answer.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use messaging::Wake;
use service::{Db, Loader, status};
use sqlx::PgConnection;
use tokio::{sync::Semaphore, task::JoinSet};
use tonic::{Code, Status};

/// Doubles even keys and knows no odd ones. A key of 0 fails the batch, 100 panics.
struct Doubling {
    loader: Loader<i64, i64>,
    /// Reads that began, with their keys.
    begun: Arc<Mutex<Vec<Vec<i64>>>>,
    /// How many may end.
    gate: Arc<Semaphore>,
}

async fn double(conn: &mut PgConnection, keys: Vec<i64>) -> Result<HashMap<i64, i64>, Status> {
    assert!(!keys.contains(&100), "asked to panic");
    if keys.contains(&0) {
        return Err(status::unavailable("asked to fail"));
    }
    let found: Vec<(i64, i64)> = sqlx::query_as("select k, 2 * k from unnest($1::int8[]) as k where k % 2 = 0")
        .bind(keys)
        .fetch_all(conn)
        .await
        .unwrap();
    Ok(found.into_iter().collect())
}

impl Doubling {
    async fn start(open: usize) -> Arc<Self> {
        let db = Db::new(testkit::empty_database().await.pool, Wake::default());
        let (begun, gate) = (Arc::new(Mutex::default()), Arc::new(Semaphore::new(open)));
        let (reads, doors): (Arc<Mutex<Vec<Vec<i64>>>>, _) = (Arc::clone(&begun), Arc::clone(&gate));
        let loader = Loader::new(&db, move |conn, keys: Vec<i64>| {
            let (reads, doors) = (Arc::clone(&reads), Arc::clone(&doors));
            Box::pin(async move {
                reads.lock().unwrap().push(keys.clone());
                doors.acquire().await.unwrap().forget();
                double(conn, keys).await
            })
        });
        Arc::new(Self { loader, begun, gate })
    }

    fn ask(self: &Arc<Self>, reads: &mut JoinSet<(i64, Result<Option<i64>, Status>)>, key: i64) {
        let this = Arc::clone(self);
        reads.spawn(async move { (key, this.loader.get(key).await) });
    }

    async fn until_begun(&self, count: usize) {
        while self.begun.lock().unwrap().len() < count {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn reads_that_queue_while_others_run_are_one_statement() {
    let doubling = Doubling::start(0).await;
    let mut reads = JoinSet::new();
    doubling.ask(&mut reads, 2);
    doubling.until_begun(1).await;
    doubling.ask(&mut reads, 4);
    doubling.until_begun(2).await;
    for key in (0..60).map(|n| 10 + n % 20) {
        doubling.ask(&mut reads, key);
    }
    // All of them run up to where they wait before this goes on.
    tokio::task::yield_now().await;
    doubling.gate.add_permits(3);
    let mut answers = 0;
    while let Some(read) = reads.join_next().await {
        let (key, value) = read.unwrap();
        assert_eq!(value.unwrap(), (key % 2 == 0).then_some(2 * key));
        answers += 1;
    }
    assert_eq!(answers, 62);
    let begun = doubling.begun.lock().unwrap().iter().map(Vec::len).collect::<Vec<_>>();
    assert_eq!(begun, [1, 1, 20], "each key once, however many ask");
}

#[tokio::test]
async fn more_keys_than_a_statement_takes_are_all_answered() {
    let doubling = Doubling::start(1_000).await;
    let mut reads = JoinSet::new();
    (1_000..3_000).for_each(|key| doubling.ask(&mut reads, key));
    for (key, value) in reads.join_all().await {
        assert_eq!(value.unwrap(), (key % 2 == 0).then_some(2 * key));
    }
    assert!(doubling.begun.lock().unwrap().iter().all(|keys| keys.len() <= 256));
}

#[tokio::test]
async fn a_read_that_fails_or_panics_is_told_and_the_next_one_works() {
    let doubling = Doubling::start(1_000).await;
    for _ in 0..3 {
        assert_eq!(doubling.loader.get(0).await.unwrap_err().code(), Code::Unavailable);
        assert_eq!(doubling.loader.get(100).await.unwrap_err().code(), Code::Unavailable);
        assert_eq!(doubling.loader.get(6).await.unwrap(), Some(12));
        assert_eq!(doubling.loader.get(7).await.unwrap(), None);
    }
}
