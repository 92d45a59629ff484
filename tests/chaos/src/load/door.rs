//! The company's HTTP doors, as a client sees them: one sending, one answer, and what it says.

use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;
use suite::client::session::Credentials;

use crate::history::Outcome;

/// How long a client waits. Shorter than the gateway's own deadline, so that some answers are not waited for.
const PATIENCE: Duration = Duration::from_secs(6);

/// Who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// The web shop, with its API key.
    Shop,
    /// Somebody who may do everything.
    Staff,
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// HTTP status; 0 without one.
    pub(crate) status: u16,
    /// What that means.
    pub(crate) outcome: Outcome,
    /// The body; the error as text when there was none.
    pub(crate) body: Value,
}

/// What a status says about the write: done, not done, or open.
pub(crate) fn outcome(status: u16) -> Outcome {
    match status {
        200..=299 => Outcome::Ok,
        408 | 499 => Outcome::Unknown,
        400..=498 => Outcome::Refused,
        _ => Outcome::Unknown,
    }
}

/// All gateways and two sets of credentials.
#[derive(Clone)]
pub(crate) struct Doors {
    http: reqwest::Client,
    bases: Vec<String>,
    shop: Credentials,
    staff: Credentials,
}

impl Doors {
    /// Gateways at `bases`.
    pub(crate) fn new(bases: Vec<String>, shop: Credentials, staff: Credentials) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder()
            .timeout(PATIENCE)
            .connect_timeout(Duration::from_secs(1))
            .pool_max_idle_per_host(32)
            .build()
            .context("the HTTP client cannot be made")?;
        anyhow::ensure!(!bases.is_empty(), "a company without a gateway");
        Ok(Self { http, bases, shop, staff })
    }

    /// Sends once, by gateway number `gateway` (of as many as there are). A body that is a text is sent as it stands.
    pub(crate) async fn send(&self, gateway: u64, who: Who, verb: &str, path: &str, body: &Value) -> Answer {
        match self.attempt(gateway, who, verb, path, body).await {
            Ok((status, text)) => Answer {
                status,
                outcome: outcome(status),
                body: serde_json::from_str(&text).unwrap_or(Value::String(text)),
            },
            Err(error) => Answer { status: 0, outcome: Outcome::Unknown, body: Value::String(format!("{error:#}")) },
        }
    }

    async fn attempt(
        &self,
        gateway: u64,
        who: Who,
        verb: &str,
        path: &str,
        body: &Value,
    ) -> anyhow::Result<(u16, String)> {
        let index = usize::try_from(gateway % self.bases.len() as u64)?;
        let base = &self.bases[index];
        let credentials = if who == Who::Shop { &self.shop } else { &self.staff };
        let mut request = self.http.request(reqwest::Method::from_bytes(verb.as_bytes())?, format!("{base}{path}"));
        if let Some((name, value)) = credentials.header(base).await? {
            request = request.header(name, value);
        }
        request = match body {
            Value::Null => request,
            Value::String(text) => request.header("content-type", "application/json").body(text.clone()),
            json => request.header("content-type", "application/json").body(serde_json::to_vec(json)?),
        };
        let answer = request.send().await?;
        Ok((answer.status().as_u16(), answer.text().await?))
    }

    /// A read that only helps to choose; nothing when it does not come.
    pub(crate) async fn look(&self, gateway: u64, path: &str) -> Option<Value> {
        let answer = self.send(gateway, Who::Staff, "GET", path, &Value::Null).await;
        (answer.outcome == Outcome::Ok).then_some(answer.body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_4xx_is_a_refusal_for_good() {
        assert_eq!(outcome(200), Outcome::Ok);
        assert_eq!(outcome(409), Outcome::Refused);
        assert_eq!(outcome(422), Outcome::Refused);
        assert_eq!(outcome(429), Outcome::Refused);
        for open in [0, 408, 500, 502, 503, 504] {
            assert_eq!(outcome(open), Outcome::Unknown, "{open}");
        }
    }
}
