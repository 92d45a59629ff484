//! The database of one service.
//!
//! sqlx asks every connection that comes back to its pool whether it still lives: a task and a round trip to the server
//! for each use. So a few connections that come back at rest are kept here for the next call, and only those that are not
//! at rest, or have been here for a while, go through the pool.

use std::{
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use futures::FutureExt as _;
use messaging::Wake;
use sqlx::{Connection as _, PgConnection, PgPool, Postgres, pool::PoolConnection, postgres::PgTransactionManager};
use sqlx_core::transaction::TransactionManager as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A connection that has been idle for longer is asked whether it still lives before it is used.
pub(crate) const PAUSE: Duration = Duration::from_secs(1);
/// A connection goes through the pool at least this often, which closes old ones.
const TERM: Duration = Duration::from_secs(60);
/// Connections kept at most.
const KEPT: usize = 4;

/// A pool of connections to the service's own database.
#[derive(Clone)]
pub struct Db {
    shelf: Arc<Shelf>,
    wake: Wake,
}

/// The pool, and connections at rest that the next call takes.
struct Shelf {
    pool: PgPool,
    /// How many calls may hold connections. A part of the pool is left to what runs beside the calls, which would
    /// otherwise wait for connections that lie here.
    turns: Arc<Semaphore>,
    kept: Mutex<Vec<Kept>>,
}

struct Kept {
    conn: PoolConnection<Postgres>,
    taken: Instant,
    since: Instant,
}

impl Db {
    /// A database whose commits call `wake`.
    #[must_use]
    pub fn new(pool: PgPool, wake: Wake) -> Self {
        let most = pool.options().get_max_connections();
        let turns = most.saturating_sub((most / 4).max(1)).max(1);
        let turns = Arc::new(Semaphore::new(turns as usize));
        Self { shelf: Arc::new(Shelf { pool, turns, kept: Mutex::default() }), wake }
    }

    /// Begins a transaction. Whoever begins it commits it.
    ///
    /// # Errors
    /// When no connection is to be had.
    pub async fn begin(&self) -> Result<Tx, sqlx::Error> {
        let mut conn = self.acquire().await?;
        PgTransactionManager::begin(&mut conn, None).await?;
        Ok(Tx { conn, wake: self.wake.clone() })
    }

    /// A connection for reading.
    ///
    /// # Errors
    /// When no connection is to be had.
    pub async fn acquire(&self) -> Result<Conn, sqlx::Error> {
        let turns = Arc::clone(&self.shelf.turns);
        let turn = match Arc::clone(&turns).try_acquire_owned() {
            Ok(turn) => turn,
            Err(_) => tokio::time::timeout(self.pool().options().get_acquire_timeout(), turns.acquire_owned())
                .await
                .map_err(|_| sqlx::Error::PoolTimedOut)?
                .map_err(|_| sqlx::Error::PoolClosed)?,
        };
        let (conn, taken) = match self.shelf.take() {
            Some(kept) => (kept.conn, kept.taken),
            None => (self.shelf.pool.acquire().await?, Instant::now()),
        };
        Ok(Conn { conn: Some(conn), taken, shelf: Arc::clone(&self.shelf), _turn: turn })
    }

    /// The pool itself, for what runs beside the RPCs.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        &self.shelf.pool
    }

    /// What calls the relay.
    #[must_use]
    pub fn wake(&self) -> &Wake {
        &self.wake
    }

    /// Gives connections that nobody wants back to the pool; says how many are still kept.
    pub(crate) fn tidy(&self) -> usize {
        let mut kept = self.shelf.kept();
        let tired = kept.extract_if(.., |kept| kept.since.elapsed() > PAUSE).collect::<Vec<_>>();
        let left = kept.len();
        drop(kept);
        give_back(tired);
        left
    }

    /// Closes all connections, once they are back.
    pub(crate) async fn close(&self) {
        let closed = self.shelf.pool.close();
        give_back(std::mem::take(&mut *self.shelf.kept()));
        closed.await;
    }
}

impl Shelf {
    fn kept(&self) -> std::sync::MutexGuard<'_, Vec<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection that was used last, unless that was long ago.
    fn take(&self) -> Option<Kept> {
        let kept = self.kept().pop()?;
        if kept.since.elapsed() <= PAUSE {
            return Some(kept);
        }
        give_back(vec![kept]);
        None
    }

    /// Keeps a connection that is at rest and still young; any other is dropped, which is the way through the pool.
    fn put(&self, mut conn: PoolConnection<Postgres>, taken: Instant) {
        if self.pool.is_closed() || taken.elapsed() > TERM || !at_rest(&mut conn) {
            return give_back(vec![Kept { conn, taken, since: taken }]);
        }
        let mut kept = self.kept();
        kept.push(Kept { conn, taken, since: Instant::now() });
        let over = (kept.len() > KEPT).then(|| kept.remove(0));
        drop(kept);
        give_back(over);
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        give_back(std::mem::take(&mut *self.kept()));
    }
}

/// The pool takes connections back in a task of its own; without a runtime, at the very end, they are just closed.
fn give_back(kept: impl IntoIterator<Item = Kept>) {
    for kept in kept {
        if tokio::runtime::Handle::try_current().is_err() {
            drop(kept.conn.leak());
        }
    }
}

/// Whether the server owes this connection nothing and it is within no transaction: no statement was broken off.
fn at_rest(conn: &mut PgConnection) -> bool {
    !conn.is_in_transaction() && !conn.should_flush() && matches!(conn.flush().now_or_never(), Some(Ok(())))
}

/// A connection, given back when dropped. Use `&mut conn` where a `&mut PgConnection` is wanted.
pub struct Conn {
    conn: Option<PoolConnection<Postgres>>,
    taken: Instant,
    shelf: Arc<Shelf>,
    _turn: OwnedSemaphorePermit,
}

impl Drop for Conn {
    fn drop(&mut self) {
        if let Some(conn) = self.conn.take() {
            self.shelf.put(conn, self.taken);
        }
    }
}

impl Deref for Conn {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        self.conn.as_ref().expect("it is here until it is dropped")
    }
}

impl DerefMut for Conn {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.conn.as_mut().expect("it is here until it is dropped")
    }
}

/// An open transaction; rolled back when dropped. Use `&mut tx` where a `&mut PgConnection` is wanted.
pub struct Tx {
    conn: Conn,
    wake: Wake,
}

impl Tx {
    /// Makes the changes durable and calls the relay to publish their events.
    ///
    /// # Errors
    /// Database errors; then nothing was changed, unless the connection broke during the commit itself.
    pub async fn commit(mut self) -> Result<(), sqlx::Error> {
        PgTransactionManager::commit(&mut self.conn).await?;
        self.wake.wake();
        Ok(())
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        // Does nothing after a commit.
        PgTransactionManager::start_rollback(&mut self.conn);
    }
}

impl Deref for Tx {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.conn
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.conn
    }
}
