#![doc = "Typed calls over the gateway's HTTP/JSON API; routes come from the descriptors."]

use std::collections::HashMap;
use std::sync::LazyLock;
use std::time::Duration;

use anyhow::{Context, anyhow};
use prost::Message;
use prost_reflect::{DynamicMessage, SerializeOptions};
use reqwest::StatusCode;
use serde_json::Value;

use super::methods::{self, Method, Route};
use super::session::Credentials;

/// How often a call that may be repeated is tried: all writes carry an idempotency key.
const ATTEMPTS: u32 = 8;

/// An answer that is not a success (RFC 9457).
#[derive(Debug, thiserror::Error)]
#[error("{method}: HTTP {status} {reason}: {said}")]
pub struct ApiError {
    /// RPC called.
    pub method: String,
    /// HTTP status.
    pub status: u16,
    /// Reason code of the problem, may be empty.
    pub reason: String,
    /// What is wrong, as a person reads it: the first fields only.
    pub said: String,
}

/// A client of one gateway.
#[derive(Clone)]
pub struct Api {
    http: reqwest::Client,
    base: String,
    credentials: Credentials,
    attempts: u32,
}

static METHODS: LazyLock<HashMap<String, Method>> =
    LazyLock::new(|| methods::all().into_iter().map(|m| (m.full_name(), m)).collect());

impl Api {
    /// A client of the gateway at `base`, for example `http://127.0.0.1:8080`.
    pub fn new(base: &str, credentials: Credentials) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(120))
            .pool_max_idle_per_host(32)
            .build()
            .context("the HTTP client cannot be made")?;
        Ok(Self { http, base: base.trim_end_matches('/').to_owned(), credentials, attempts: ATTEMPTS })
    }

    /// The same for somebody who waits at the keyboard: two attempts instead of eight.
    #[must_use]
    pub fn impatient(self) -> Self {
        Self { attempts: 2, ..self }
    }

    /// Address of the gateway.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Calls an RPC by its full name; repeated when the gateway is busy, away or broke off.
    pub async fn call<Q: Message, A: Message + Default>(&self, name: &str, request: &Q) -> anyhow::Result<A> {
        let method = METHODS.get(name).with_context(|| format!("there is no RPC `{name}`"))?;
        let route = method.route.as_ref().with_context(|| format!("`{name}` has no HTTP route"))?;
        let input = method.descriptor.input();
        let message = DynamicMessage::decode(input, request.encode_to_vec().as_slice())
            .with_context(|| format!("`{name}` takes another message"))?;
        let options = SerializeOptions::new().use_proto_field_name(true);
        let json = message.serialize_with_options(serde_json::value::Serializer, &options)?;
        let text = self.send(name, route, json).await?;
        let mut deserializer = serde_json::Deserializer::from_str(&text);
        let answer = DynamicMessage::deserialize(method.descriptor.output(), &mut deserializer)
            .with_context(|| format!("the answer of `{name}` cannot be read"))?;
        Ok(answer.transcode_to()?)
    }

    async fn send(&self, name: &str, route: &Route, json: Value) -> anyhow::Result<String> {
        let (path, rest) = fill(&route.path, json)?;
        let mut url = format!("{}{path}", self.base);
        let body = if route.body.is_empty() {
            let query = query(&rest);
            if !query.is_empty() {
                url = format!("{url}?{query}");
            }
            None
        } else {
            Some(serde_json::to_vec(&rest)?)
        };
        let verb = reqwest::Method::from_bytes(route.verb.as_bytes())?;
        let mut pause = Duration::from_millis(100);
        let mut renewed = false;
        for attempt in 1.. {
            let credential = self.credentials.header(&self.base).await?;
            let result = self.attempt(&verb, &url, body.clone(), credential.as_ref()).await;
            let (retry_after, failure) = match result {
                Ok((status, _, text)) if status.is_success() => return Ok(text),
                Ok((status, retry_after, text)) if is_passing(status) => {
                    (retry_after, problem(name, status, &text).into())
                }
                Ok((StatusCode::UNAUTHORIZED, _, text)) if !renewed => {
                    let refused = credential.map(|(_, value)| value).unwrap_or_default();
                    if !self.credentials.renewed(&self.base, &refused).await? {
                        return Err(problem(name, StatusCode::UNAUTHORIZED, &text).into());
                    }
                    renewed = true;
                    continue;
                }
                Ok((status, _, text)) => return Err(problem(name, status, &text).into()),
                Err(error) => (None, error.context(format!("{name}: the gateway at {} does not answer", self.base))),
            };
            if attempt >= self.attempts {
                return Err(failure);
            }
            tokio::time::sleep(retry_after.unwrap_or(pause).min(Duration::from_secs(10))).await;
            pause *= 2;
        }
        Err(anyhow!("{name}: not reached"))
    }

    async fn attempt(
        &self,
        verb: &reqwest::Method,
        url: &str,
        body: Option<Vec<u8>>,
        credential: Option<&(&'static str, String)>,
    ) -> anyhow::Result<(StatusCode, Option<Duration>, String)> {
        let mut request = self.http.request(verb.clone(), url);
        if let Some((name, value)) = credential {
            request = request.header(*name, value);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body);
        }
        let answer = request.send().await?;
        let status = answer.status();
        let seconds = answer.headers().get("retry-after").and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
        Ok((status, seconds.map(Duration::from_secs), answer.text().await?))
    }
}

