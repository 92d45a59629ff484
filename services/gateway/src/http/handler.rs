//! One request from end to end.

use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use messaging::trace::trace_id;
use service::trace::Trace;

use super::body;
use super::context::{self, Context};
use super::metadata::metadata;
use super::stream::{self, Outgoing};
use crate::Gateway;
use crate::access::{Access, Client, Credential, Slot, credential};
use crate::figures::figure;
use crate::problem::{Place, Problem};
use crate::routing::{Answer, Found, Route};
use crate::transcoding::{self, Input, to_json};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Route label of requests that mean nothing.
const NO_ROUTE: &str = "none";

/// Answers any request that is not for one of the gateway's own pages.
pub(crate) async fn handle(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
    let started = Instant::now();
    let context = Context::of(&request, gateway.config.behind_proxy);
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let path = uri.path();
    // A page reads like the document it answers to.
    let asked = if method == Method::HEAD { &Method::GET } else { &method };
    let found = gateway.table.find(asked, path);
    let route = match &found {
        Found::Route(route, _) => Some(Arc::clone(route)),
        _ => None,
    };
    let pattern = route.as_ref().map_or(NO_ROUTE, |route| &route.pattern);
    let work = pin!(async {
        let traceparent = messaging::trace::current_traceparent();
        let result = match found {
            Found::Route(route, variables) => {
                let call =
                    Call { gateway: &gateway, route: &route, variables, context: &context, traceparent: &traceparent };
                call.run(request).await
            }
            other => refuse(&gateway, &other, &method, &context),
        };
        let place = Place { instance: path, trace_id: trace_id(&traceparent) };
        let mut response = result.unwrap_or_else(|problem| problem.into_response(&place));
        if let Ok(id) = HeaderValue::from_str(&context.request_id) {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        (response, traceparent)
    });
    let span = || {
        tracing::info_span!(
            "http",
            otel.name = format!("{method} {pattern}"),
            otel.kind = "server",
            http.request.method = %method,
            http.route = pattern,
            http.response.status_code = tracing::field::Empty,
            request_id = context.request_id,
        )
    };
    let trace = Trace::of(context.parent.as_deref(), &context.request_id);
    let ((response, traceparent), span) = trace.follow(span, work).await;
    let status = response.status().as_u16();
    span.record("http.response.status_code", status);
    if gateway.config.access_log {
        let milliseconds = started.elapsed().as_millis() as u64;
        tracing::info!(
            parent: &span, method = %method, path, status, milliseconds, client = %context.address,
            trace_id = trace_id(&traceparent), request_id = context.request_id, "request"
        );
    }
    let seconds = started.elapsed().as_secs_f64();
    match &route {
        Some(route) => route.seconds.of(&method, status, pattern).record(seconds),
        None => figure(&method, status, pattern).record(seconds),
    }
    response
}

/// A request without a route.
fn refuse(gateway: &Gateway, found: &Found<Route>, method: &Method, context: &Context) -> Result<Response, Problem> {
    gateway.limits.rate(&Client::Address(context.address), 1)?;
    match found {
        Found::OtherMethods(methods) => {
            let mut allow: Vec<&str> = methods.iter().map(Method::as_str).collect();
            if methods.contains(&Method::GET) {
                allow.push("HEAD");
            }
            let allow = allow.join(", ");
            if method == Method::OPTIONS {
                return Ok((StatusCode::NO_CONTENT, [(header::ALLOW, allow)]).into_response());
            }
            let detail = format!("this path takes {allow}");
            let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", detail);
            Err(Problem { allow: Some(allow), ..problem })
        }
        Found::Malformed => Err(Problem::malformed("the path is not percent-encoded UTF-8")),
        Found::Nothing | Found::Route(..) => {
            Err(Problem::new(StatusCode::NOT_FOUND, "NO_SUCH_ROUTE", "there is no such path; see /docs"))
        }
    }
}

/// A request with a route.
struct Call<'a> {
    gateway: &'a Gateway,
    route: &'a Route,
    variables: Vec<String>,
    context: &'a Context,
    traceparent: &'a str,
}

