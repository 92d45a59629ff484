//! How refusals look on the wire: gRPC status with `google.rpc.ErrorInfo` and `BadRequest` details (AIP-193).

use std::{collections::HashMap, time::Duration};

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::Violation;

/// Domain of all reason codes.
pub const DOMAIN: &str = "shopfloor";

fn with_reason(code: Code, reason: &str, message: impl Into<String>) -> Status {
    let mut details = ErrorDetails::new();
    details.set_error_info(reason, DOMAIN, HashMap::<String, String>::new());
    Status::with_error_details(code, message, details)
}

/// The request is malformed: which fields and why.
#[must_use]
pub fn invalid(violations: Vec<Violation>) -> Status {
    let message = match violations.as_slice() {
        [only] => format!("{}: {}", only.field, only.description),
        [first, ..] => format!("{} fields are wrong, first {}: {}", violations.len(), first.field, first.description),
        [] => "the request is wrong".to_owned(),
    };
    let mut details = ErrorDetails::new();
    details.set_error_info("INVALID_ARGUMENT", DOMAIN, HashMap::<String, String>::new());
    for violation in violations {
        details.add_bad_request_violation(violation.field, violation.description);
    }
    Status::with_error_details(Code::InvalidArgument, message, details)
}

/// A rule forbids it in the present state.
#[must_use]
pub fn precondition(reason: &str, message: impl Into<String>) -> Status {
    with_reason(Code::FailedPrecondition, reason, message)
}

/// There is no such thing.
#[must_use]
pub fn not_found(kind: &str, id: impl std::fmt::Display) -> Status {
    with_reason(Code::NotFound, "NOT_FOUND", format!("there is no {kind} {id}"))
}

/// The key is taken by something else.
#[must_use]
pub fn already_exists(reason: &str, message: impl Into<String>) -> Status {
    with_reason(Code::AlreadyExists, reason, message)
}

/// Somebody else was faster; read again and decide again.
#[must_use]
pub fn aborted(reason: &str, message: impl Into<String>) -> Status {
    with_reason(Code::Aborted, reason, message)
}

/// The caller may not.
#[must_use]
pub fn permission_denied(reason: &str, message: impl Into<String>) -> Status {
    with_reason(Code::PermissionDenied, reason, message)
}

/// Nobody knows who is calling.
#[must_use]
pub fn unauthenticated(reason: &str, message: impl Into<String>) -> Status {
    with_reason(Code::Unauthenticated, reason, message)
}

/// Too much at once; come back after `retry_after`.
#[must_use]
pub fn exhausted(message: impl Into<String>, retry_after: Duration) -> Status {
    let mut details = ErrorDetails::new();
    details.set_error_info("RESOURCE_EXHAUSTED", DOMAIN, HashMap::<String, String>::new());
    details.set_retry_info(Some(retry_after));
    let mut status = Status::with_error_details(Code::ResourceExhausted, message, details);
    let seconds = retry_after.as_secs_f64().ceil().max(1.0);
    if let Ok(value) = format!("{seconds:.0}").parse() {
        status.metadata_mut().insert("retry-after", value);
    }
    status
}

/// Something this needs is away; the same call may go through later.
#[must_use]
pub fn unavailable(message: impl Into<String>) -> Status {
    with_reason(Code::Unavailable, "UNAVAILABLE", message)
}

/// Something went wrong that should not. Logged here, once, with the whole chain; the caller sees only the trace id.
#[must_use]
pub fn internal(error: &dyn std::error::Error) -> Status {
    let mut chain = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        chain.push_str(": ");
        chain.push_str(&inner.to_string());
        cause = inner.source();
    }
    tracing::error!(error = chain, "internal error");
    with_reason(Code::Internal, "INTERNAL", format!("something went wrong here; trace {}", trace_id()))
}

/// The current trace id in hex; zeros outside of a trace.
#[must_use]
pub fn trace_id() -> String {
    let traceparent = messaging::trace::current_traceparent();
    let id = messaging::trace::trace_id(&traceparent);
    if id.is_empty() { "0".repeat(32) } else { id.to_owned() }
}

/// What a database error means for the caller: away, lost race, or our fault.
///
/// Constraint violations that are part of the rules are for the service's own `error.rs` to recognise first.
#[must_use]
pub fn from_sqlx(error: sqlx::Error) -> Status {
    match &error {
        sqlx::Error::PoolTimedOut => exhausted("all database connections are busy", Duration::from_secs(1)),
        sqlx::Error::Io(_) | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed | sqlx::Error::Protocol(_) => {
            tracing::warn!(%error, "database away");
            unavailable("the database is away")
        }
        sqlx::Error::Database(database) => match database.code().as_deref() {
            // Values that Postgres cannot hold and a check further up let through.
            Some("22021") => invalid(vec![Violation::new("", "a text contains a zero byte")]),
            Some("22003" | "22008") => invalid(vec![Violation::new("", "a number or date is out of range")]),
            Some("40001" | "40P01") => aborted("CONCURRENT_CHANGE", "lost a race against another change; try again"),
            Some(code) if ["57", "53", "08"].iter().any(|class| code.starts_with(class)) => {
                tracing::warn!(%error, "database away");
                unavailable("the database is away")
            }
            _ => internal(&error),
        },
        _ => internal(&error),
    }
}
