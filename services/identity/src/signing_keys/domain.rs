//! Which key signs, which keys are published, and what a token looks like.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer, SigningKey};
use serde::Serialize;
use time::{Duration, OffsetDateTime};

/// The issuer every token names.
pub(crate) const ISSUER: &str = "shopfloor";
/// Longest a token can live, by the bounds in the settings; a retired key stays published that long.
pub(crate) const LONGEST_TOKEN: Duration = Duration::hours(1);

/// A key pair as stored.
#[derive(Clone)]
pub(crate) struct StoredKey {
    /// Key id.
    pub(crate) kid: String,
    /// Seed of the private key, 32 bytes.
    pub(crate) private_key: Vec<u8>,
    /// Public key, 32 bytes.
    pub(crate) public_key: Vec<u8>,
    /// When made.
    pub(crate) created_at: OffsetDateTime,
    /// From when tokens are signed with it.
    pub(crate) active_from: OffsetDateTime,
}

/// Claims of an access token, as the verifier in every service reads them.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Claims {
    /// Always `shopfloor`.
    pub(crate) iss: &'static str,
    /// Employee or API key.
    pub(crate) sub: String,
    /// `employee` or `api_key`.
    pub(crate) kind: &'static str,
    /// Role codes.
    pub(crate) roles: Vec<String>,
    /// Permissions.
    pub(crate) perms: Vec<String>,
    /// Sales channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) channel: Option<String>,
    /// Seconds since 1970.
    pub(crate) iat: i64,
    /// Seconds since 1970.
    pub(crate) exp: i64,
    /// Unique.
    pub(crate) jti: String,
}

/// The key that signs at `now`: the youngest already active.
pub(crate) fn signer(keys: &[StoredKey], now: OffsetDateTime) -> Option<&StoredKey> {
    keys.iter().filter(|key| key.active_from <= now).max_by_key(|key| (key.active_from, key.kid.clone()))
}

/// True when a new key is due: none yet, or the youngest is older than `age`.
pub(crate) fn rotation_due(keys: &[StoredKey], age: Duration, now: OffsetDateTime) -> bool {
    keys.iter().map(|key| key.created_at).max().is_none_or(|youngest| youngest + age <= now)
}

/// The keys nobody needs any more: a younger one has signed for longer than any token lives.
pub(crate) fn obsolete(keys: &[StoredKey], now: OffsetDateTime) -> Vec<String> {
    let Some(current) = signer(keys, now) else { return Vec::new() };
    if current.active_from + LONGEST_TOKEN > now {
        return Vec::new();
    }
    keys.iter().filter(|key| key.active_from < current.active_from).map(|key| key.kid.clone()).collect()
}

/// A signed JWT in compact form.
pub(crate) fn sign(key: &StoredKey, claims: &Claims) -> anyhow::Result<String> {
    let seed: [u8; 32] = key.private_key.as_slice().try_into()?;
    let header = serde_json::json!({"alg": "EdDSA", "typ": "JWT", "kid": key.kid});
    let header = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&header)?);
    let payload = URL_SAFE_NO_PAD.encode(serde_json::to_vec(claims)?);
    let message = format!("{header}.{payload}");
    let signature = SigningKey::from_bytes(&seed).sign(message.as_bytes());
    Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes())))
}

/// The public half of a seed.
pub(crate) fn public_key(seed: &[u8; 32]) -> [u8; 32] {
    SigningKey::from_bytes(seed).verifying_key().to_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(kid: &str, created: i64, active: i64) -> StoredKey {
        let at = |minutes| OffsetDateTime::UNIX_EPOCH + Duration::minutes(minutes);
        StoredKey {
            kid: kid.into(),
            private_key: vec![7; 32],
            public_key: public_key(&[7; 32]).to_vec(),
            created_at: at(created),
            active_from: at(active),
        }
    }

    fn at(minutes: i64) -> OffsetDateTime {
        OffsetDateTime::UNIX_EPOCH + Duration::minutes(minutes)
    }

    #[test]
    fn a_new_key_signs_only_after_its_grace_and_the_old_one_goes_an_hour_later() {
        let keys = [key("old", 0, 0), key("new", 100, 110)];
        assert_eq!(signer(&keys, at(109)).unwrap().kid, "old");
        assert_eq!(signer(&keys, at(110)).unwrap().kid, "new");
        assert!(obsolete(&keys, at(169)).is_empty());
        assert_eq!(obsolete(&keys, at(170)), ["old"]);
    }

    #[test]
    fn a_key_is_due_when_there_is_none_or_the_youngest_is_old() {
        assert!(rotation_due(&[], Duration::days(30), at(0)));
        assert!(!rotation_due(&[key("a", 0, 0)], Duration::minutes(10), at(9)));
        assert!(rotation_due(&[key("a", 0, 0)], Duration::minutes(10), at(10)));
    }
}
