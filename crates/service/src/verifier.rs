//! Checks tokens, and remembers the good ones.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{Duration, Instant},
};

use anyhow::bail;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use proto::identity::v1::{GetJwksRequest, auth_service_client::AuthServiceClient};
use time::OffsetDateTime;
use tonic::{Status, transport::Endpoint};

use crate::{
    auth::{Caller, CallerKind, Claims, ISSUER},
    status,
};

/// Longest token that is looked at.
const LONGEST_TOKEN: usize = 16 * 1024;
/// Tokens remembered at most; then the memory starts anew.
const MOST_GOOD: usize = 10_000;
/// Seconds a clock may differ.
const LEEWAY: i64 = 5;

/// Who a good token speaks for, until when, and what signed it (`None`: the shared secret).
struct Good {
    caller: Arc<Caller>,
    exp: i64,
    kid: Option<String>,
}

/// Checks tokens.
#[derive(Clone)]
pub struct Verifier {
    inner: Arc<VerifierInner>,
}

struct VerifierInner {
    keys: RwLock<HashMap<String, DecodingKey>>,
    /// Tokens found good, so that a signature is checked once and not with every call. A shop's token comes back
    /// thousands of times a second.
    good: Mutex<HashMap<String, Good>>,
    secret: DecodingKey,
    identity_url: Option<String>,
    /// When identity was last asked for its keys, and whether it answered.
    asked: tokio::sync::Mutex<Option<(Instant, bool)>>,
}

impl Verifier {
    /// Takes the keys from identity at `identity_url` when they are first needed, and again when an unknown one is met.
    #[must_use]
    pub fn new(identity_url: &str, internal_secret: &str) -> Self {
        Self::build(HashMap::new(), internal_secret, Some(identity_url.to_owned()))
    }

    /// Knows one key only. For tests.
    #[must_use]
    pub fn fixed(kid: &str, key: DecodingKey, internal_secret: &str) -> Self {
        Self::build(HashMap::from([(kid.to_owned(), key)]), internal_secret, None)
    }

