//! Argon2id, on few threads and with a bound on who waits.

use std::sync::Arc;
use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::Error;
use crate::secret;

/// How long a password waits for a worker.
const PATIENCE: Duration = Duration::from_secs(3);

/// Hashes and verifies passwords.
#[derive(Clone)]
pub(crate) struct Passwords {
    workers: Arc<Semaphore>,
    /// Verified when the login is unknown, so that it takes as long.
    decoy: Arc<str>,
}

impl Passwords {
    /// With so many workers.
    pub(crate) fn new(workers: u16) -> anyhow::Result<Self> {
        let decoy = hash(&secret::one_time_password())?;
        Ok(Self { workers: Arc::new(Semaphore::new(usize::from(workers))), decoy: decoy.into() })
    }

    /// The PHC string of a password.
    pub(crate) async fn hash(&self, password: String) -> Result<String, Error> {
        let permit = self.worker().await?;
        let work = move || {
            let _permit = permit;
            hash(&password)
        };
        Ok(tokio::task::spawn_blocking(work).await.map_err(anyhow::Error::from)??)
    }

    /// True when the password belongs to the PHC string. Takes as long without one, and is false.
    pub(crate) async fn verify(&self, password: String, expected: Option<String>) -> Result<bool, Error> {
        let permit = self.worker().await?;
        let known = expected.is_some();
        let expected = expected.unwrap_or_else(|| self.decoy.to_string());
        let work = move || {
            let _permit = permit;
            verify(&password, &expected)
        };
        let fits = tokio::task::spawn_blocking(work).await.map_err(anyhow::Error::from)??;
        Ok(fits && known)
    }

    async fn worker(&self) -> Result<OwnedSemaphorePermit, Error> {
        let permit = tokio::time::timeout(PATIENCE, Arc::clone(&self.workers).acquire_owned()).await;
        permit.map_err(|_| Error::Busy)?.map_err(|_| Error::Busy)
    }
}

/// The PHC string of a password.
pub(crate) fn hash(password: &str) -> anyhow::Result<String> {
    let salt = &secret::random_bytes()[..16];
    let hash = Argon2::default()
        .hash_password_with_salt(password.as_bytes(), salt)
        .map_err(|error| anyhow::anyhow!("hashing a password: {error}"))?;
    Ok(hash.to_string())
}

fn verify(password: &str, expected: &str) -> anyhow::Result<bool> {
    let hash = PasswordHash::new(expected).map_err(|error| anyhow::anyhow!("reading a password hash: {error}"))?;
    Ok(Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}
