//! Refusals as RFC 9457 problem documents.

use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

/// Media type of a problem document.
const PROBLEM_JSON: &str = "application/problem+json";

/// A field that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Violation {
    /// Path of the field.
    pub(crate) field: String,
    /// What is wrong.
    pub(crate) description: String,
}

impl Violation {
    /// A violation of a field.
    pub(crate) fn new(field: impl Into<String>, description: impl Into<String>) -> Self {
        Self { field: field.into(), description: description.into() }
    }
}

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// HTTP status.
    pub(crate) status: StatusCode,
    /// Reason in SCREAMING_SNAKE, for programs.
    pub(crate) reason: String,
    /// What happened, for people.
    pub(crate) detail: String,
    /// Fields that are wrong.
    pub(crate) violations: Vec<Violation>,
    /// When to come back.
    pub(crate) retry_after: Option<Duration>,
    /// Methods the path has.
    pub(crate) allow: Option<String>,
}

/// The document.
#[derive(Serialize)]
struct Document<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    instance: &'a str,
    reason: &'a str,
    #[serde(skip_serializing_if = "<[Violation]>::is_empty")]
    violations: &'a [Violation],
    trace_id: &'a str,
}

/// Where a problem happened; filled in last.
#[derive(Debug, Clone, Default)]
pub(crate) struct Place<'a> {
    /// Path of the request.
    pub(crate) instance: &'a str,
    /// Trace of the request.
    pub(crate) trace_id: &'a str,
}

impl Problem {
    /// A problem with a status and reason.
    pub(crate) fn new(status: StatusCode, reason: &str, detail: impl Into<String>) -> Self {
        Self {
            status,
            reason: reason.to_owned(),
            detail: detail.into(),
            violations: Vec::new(),
            retry_after: None,
            allow: None,
        }
    }

    /// The request cannot be read.
    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "MALFORMED_REQUEST", detail)
    }

    /// Fields are wrong.
    pub(crate) fn invalid(violations: Vec<Violation>) -> Self {
        let detail = match violations.as_slice() {
            [] => "the request is wrong".to_owned(),
            [only] => format!("{}: {}", only.field, only.description),
            [first, ..] => {
                format!("{} fields are wrong, first {}: {}", violations.len(), first.field, first.description)
            }
        };
        Self { violations, ..Self::new(StatusCode::BAD_REQUEST, "INVALID_ARGUMENT", detail) }
    }

    /// The caller sends more than it may.
    pub(crate) fn too_many(reason: &str, detail: impl Into<String>, wait: Duration) -> Self {
        Self { retry_after: Some(wait), ..Self::new(StatusCode::TOO_MANY_REQUESTS, reason, detail) }
    }

    /// The gateway has no room.
    pub(crate) fn overloaded(detail: impl Into<String>) -> Self {
        let wait = Some(Duration::from_secs(1));
        Self { retry_after: wait, ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "OVERLOADED", detail) }
    }

    /// The HTTP answer.
    pub(crate) fn into_response(self, place: &Place<'_>) -> Response {
        let title = self.status.canonical_reason().unwrap_or("Refused");
        let document = Document {
            r#type: format!("urn:shopfloor:problem:{}", self.reason.to_ascii_lowercase().replace('_', "-")),
            title,
            status: self.status.as_u16(),
            detail: &self.detail,
            instance: place.instance,
            reason: &self.reason,
            violations: &self.violations,
            trace_id: place.trace_id,
        };
        let body = serde_json::to_vec(&document).unwrap_or_default();
        let mut response = (self.status, Body::from(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"shopfloor\""));
        }
        if let Some(wait) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds(wait)));
        }
        if let Some(allow) = self.allow.as_deref().and_then(|allow| HeaderValue::from_str(allow).ok()) {
            headers.insert(header::ALLOW, allow);
        }
        response
    }
}

/// Whole seconds, rounded up, at least one.
fn seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

/// A connection that broke in the middle of a call leaves open what became of it: the same request may be repeated.
fn code(status: &Status) -> Code {
    let from_transport = std::error::Error::source(status).is_some();
    match status.code() {
        Code::Unknown | Code::Internal if from_transport => Code::Unavailable,
        code => code,
    }
}

