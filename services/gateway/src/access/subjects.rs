//! Whose token it is, for the limits. The services check every token themselves; here the answer is kept for a while.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use service::Verifier;
use sha2::{Digest, Sha256};

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

    /// The subject of a token that is good, or nothing.
    pub(crate) async fn of(&self, token: &str) -> Option<Arc<str>> {
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        if let Some(subject) = self.known.get(&digest).await {
            return Some(subject);
        }
        let subject: Arc<str> = self.verifier.verify(token).await.ok()?.id.into();
        self.known.insert(digest, Arc::clone(&subject)).await;
        Some(subject)
    }
}
