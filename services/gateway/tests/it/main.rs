//! Tests of the gateway over real sockets, with a service behind it that answers as each test says.

#![expect(clippy::unwrap_used, reason = "a helper that cannot go on fails its test")]

mod access;
mod backend;
mod description;
mod hostile;
mod limits;
mod refusals;
mod streams;
mod transcoding;

use std::sync::Arc;

use backend::{Backend, Call, Reply};
use gateway::{Config, Gateway};
use proto::identity::v1::{ExchangeApiKeyRequest, ExchangeApiKeyResponse};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value;
use service::host::Local;
use service::{CallerKind, Clock};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// A gateway with a service behind it.
struct Door {
    url: String,
    backend: Backend,
    client: Client,
    clock: Clock,
    cancel: CancellationToken,
}

impl Drop for Door {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

/// Opens a gateway. API keys beginning with `sf_good` are exchanged, unless `reply` has an answer for that.
async fn open(config: Config, reply: impl Fn(&Call) -> Reply + Send + Sync + 'static) -> Door {
    let backend = Backend::start(reply).await;
    let config = Config { backend: backend.url.clone(), ..config };
    let (cancel, clock) = (CancellationToken::new(), Clock::fixed(time::OffsetDateTime::now_utc()));
    let gateway = Gateway::new(&config, testkit::verifier(), clock.clone(), cancel.clone(), &Local::default()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(Arc::clone(&gateway).run(listener));
    Door { url, backend, client: signed_in(), clock, cancel }
}

impl Door {
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path)
    }

    fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> RequestBuilder {
        self.request(Method::POST, path).header("content-type", "application/json").body(body)
    }

    /// Host and port.
    fn address(&self) -> &str {
        self.url.strip_prefix("http://").unwrap()
    }
}

/// A client that sends a good token unless told otherwise.
fn signed_in() -> Client {
    let value = format!("Bearer {}", token("tester")).parse().unwrap();
    let headers = reqwest::header::HeaderMap::from_iter([(reqwest::header::AUTHORIZATION, value)]);
    Client::builder().default_headers(headers).build().unwrap()
}

/// A token of an employee who may do everything.
fn token(subject: &str) -> String {
    testkit::token(subject, CallerKind::Employee, &[], &["*"], None)
}

/// The answer of identity to an exchange.
fn exchanged(call: &Call, clock: &Clock) -> Reply {
    let request: ExchangeApiKeyRequest = call.message();
    if !request.api_key.starts_with("sf_good") {
        return Reply::Refusal(service::status::unauthenticated("BAD_CREDENTIALS", "unknown"));
    }
    Reply::one(&ExchangeApiKeyResponse {
        access_token: format!("token-of-{}", request.api_key),
        expires_at: Some(proto::to_timestamp(clock.now() + time::Duration::minutes(10))),
        api_key_id: format!("id-of-{}", request.api_key),
        channel: "web".to_owned(),
    })
}

/// Status and body.
async fn told(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    (status, response.json().await.unwrap_or(Value::Null))
}

/// A header of an answer.
fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

/// An empty answer of any type.
fn empty() -> Reply {
    Reply::Messages(vec![Vec::new()])
}

/// A message as bytes.
fn bytes(message: &impl prost::Message) -> Vec<u8> {
    message.encode_to_vec()
}