impl From<Status> for Problem {
    /// gRPC codes by google.rpc.Code, except that a broken rule (422) is told apart from bad input (400).
    fn from(status: Status) -> Self {
        let (http, name) = match code(&status) {
            Code::Ok => (StatusCode::OK, "OK"),
            Code::InvalidArgument => (StatusCode::BAD_REQUEST, "INVALID_ARGUMENT"),
            Code::OutOfRange => (StatusCode::BAD_REQUEST, "OUT_OF_RANGE"),
            Code::FailedPrecondition => (StatusCode::UNPROCESSABLE_ENTITY, "FAILED_PRECONDITION"),
            Code::Unauthenticated => (StatusCode::UNAUTHORIZED, "UNAUTHENTICATED"),
            Code::PermissionDenied => (StatusCode::FORBIDDEN, "PERMISSION_DENIED"),
            Code::NotFound => (StatusCode::NOT_FOUND, "NOT_FOUND"),
            Code::AlreadyExists => (StatusCode::CONFLICT, "ALREADY_EXISTS"),
            Code::Aborted => (StatusCode::CONFLICT, "ABORTED"),
            Code::ResourceExhausted => (StatusCode::TOO_MANY_REQUESTS, "RESOURCE_EXHAUSTED"),
            Code::Unimplemented => (StatusCode::NOT_IMPLEMENTED, "UNIMPLEMENTED"),
            Code::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE"),
            Code::DeadlineExceeded => (StatusCode::GATEWAY_TIMEOUT, "DEADLINE_EXCEEDED"),
            Code::Cancelled => (StatusCode::SERVICE_UNAVAILABLE, "CANCELLED"),
            Code::Unknown | Code::Internal | Code::DataLoss => (StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL"),
        };
        let details = status.get_error_details();
        let reason = details.error_info().map_or(name, |info| info.reason.as_str());
        let retry_after = details.retry_info().and_then(|info| info.retry_delay);
        let waits = matches!(http, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
        let violations = details.bad_request().map(|bad| bad.field_violations.clone()).unwrap_or_default();
        Self {
            status: http,
            reason: reason.to_owned(),
            detail: text(&status, http),
            violations: violations.into_iter().map(|one| Violation::new(one.field, one.description)).collect(),
            retry_after: retry_after.or(waits.then_some(Duration::from_secs(1))),
            allow: None,
        }
    }
}

/// The status' own words, except where they come from the transport and say more about the house than the caller needs.
fn text(status: &Status, http: StatusCode) -> String {
    let from_transport = std::error::Error::source(status).is_some();
    match http {
        StatusCode::SERVICE_UNAVAILABLE if from_transport => "the service is away; try again".to_owned(),
        _ if status.message().is_empty() => http.canonical_reason().unwrap_or("refused").to_lowercase(),
        _ => status.message().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_keeps_its_reason_fields_and_wait() {
        let violations = vec![service::Violation::new("lines[2].quantity", "must be above zero")];
        let problem = Problem::from(service::status::invalid(violations));
        assert_eq!((problem.status.as_u16(), problem.reason.as_str()), (400, "INVALID_ARGUMENT"));
        assert_eq!(problem.violations, [Violation::new("lines[2].quantity", "must be above zero")]);

        let problem = Problem::from(service::status::precondition("ORDER_CLOSED", "the order is closed"));
        assert_eq!((problem.status.as_u16(), problem.reason.as_str()), (422, "ORDER_CLOSED"));

        let problem = Problem::from(service::status::exhausted("slow down", Duration::from_millis(1500)));
        let response = problem.into_response(&Place::default());
        assert_eq!((response.status().as_u16(), &response.headers()["retry-after"]), (429, &HeaderValue::from(2)));
    }

    #[test]
    fn a_call_that_broke_off_may_be_repeated_and_a_failure_of_a_service_is_one() {
        let broken = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        let problem = Problem::from(Status::from_error(Box::new(broken)));
        assert_eq!((problem.status.as_u16(), problem.reason.as_str()), (503, "UNAVAILABLE"));
        assert!(problem.retry_after.is_some() && !problem.detail.contains("reset"), "{problem:?}");
        assert_eq!(Problem::from(Status::internal("oh")).status.as_u16(), 500);
    }

    #[test]
    fn every_code_has_a_status_of_its_class() {
        for code in 1..=16 {
            let problem = Problem::from(Status::new(Code::from_i32(code), "text"));
            assert!(problem.status.is_client_error() || problem.status.is_server_error(), "{code}");
            assert!(!problem.reason.is_empty() && !problem.detail.is_empty());
        }
    }
}
