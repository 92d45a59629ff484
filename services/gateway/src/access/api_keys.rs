//! API keys exchanged for tokens at identity, and the tokens kept until shortly before they end.
//!
//! A key in use is exchanged again every quarter of a minute, beside the requests: one that was revoked stops working
//! then. While identity is away a key goes on working until its token ends. Only the SHA-256 of a key is kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use http::StatusCode;
use moka::future::Cache;
use proto::identity::v1::ExchangeApiKeyRequest;
use proto::identity::v1::auth_service_client::AuthServiceClient;
use service::Clock;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use tonic::metadata::{Ascii, MetadataValue};

use crate::backend::Backend;
use crate::problem::Problem;

/// A key in use is exchanged anew after this long.
const RENEW: time::Duration = time::Duration::seconds(15);
/// A key that was not asked for as long as this is exchanged anew before its next request goes on.
const STALE: time::Duration = time::Duration::seconds(30);
/// A token that ends this soon is not sent on any more.
const MARGIN: time::Duration = time::Duration::seconds(5);
/// Keys kept.
const KEYS: u64 = 10_000;
/// Longest time identity may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// The exchange.
#[derive(Clone)]
pub(crate) struct ApiKeys {
    identity: AuthServiceClient<Backend>,
    clock: Clock,
    tokens: Cache<[u8; 32], Arc<KeyToken>>,
}

/// A key's token.
#[derive(Debug)]
pub(crate) struct KeyToken {
    /// Id of the key.
    pub(crate) id: Arc<str>,
    /// For the `authorization` header.
    pub(crate) authorization: MetadataValue<Ascii>,
    ends: OffsetDateTime,
    /// When identity last said that the key is good, or could not be asked.
    asked: AtomicI64,
    renewing: AtomicBool,
}

impl ApiKeys {
    /// With identity behind `backend`.
    pub(crate) fn new(backend: Backend, clock: Clock) -> Self {
        let tokens = Cache::builder().max_capacity(KEYS).time_to_live(Duration::from_secs(3600)).build();
        Self { identity: AuthServiceClient::new(backend), clock, tokens }
    }

    /// The token of a key if it is at hand. Asks identity about the key now and then: beside the request, or first when
    /// nobody has asked for long.
    pub(crate) async fn cached(&self, key: &str) -> Option<Arc<KeyToken>> {
        let digest = digest(key);
        let token = self.tokens.get(&digest).await?;
        let now = self.clock.now();
        if token.ends - now <= MARGIN {
            self.tokens.invalidate(&digest).await;
            return None;
        }
        let age = time::Duration::seconds(now.unix_timestamp() - token.asked.load(Ordering::Acquire));
        if age < RENEW || token.renewing.swap(true, Ordering::AcqRel) {
            return Some(token);
        }
        let renewal = self.clone().renew(digest, key.to_owned(), Arc::clone(&token));
        if age < STALE {
            tokio::spawn(renewal);
            return Some(token);
        }
        // Spawned, so that it is brought to an end also when this request is broken off.
        tokio::spawn(renewal).await.ok();
        self.tokens.get(&digest).await
    }

    /// The token of a key; of many asking for one key at once, one goes to identity.
    pub(crate) async fn token(&self, key: &str) -> Result<Arc<KeyToken>, Problem> {
        let token = self.tokens.try_get_with(digest(key), self.exchange(key.to_owned())).await;
        token.map_err(|problem| Problem::clone(&problem))
    }

    async fn renew(self, digest: [u8; 32], key: String, old: Arc<KeyToken>) {
        match self.exchange(key).await {
            Ok(token) => self.tokens.insert(digest, token).await,
            Err(problem) if problem.status == StatusCode::UNAUTHORIZED => self.tokens.invalidate(&digest).await,
            Err(problem) => {
                tracing::warn!(
                    detail = problem.detail,
                    "identity does not renew a key's token; the old one is used on"
                );
                old.asked.store(self.clock.now().unix_timestamp(), Ordering::Release);
                old.renewing.store(false, Ordering::Release);
            }
        }
    }

    async fn exchange(&self, key: String) -> Result<Arc<KeyToken>, Problem> {
        let mut request = tonic::Request::new(ExchangeApiKeyRequest { api_key: key });
        request.set_timeout(PATIENCE);
        let mut identity = self.identity.clone();
        let answer = tokio::time::timeout(PATIENCE, identity.exchange_api_key(request)).await;
        let answer = match answer {
            Ok(Ok(answer)) => answer.into_inner(),
            Ok(Err(status)) => return Err(refusal(status)),
            Err(_) => return Err(away()),
        };
        let ends = answer.expires_at.as_ref().and_then(proto::from_timestamp);
        let authorization = format!("Bearer {}", answer.access_token).parse();
        let (Some(ends), Ok(authorization)) = (ends, authorization) else {
            tracing::error!("identity answered an exchange without a usable token");
            return Err(away());
        };
        let asked = AtomicI64::new(self.clock.now().unix_timestamp());
        let id = answer.api_key_id.into();
        Ok(Arc::new(KeyToken { id, authorization, ends, asked, renewing: AtomicBool::new(false) }))
    }
}

/// A malformed key is no different from an unknown one.
fn refusal(status: tonic::Status) -> Problem {
    match status.code() {
        tonic::Code::Unauthenticated | tonic::Code::InvalidArgument => {
            Problem::new(StatusCode::UNAUTHORIZED, "BAD_CREDENTIALS", "the API key is unknown, expired or revoked")
        }
        tonic::Code::ResourceExhausted => status.into(),
        _ => away(),
    }
}

fn away() -> Problem {
    let mut problem = Problem::overloaded("API keys cannot be checked now: identity is away");
    problem.reason = "UNAVAILABLE".to_owned();
    problem
}

fn digest(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}
