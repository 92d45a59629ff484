//! Random secrets and the digests that are stored in their place. The only source of randomness in this service.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// What every API key begins with.
pub(crate) const API_KEY_PREFIX: &str = "sf_";
/// What every refresh token begins with.
pub(crate) const REFRESH_PREFIX: &str = "sfr_";
/// Letters and digits that nobody mistakes for one another.
const READABLE: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// 256 random bits.
pub(crate) fn random_bytes() -> [u8; 32] {
    rand::random()
}

/// An opaque token of 256 random bits behind a recognisable prefix.
pub(crate) fn random_token(prefix: &str) -> String {
    format!("{prefix}{}", URL_SAFE_NO_PAD.encode(random_bytes()))
}

/// A password of 20 characters (100 bits) that can be read aloud and typed.
pub(crate) fn one_time_password() -> String {
    let bytes: [u8; 20] = rand::random();
    let characters = bytes.iter().map(|byte| char::from(READABLE[usize::from(byte % 32)])).collect::<Vec<_>>();
    characters.chunks(5).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-")
}

/// SHA-256.
pub(crate) fn digest(data: &[u8]) -> [u8; 32] {
    Sha256::digest(data).into()
}

/// Base64url without padding.
pub(crate) fn base64url(data: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_long_and_never_the_same() {
        let (one, other) = (random_token(API_KEY_PREFIX), random_token(API_KEY_PREFIX));
        assert_ne!(one, other);
        assert_eq!(one.len(), 3 + 43);
        assert_ne!(one_time_password(), one_time_password());
        assert_eq!(one_time_password().len(), 23);
    }
}
