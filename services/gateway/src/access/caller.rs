//! Credentials of a request.

use std::net::IpAddr;
use std::sync::Arc;

use http::{HeaderMap, header};
use tonic::metadata::{Ascii, MetadataValue};

use crate::problem::Problem;

/// What API keys begin with.
const KEY_PREFIX: &str = "sf_";
/// Longest credential that is looked at.
const LONGEST: usize = 16 * 1024;

/// What limits are counted by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Client {
    /// An API key or employee whose credential was checked.
    Known(Arc<str>),
    /// Anybody else, by address.
    Address(IpAddr),
}

/// What a request brought.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Credential<'a> {
    /// Nothing.
    None,
    /// An API key.
    ApiKey(&'a str),
    /// A token.
    Token(&'a str),
}

/// Who calls, and what is sent on.
#[derive(Debug, Clone)]
pub(crate) struct Access {
    /// For the limits.
    pub(crate) client: Client,
    /// For the service.
    pub(crate) authorization: Option<MetadataValue<Ascii>>,
}

/// Reads `X-Api-Key` and `Authorization`.
pub(crate) fn credential(headers: &HeaderMap) -> Result<Credential<'_>, Problem> {
    let unreadable = |name: &str| {
        Problem::new(http::StatusCode::UNAUTHORIZED, "BAD_CREDENTIALS", format!("the header {name} cannot be read"))
    };
    if let Some(value) = headers.get("x-api-key") {
        let key = value.to_str().ok().filter(|key| key.len() <= LONGEST).ok_or_else(|| unreadable("x-api-key"))?;
        return Ok(Credential::ApiKey(key.trim()));
    }
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(Credential::None) };
    let value =
        value.to_str().ok().filter(|value| value.len() <= LONGEST).ok_or_else(|| unreadable("authorization"))?;
    let token = match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => return Err(unreadable("authorization")),
    };
    Ok(if token.starts_with(KEY_PREFIX) { Credential::ApiKey(token) } else { Credential::Token(token) })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn keys_and_tokens_are_told_apart() {
        let read = |name: &'static str, value: &'static str| {
            let headers =
                HeaderMap::from_iter([(header::HeaderName::from_static(name), HeaderValue::from_static(value))]);
            match credential(&headers) {
                Ok(Credential::None) => "none".to_owned(),
                Ok(Credential::ApiKey(key)) => format!("key {key}"),
                Ok(Credential::Token(token)) => format!("token {token}"),
                Err(problem) => problem.status.as_u16().to_string(),
            }
        };
        assert_eq!(read("x-api-key", "sf_1"), "key sf_1");
        assert_eq!(read("authorization", "Bearer sf_1"), "key sf_1");
        assert_eq!(read("authorization", "bearer a.b.c"), "token a.b.c");
        assert_eq!(read("authorization", "Basic YTpi"), "401");
        assert_eq!(read("accept", "*/*"), "none");
    }
}