    fn build(keys: HashMap<String, DecodingKey>, internal_secret: &str, identity_url: Option<String>) -> Self {
        let secret = DecodingKey::from_secret(internal_secret.as_bytes());
        let inner = VerifierInner {
            keys: RwLock::new(keys),
            good: Mutex::default(),
            secret,
            identity_url,
            asked: tokio::sync::Mutex::new(None),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Who sent this token.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` with reason `BAD_TOKEN` or `TOKEN_EXPIRED`; `UNAVAILABLE` when the keys cannot be had.
    pub async fn verify(&self, token: &str) -> Result<Arc<Caller>, Status> {
        if let Some(caller) = self.remembered(token) {
            return Ok(caller);
        }
        let good = self.check(token).await?;
        let caller = Arc::clone(&good.caller);
        let mut memory = self.inner.good.lock().unwrap_or_else(PoisonError::into_inner);
        if memory.len() >= MOST_GOOD {
            memory.clear();
        }
        memory.insert(token.to_owned(), good);
        Ok(caller)
    }

    /// The caller of a token seen before, while it lasts and its key is still published.
    fn remembered(&self, token: &str) -> Option<Arc<Caller>> {
        let memory = self.inner.good.lock().unwrap_or_else(PoisonError::into_inner);
        let good = memory.get(token)?;
        let lasts = OffsetDateTime::now_utc().unix_timestamp() < good.exp.saturating_add(LEEWAY);
        (lasts && good.kid.as_ref().is_none_or(|kid| self.publishes(kid))).then(|| Arc::clone(&good.caller))
    }

    async fn check(&self, token: &str) -> Result<Good, Status> {
        let bad = || status::unauthenticated("BAD_TOKEN", "the token is not valid");
        if token.len() > LONGEST_TOKEN {
            return Err(bad());
        }
        let header = decode_header(token).map_err(|_| bad())?;
        let (key, kid, algorithm) = match header.alg {
            Algorithm::HS256 => (self.inner.secret.clone(), None, Algorithm::HS256),
            Algorithm::EdDSA => {
                let kid = header.kid.ok_or_else(bad)?;
                (self.key(&kid).await?.ok_or_else(bad)?, Some(kid), Algorithm::EdDSA)
            }
            _ => return Err(bad()),
        };
        let mut validation = Validation::new(algorithm);
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["exp", "iss", "sub"]);
        validation.leeway = LEEWAY.unsigned_abs();
        validation.validate_aud = false;
        let claims = decode::<Claims>(token, &key, &validation)
            .map_err(|error| match error.kind() {
                jsonwebtoken::errors::ErrorKind::ExpiredSignature => {
                    status::unauthenticated("TOKEN_EXPIRED", "the token has expired")
                }
                _ => bad(),
            })?
            .claims;
        // The shared secret speaks for services only, and identity's keys never do.
        if (claims.kind == CallerKind::Service) != (algorithm == Algorithm::HS256) {
            return Err(bad());
        }
        let exp = claims.exp;
        Ok(Good { caller: Arc::new(claims.into()), exp, kid })
    }

    async fn key(&self, kid: &str) -> Result<Option<DecodingKey>, Status> {
        if let Some(key) = self.known(kid) {
            return Ok(Some(key));
        }
        let Some(url) = &self.inner.identity_url else { return Ok(None) };
        // One asks, the others wait for its answer: many calls arrive with the first token of a new key.
        let mut asked = self.inner.asked.lock().await;
        if let Some(key) = self.known(kid) {
            return Ok(Some(key));
        }
        let away = || status::unavailable("tokens cannot be checked now: identity is away");
        // At most one question a second, so that made-up key ids do not become a load on identity.
        match *asked {
            Some((at, true)) if at.elapsed() < Duration::from_secs(1) => return Ok(None),
            Some((at, false)) if at.elapsed() < Duration::from_millis(200) => return Err(away()),
            _ => {}
        }
        let fetched = tokio::time::timeout(Duration::from_secs(3), fetch_keys(url)).await;
        let fetched = fetched.unwrap_or_else(|_| Err(anyhow::anyhow!("identity did not answer in time")));
        *asked = Some((Instant::now(), fetched.is_ok()));
        match fetched {
            Ok(keys) => *self.inner.keys.write().unwrap_or_else(PoisonError::into_inner) = keys,
            Err(error) => {
                tracing::warn!(error = format!("{error:#}"), "cannot get identity's keys");
                return Err(away());
            }
        }
        Ok(self.known(kid))
    }

    fn publishes(&self, kid: &str) -> bool {
        self.inner.keys.read().unwrap_or_else(PoisonError::into_inner).contains_key(kid)
    }

    fn known(&self, kid: &str) -> Option<DecodingKey> {
        self.inner.keys.read().unwrap_or_else(PoisonError::into_inner).get(kid).cloned()
    }
}

async fn fetch_keys(url: &str) -> anyhow::Result<HashMap<String, DecodingKey>> {
    let channel = Endpoint::new(url.to_owned())?.connect_timeout(Duration::from_secs(2)).connect().await?;
    let answer = AuthServiceClient::new(channel).get_jwks(GetJwksRequest {}).await?.into_inner();
    let mut keys = HashMap::new();
    for jwk in answer.keys {
        if jwk.kty != "OKP" || jwk.crv != "Ed25519" {
            bail!("identity published a key of an unknown kind {} {}", jwk.kty, jwk.crv);
        }
        keys.insert(jwk.kid, DecodingKey::from_ed_components(&jwk.x)?);
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::InternalTokens;

    #[tokio::test]
    async fn a_service_token_is_good_for_services_with_the_same_secret_only() {
        let now = OffsetDateTime::now_utc();
        let token = InternalTokens::new("orders", "secret").token(&["crm.contact.resolve"], now).unwrap();
        let key = DecodingKey::from_secret(b"unused");
        let caller = Verifier::fixed("k", key.clone(), "secret").verify(&token).await.unwrap();
        assert_eq!(caller.id, "service:orders");
        assert!(caller.may("crm.contact.resolve") && !caller.may("crm.contact.read"));
        assert!(Verifier::fixed("k", key, "other").verify(&token).await.is_err());
    }

    #[tokio::test]
    async fn an_expired_token_is_told_apart_from_a_forged_one() {
        let before = OffsetDateTime::now_utc() - time::Duration::minutes(2);
        let token = InternalTokens::new("orders", "secret").token(&[], before).unwrap();
        let verifier = Verifier::fixed("k", DecodingKey::from_secret(b"unused"), "secret");
        assert!(format!("{:?}", verifier.verify(&token).await.unwrap_err()).contains("TOKEN_EXPIRED"));
        for forged in ["", "a.b.c", "eyJhbGciOiJub25lIn0.e30."] {
            assert_eq!(verifier.verify(forged).await.unwrap_err().code(), tonic::Code::Unauthenticated);
        }
    }

    #[tokio::test]
    async fn a_remembered_token_still_ends_and_still_needs_its_key() {
        let now = OffsetDateTime::now_utc();
        let token = InternalTokens::new("orders", "secret").token(&["crm.contact.resolve"], now).unwrap();
        let verifier = Verifier::fixed("k", DecodingKey::from_secret(b"unused"), "secret");
        let first = verifier.verify(&token).await.unwrap();
        assert!(Arc::ptr_eq(&first, &verifier.verify(&token).await.unwrap()));
        let change = |change: fn(&mut Good)| {
            let mut memory = verifier.inner.good.lock().unwrap();
            change(memory.get_mut(&token).unwrap());
        };
        change(|good| good.kid = Some("gone".to_owned()));
        assert!(verifier.remembered(&token).is_none());
        change(|good| good.kid = Some("k".to_owned()));
        assert!(verifier.remembered(&token).is_some());
        change(|good| good.exp -= 100);
        assert!(verifier.remembered(&token).is_none());
    }
}
