//! Whose token it is, for the limits. The services check every token themselves; here the answer is kept for a minute,
//! which is never longer than the services would: they look at the token's end at each call.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use service::Verifier;
use sha2::{Digest, Sha256};
use tonic::Status;

/// Subjects by the SHA-256 of their tokens.
#[derive(Clone)]
pub(crate) struct Subjects {
    verifier: Verifier,
    known: Cache<[u8; 32], Arc<str>>,
}

impl Subjects {
    /// Checked by `verifier`.
    pub(crate) fn new(verifier: Verifier) -> Self {
        let known = Cache::builder().max_capacity(10_000).time_to_live(Duration::from_secs(60)).build();
        Self { verifier, known }
    }

    /// The subject of a token that is good, or why it is not.
    pub(crate) async fn of(&self, token: &str) -> Result<Arc<str>, Status> {
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        if let Some(subject) = self.known.get(&digest).await {
            return Ok(subject);
        }
        let subject: Arc<str> = self.verifier.verify(token).await?.id.as_str().into();
        self.known.insert(digest, Arc::clone(&subject)).await;
        Ok(subject)
    }
}
