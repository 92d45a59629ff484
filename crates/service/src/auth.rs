//! Who is calling, and whether they may: what a token says. [`Verifier`](crate::Verifier) checks tokens.
//!
//! Tokens are JWTs (RFC 7519). Those of people and API keys are signed by identity with Ed25519 (`EdDSA`, RFC 8037) and
//! checked against its published key set (RFC 7517). Services sign their own short-lived tokens for each other with a
//! shared secret (`HS256`), so that they can work while identity is away.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use tonic::Status;

use crate::status;

/// Issuer in every token.
pub const ISSUER: &str = "shopfloor";

/// Kind of caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallerKind {
    /// A person.
    Employee,
    /// A shop or partner with an API key.
    ApiKey,
    /// Another service of the suite.
    Service,
}

/// What a token says. Times are seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Always [`ISSUER`].
    pub iss: String,
    /// Id of the employee, API key or service.
    pub sub: String,
    /// Kind of caller.
    pub kind: CallerKind,
    /// Role codes.
    #[serde(default)]
    pub roles: Vec<String>,
    /// Permissions; `*` for all, `orders.*` and `orders.order.*` for all below.
    #[serde(default)]
    pub perms: Vec<String>,
    /// Sales channel an API key is bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Not valid after.
    pub exp: i64,
    /// Made at.
    pub iat: i64,
    /// Token id.
    #[serde(default)]
    pub jti: String,
}

/// Who is calling. In the extensions of every request that passed the layer and was not public.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Id of the employee, API key or service.
    pub id: String,
    /// Kind of caller.
    pub kind: CallerKind,
    /// Role codes.
    pub roles: Vec<String>,
    /// Permissions as in [`Claims::perms`].
    pub permissions: Vec<String>,
    /// Sales channel an API key is bound to; `None` for everybody else.
    pub channel: Option<String>,
}

impl Caller {
    /// Whether the caller holds a permission.
    #[must_use]
    pub fn may(&self, permission: &str) -> bool {
        self.permissions.iter().any(|held| covers(held, permission))
    }
}

impl From<Claims> for Caller {
    fn from(claims: Claims) -> Self {
        Self {
            id: claims.sub,
            kind: claims.kind,
            roles: claims.roles,
            permissions: claims.perms,
            channel: claims.channel,
        }
    }
}

/// Whether a held permission covers a needed one.
#[must_use]
pub fn covers(held: &str, needed: &str) -> bool {
    match held.strip_suffix('*') {
        Some("") => true,
        Some(prefix) => prefix.ends_with('.') && needed.starts_with(prefix),
        None => held == needed,
    }
}

/// The caller of a request.
///
/// # Errors
/// `UNAUTHENTICATED` when the RPC is public and no token was sent.
pub fn caller<T>(request: &tonic::Request<T>) -> Result<Caller, Status> {
    request
        .extensions()
        .get::<Arc<Caller>>()
        .map(|caller| Caller::clone(caller))
        .ok_or_else(|| status::unauthenticated("NO_TOKEN", "this call needs a token"))
}

/// Signs tokens for calls from one service to another.
#[derive(Clone)]
pub struct InternalTokens {
    service: &'static str,
    secret: Arc<str>,
}

impl InternalTokens {
    /// Signs with the suite's shared secret in the name of `service`.
    #[must_use]
    pub fn new(service: &'static str, secret: &str) -> Self {
        Self { service, secret: secret.into() }
    }

    /// A token good for one minute and the permissions given.
    ///
    /// # Errors
    /// When signing fails.
    pub fn token(&self, permissions: &[&str], now: OffsetDateTime) -> anyhow::Result<String> {
        let claims = Claims {
            iss: ISSUER.to_owned(),
            sub: format!("service:{}", self.service),
            kind: CallerKind::Service,
            roles: Vec::new(),
            perms: permissions.iter().map(|&permission| permission.to_owned()).collect(),
            channel: None,
            exp: now.unix_timestamp() + 60,
            iat: now.unix_timestamp(),
            jti: String::new(),
        };
        let key = EncodingKey::from_secret(self.secret.as_bytes());
        encode(&Header::new(Algorithm::HS256), &claims, &key).context("cannot sign an internal token")
    }

    /// A request with such a token and a deadline.
    ///
    /// # Errors
    /// When signing fails.
    pub fn request<T>(
        &self,
        message: T,
        permissions: &[&str],
        deadline: Duration,
        now: OffsetDateTime,
    ) -> anyhow::Result<tonic::Request<T>> {
        let mut request = tonic::Request::new(message);
        let token = self.token(permissions, now)?;
        request.metadata_mut().insert("authorization", format!("Bearer {token}").parse()?);
        let traceparent = messaging::trace::current_traceparent();
        if !traceparent.is_empty() {
            request.metadata_mut().insert("traceparent", traceparent.parse()?);
        }
        request.set_timeout(deadline);
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_cover_what_is_below_them_and_nothing_else() {
        assert!(covers("*", "orders.order.push"));
        assert!(covers("orders.*", "orders.order.push"));
        assert!(covers("orders.order.*", "orders.order.push"));
        assert!(covers("orders.order.push", "orders.order.push"));
        assert!(!covers("orders.order", "orders.order.push"));
        assert!(!covers("order*", "orders.order.push"));
        assert!(!covers("orders.order.pus*", "orders.order.push"));
        assert!(!covers("", "orders.order.push"));
    }
}