impl Call<'_> {
    async fn run(self, request: Request) -> Result<Response, Problem> {
        let (parts, body) = request.into_parts();
        let access = self.access(&parts.headers).await?;
        let limits = &self.gateway.limits;
        limits.rate(&access.client, 1)?;
        if self.route.answer == Answer::Document {
            limits.look(&access.client)?;
        }
        let message = {
            let _receiving = limits.receiving(&access.client)?;
            let received = body::read(&parts.headers, body, limits, &self.gateway.config).await?;
            let input = Input {
                variables: &self.variables,
                query: parts.uri.query().unwrap_or_default(),
                body: &received.bytes,
                idempotency_key: context::header(&parts.headers, "idempotency-key"),
                last_event_id: context::header(&parts.headers, "last-event-id"),
            };
            transcoding::message(self.route, &input)?
        };
        let weight = transcoding::weight(&self.route.rpc, &message);
        if weight > 1 {
            limits.rate(&access.client, weight - 1)?;
        }
        let slot = match self.route.answer {
            Answer::Document => limits.request(&access.client)?,
            _ => limits.stream(&access.client)?,
        };
        let metadata = metadata(&parts.headers, &access, self.context, self.traceparent);
        if self.route.answer != Answer::Document {
            return self.stream(message, metadata, slot).await;
        }
        let answer = self.gateway.backends.unary(&self.route.rpc, message, metadata).await?;
        let json = to_json(&answer).map_err(|error| self.unwritable(&error))?;
        let mut response = Body::from(json).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(response)
    }

    async fn stream(
        &self,
        message: prost_reflect::DynamicMessage,
        metadata: tonic::metadata::MetadataMap,
        slot: Slot,
    ) -> Result<Response, Problem> {
        let rpc = &self.route.rpc;
        let messages = self.gateway.backends.stream(rpc, message, metadata).await?;
        let outgoing = Outgoing {
            messages,
            _slot: slot,
            position: Outgoing::position(rpc),
            traceparent: self.traceparent.to_owned(),
            instance: self.route.pattern.clone(),
        };
        let heartbeat = std::time::Duration::from_secs(self.gateway.config.heartbeat_seconds);
        Ok(stream::respond(outgoing, &self.route.answer, heartbeat, self.gateway.cancel.clone()).await?)
    }

    fn is_public(&self) -> bool {
        self.route.rpc.permission == "public"
    }

    /// Who calls. Callers without a good credential are refused before their body is read. Whatever must be asked of
    /// identity is counted against the address first.
    async fn access(&self, headers: &HeaderMap) -> Result<Access, Problem> {
        let address = Client::Address(self.context.address);
        match credential(headers)? {
            Credential::None if self.is_public() => Ok(Access { client: address, authorization: None }),
            Credential::None => {
                self.gateway.limits.rate(&address, 1)?;
                Err(service::status::unauthenticated("NO_TOKEN", "this call needs a token or an API key").into())
            }
            Credential::ApiKey(key) => {
                let token = match self.gateway.api_keys.cached(key).await {
                    Some(token) => token,
                    None => {
                        self.gateway.limits.rate(&address, 1)?;
                        self.gateway.api_keys.token(key).await?
                    }
                };
                let client = Client::Known(Arc::clone(&token.id));
                Ok(Access { client, authorization: Some(token.authorization.clone()) })
            }
            Credential::Token(token) => {
                let authorization = format!("Bearer {token}").parse().ok();
                match self.gateway.subjects.of(token).await {
                    Ok(subject) => Ok(Access { client: Client::Known(subject), authorization }),
                    Err(status) if status.code() == tonic::Code::Unauthenticated && !self.is_public() => {
                        self.gateway.limits.rate(&address, 1)?;
                        Err(status.into())
                    }
                    // Identity is away: whether the token is good is for the service to say, which may know the keys.
                    Err(_) => Ok(Access { client: address, authorization }),
                }
            }
        }
    }

    fn unwritable(&self, error: &serde_json::Error) -> Problem {
        tracing::error!(%error, rpc = %self.route.rpc.path, "an answer cannot be written as JSON");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", "the answer cannot be written as JSON")
    }
}
