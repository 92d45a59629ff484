//! The database of one service.

use std::ops::{Deref, DerefMut};

use messaging::Wake;
use sqlx::{PgConnection, PgPool, Postgres, Transaction, pool::PoolConnection};

/// A pool of connections to the service's own database.
#[derive(Clone)]
pub struct Db {
    pool: PgPool,
    wake: Wake,
}

impl Db {
    /// A database whose commits call `wake`.
    #[must_use]
    pub fn new(pool: PgPool, wake: Wake) -> Self {
        Self { pool, wake }
    }

    /// Begins a transaction. Whoever begins it commits it.
    ///
    /// # Errors
    /// When no connection is to be had.
    pub async fn begin(&self) -> Result<Tx, sqlx::Error> {
        Ok(Tx { inner: self.pool.begin().await?, wake: self.wake.clone() })
    }

    /// A connection for reading.
    ///
    /// # Errors
    /// When no connection is to be had.
    pub async fn acquire(&self) -> Result<PoolConnection<Postgres>, sqlx::Error> {
        self.pool.acquire().await
    }

    /// The pool itself, for what runs beside the RPCs.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// What calls the relay.
    #[must_use]
    pub fn wake(&self) -> &Wake {
        &self.wake
    }
}

/// An open transaction; rolled back when dropped. Use `&mut tx` where a `&mut PgConnection` is wanted.
pub struct Tx {
    inner: Transaction<'static, Postgres>,
    wake: Wake,
}

impl Tx {
    /// Makes the changes durable and calls the relay to publish their events.
    ///
    /// # Errors
    /// Database errors; then nothing was changed, unless the connection broke during the commit itself.
    pub async fn commit(self) -> Result<(), sqlx::Error> {
        self.inner.commit().await?;
        self.wake.wake();
        Ok(())
    }
}

impl Deref for Tx {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.inner
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.inner
    }
}
