//! Reads by key that arrive while a statement runs are answered together by the next one: under load a read shares its
//! connection, its round trip and its plan with others, alone it waits for nobody. (Known as a data loader, after
//! Facebook's DataLoader, 2015; here nothing is kept from one batch to the next.)

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures::future::BoxFuture;
use sqlx::PgConnection;
use tokio::sync::oneshot;
use tonic::Status;

use crate::{Db, status};

/// Statements of one loader that run at a time.
const RUNNERS: usize = 2;
/// Keys of a statement at most.
const MOST: usize = 256;

type Answer<V> = oneshot::Sender<Result<Option<V>, Status>>;
type Read<K, V> =
    dyn for<'c> Fn(&'c mut PgConnection, Vec<K>) -> BoxFuture<'c, Result<HashMap<K, V>, Status>> + Send + Sync;

/// Reads values by key. What is read is never older than the call that asks for it.
pub struct Loader<K, V>(Arc<Inner<K, V>>);

struct Inner<K, V> {
    db: Db,
    read: Box<Read<K, V>>,
    queue: Mutex<Queue<K, V>>,
}

struct Queue<K, V> {
    waiting: HashMap<K, Vec<Answer<V>>>,
    runners: usize,
}

impl<K, V> Loader<K, V>
where
    K: Clone + Eq + Hash + Send + 'static,
    V: Clone + Send + 'static,
{
    /// A loader that reads by `read`, which is given different keys and leaves out those it does not find.
    pub fn new<R>(db: &Db, read: R) -> Self
    where
        R: for<'c> Fn(&'c mut PgConnection, Vec<K>) -> BoxFuture<'c, Result<HashMap<K, V>, Status>>
            + Send
            + Sync
            + 'static,
    {
        let queue = Mutex::new(Queue { waiting: HashMap::new(), runners: 0 });
        Self(Arc::new(Inner { db: db.clone(), read: Box::new(read), queue }))
    }

    /// The value of a key; `None` when there is none.
    ///
    /// # Errors
    /// What the reading statement failed with, the same for all who shared it.
    pub async fn get(&self, key: K) -> Result<Option<V>, Status> {
        let broken_off = |_| Err(status::unavailable("the read was broken off"));
        self.ask(key).await.unwrap_or_else(broken_off)
    }

    fn ask(&self, key: K) -> oneshot::Receiver<Result<Option<V>, Status>> {
        let (answer, answered) = oneshot::channel();
        let mut queue = self.0.queue();
        queue.waiting.entry(key).or_default().push(answer);
        if queue.runners < RUNNERS {
            queue.runners += 1;
            tokio::spawn(Runner { inner: Arc::clone(&self.0), counted: true }.run());
        }
        answered
    }
}

impl<K, V> Inner<K, V> {
    fn queue(&self) -> MutexGuard<'_, Queue<K, V>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Answers whoever waits. Counted among the queue's runners while it runs.
struct Runner<K, V> {
    inner: Arc<Inner<K, V>>,
    counted: bool,
}

impl<K, V> Drop for Runner<K, V> {
    /// A runner that did not come to its end makes room for another.
    fn drop(&mut self) {
        if self.counted {
            self.inner.queue().runners -= 1;
        }
    }
}

impl<K: Clone + Eq + Hash, V: Clone> Runner<K, V> {
    async fn run(mut self) {
        while let Some(batch) = self.next() {
            let keys = batch.keys().cloned().collect();
            let mut found = match self.inner.db.acquire().await {
                Ok(mut conn) => (self.inner.read)(&mut conn, keys).await,
                Err(error) => Err(status::from_sqlx(error)),
            };
            for (key, mut answers) in batch {
                let value = found.as_mut().map(|found| found.remove(&key)).map_err(|error| error.clone());
                let last = answers.pop();
                for answer in answers {
                    drop(answer.send(value.clone()));
                }
                // Who no longer listens has run into its deadline.
                last.map(|answer| answer.send(value));
            }
        }
    }

    /// The next batch. When nobody waits the runner counts no more, so that whoever comes now begins a new one.
    fn next(&mut self) -> Option<HashMap<K, Vec<Answer<V>>>> {
        let mut queue = self.inner.queue();
        if queue.waiting.is_empty() {
            queue.runners -= 1;
            drop(queue);
            self.counted = false;
            return None;
        }
        if queue.waiting.len() <= MOST {
            return Some(std::mem::take(&mut queue.waiting));
        }
        let keys: Vec<K> = queue.waiting.keys().take(MOST).cloned().collect();
        Some(keys.iter().filter_map(|key| queue.waiting.remove_entry(key)).collect())
    }
}