fn is_passing(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
    )
}

fn problem(method: &str, status: StatusCode, text: &str) -> ApiError {
    let json: Value = serde_json::from_str(text).unwrap_or_default();
    let reason = json.get("reason").or_else(|| json.get("code")).and_then(Value::as_str).unwrap_or_default();
    let told = |value: &Value, field: &str| value.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut said = match told(&json, "detail") {
        detail if detail.is_empty() => text.chars().take(500).collect(),
        detail => detail,
    };
    let violations = json.get("violations").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    for violation in violations.iter().take(3) {
        said.push_str(&format!("\n  {}: {}", told(violation, "field"), told(violation, "description")));
    }
    if let Some(rest) = violations.len().checked_sub(3).filter(|rest| *rest > 0) {
        said.push_str(&format!("\n  and {rest} more"));
    }
    ApiError { method: method.to_owned(), status: status.as_u16(), reason: reason.to_owned(), said }
}

/// Puts path variables in and takes them out of the rest of the message.
fn fill(template: &str, json: Value) -> anyhow::Result<(String, Value)> {
    let mut json = json;
    let mut path = String::with_capacity(template.len() + 40);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').context("a route has an open brace")?;
        let fields = json.as_object_mut().context("a request is an object")?;
        let value = fields.remove(name).map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned));
        path.push_str(before);
        path.push_str(&percent(&value.with_context(|| format!("`{name}` is needed for the path and is empty"))?));
        rest = after;
    }
    path.push_str(rest);
    Ok((path, json))
}

/// Flattens a message into `a.b=c&…`.
fn query(json: &Value) -> String {
    fn add(prefix: &str, value: &Value, out: &mut Vec<String>) {
        match value {
            Value::Object(fields) => fields.iter().for_each(|(name, value)| {
                let name = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                add(&name, value, out);
            }),
            Value::Array(items) => items.iter().for_each(|item| add(prefix, item, out)),
            Value::String(text) => out.push(format!("{prefix}={}", percent(text))),
            other => out.push(format!("{prefix}={other}")),
        }
    }
    let mut out = Vec::new();
    add("", json, &mut out);
    out.join("&")
}

fn percent(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn path_variables_leave_the_body() {
        let (path, rest) = fill("/v1/orders/{order_id}:cancel", json!({"order_id": "a b", "reason": "x"})).unwrap();
        assert_eq!((path.as_str(), rest), ("/v1/orders/a%20b:cancel", json!({"reason": "x"})));
        assert!(fill("/v1/orders/{order_id}", json!({})).is_err());
    }

    #[test]
    fn a_refusal_is_told_in_a_few_lines() {
        let fields: Vec<_> = (0..9).map(|n| json!({"field": format!("lines[{n}]"), "description": "no"})).collect();
        let json = json!({"detail": "9 fields are wrong", "reason": "INVALID_ARGUMENT", "violations": fields});
        let told = problem("Push", StatusCode::BAD_REQUEST, &json.to_string()).to_string();
        assert_eq!(
            told,
            "Push: HTTP 400 INVALID_ARGUMENT: 9 fields are wrong\n  lines[0]: no\n  lines[1]: no\n  lines[2]: no\n  and 6 more"
        );
        assert!(problem("Push", StatusCode::BAD_GATEWAY, "<html>").to_string().ends_with(": <html>"));
    }

    #[test]
    fn a_query_is_flat() {
        let json = json!({"page": {"page_size": 5, "page_token": "a&b"}, "tag": ["x", "y"]});
        assert_eq!(query(&json), "page.page_size=5&page.page_token=a%26b&tag=x&tag=y");
    }
}
