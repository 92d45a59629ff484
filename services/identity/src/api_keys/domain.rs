//! What a key is and when it works.

use time::OffsetDateTime;
use uuid::Uuid;

/// Characters of the key that are kept to recognise it by.
const PREFIX: usize = 11;

/// A key without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiKey {
    /// Id.
    pub(crate) id: Uuid,
    /// What it is for.
    pub(crate) name: String,
    /// First characters.
    pub(crate) prefix: String,
    /// Sales channel, may be empty.
    pub(crate) channel: String,
    /// When made.
    pub(crate) created_at: OffsetDateTime,
    /// When it ends.
    pub(crate) expires_at: Option<OffsetDateTime>,
    /// When it was ended.
    pub(crate) revoked_at: Option<OffsetDateTime>,
    /// When last exchanged.
    pub(crate) last_used_at: Option<OffsetDateTime>,
    /// Role codes, sorted.
    pub(crate) roles: Vec<String>,
}

impl ApiKey {
    /// True while the key may be exchanged.
    pub(crate) fn works(&self, now: OffsetDateTime) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

/// The part of a key that is kept.
pub(crate) fn prefix(secret: &str) -> String {
    secret.chars().take(PREFIX).collect()
}

/// True for channel codes: up to 40 of `a-z 0-9 _ -`, or none.
pub(crate) fn is_channel(text: &str) -> bool {
    text.len() <= 40
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-'))
}
