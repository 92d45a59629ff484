//! What stands in front of every RPC: trace, permission, figures, a bound on time.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::bail;
use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::header::AUTHORIZATION,
    middleware::{self, Next},
    response::Response,
};
use futures::FutureExt as _;
use prost_reflect::DescriptorPool;
use tonic::Status;
use tracing::Instrument as _;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::{Verifier, status};

/// What an RPC asks of its caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    Public,
    Authenticated,
    Permission(String),
}

/// The permission of every RPC in the descriptors, by path `/package.Service/Method`.
///
/// # Errors
/// When one does not say what it needs.
pub(crate) fn needs(pool: &DescriptorPool) -> anyhow::Result<HashMap<String, Need>> {
    let Some(extension) = pool.get_extension_by_name("shopfloor.options.v1.permission") else {
        bail!("the descriptors do not define the permission option");
    };
    let mut needs = HashMap::new();
    for service in pool.services() {
        for method in service.methods() {
            let options = method.options();
            let value = options.get_extension(&extension);
            let need = match value.as_str().unwrap_or_default() {
                "" => bail!("{} names no permission", method.full_name()),
                "public" => Need::Public,
                "authenticated" => Need::Authenticated,
                permission => Need::Permission(permission.to_owned()),
            };
            needs.insert(format!("/{}/{}", service.full_name(), method.name()), need);
        }
    }
    Ok(needs)
}

struct Guard {
    needs: HashMap<String, Need>,
    verifier: Verifier,
    deadline: Duration,
}

/// Puts the layer in front of gRPC routes. Every RPC is refused unless its proto file names what it needs.
///
/// # Errors
/// When an RPC names no permission.
pub fn secured_router(
    routes: tonic::service::Routes,
    verifier: Verifier,
    deadline: Duration,
) -> anyhow::Result<Router> {
    let guard = Arc::new(Guard { needs: needs(proto::descriptor_pool())?, verifier, deadline });
    Ok(routes.prepare().into_axum_router().layer(middleware::from_fn_with_state(guard, pass)))
}

async fn pass(State(guard): State<Arc<Guard>>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let path = request.uri().path().to_owned();
    let (service, method) = path.trim_start_matches('/').split_once('/').unwrap_or(("", ""));
    let Some(need) = guard.needs.get(&path) else {
        if service.starts_with("grpc.health.") || service.starts_with("grpc.reflection.") {
            return next.run(request).await;
        }
        return Status::unimplemented(format!("there is no RPC {path}")).into_http();
    };
    let span = tracing::info_span!(
        "rpc",
        otel.name = format!("{service}/{method}"),
        otel.kind = "server",
        rpc.system = "grpc",
        rpc.service = service,
        rpc.method = method,
        rpc.grpc.status_code = tracing::field::Empty,
    );
    if let Some(parent) = header(&request, "traceparent").and_then(messaging::trace::remote_parent) {
        span.set_parent(parent).ok();
    }
    let deadline = header(&request, "grpc-timeout")
        .and_then(parse_timeout)
        .map_or(guard.deadline, |asked| asked.min(guard.deadline));
    let token = bearer(&request);
    let work = async {
        match authorise(&guard.verifier, need, token.as_deref()).await {
            Ok(Some(caller)) => {
                request.extensions_mut().insert(caller);
            }
            Ok(None) => {}
            Err(refusal) => return refusal.into_http::<Body>(),
        }
        // A panic in a handler ends that call, not the connection with everybody else's calls on it.
        let call = std::panic::AssertUnwindSafe(next.run(request)).catch_unwind();
        match tokio::time::timeout(deadline, call).await {
            Ok(Ok(response)) => response,
            Ok(Err(_)) => status::internal(&std::io::Error::other("the handler panicked")).into_http(),
            Err(_) => Status::deadline_exceeded("not done within the deadline").into_http(),
        }
    };
    let response = work.instrument(span.clone()).await;
    let code = grpc_code(&response);
    span.record("rpc.grpc.status_code", code);
    let labels = [
        ("rpc_service", service.to_owned()),
        ("rpc_method", method.to_owned()),
        ("rpc_grpc_status_code", code.to_string()),
    ];
    metrics::histogram!("rpc_server_duration_seconds", &labels).record(started.elapsed().as_secs_f64());
    response
}

fn bearer(request: &Request) -> Option<String> {
    let value = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    value.strip_prefix("Bearer ").or_else(|| value.strip_prefix("bearer ")).map(str::to_owned)
}

async fn authorise(
    verifier: &Verifier,
    need: &Need,
    token: Option<&str>,
) -> Result<Option<Arc<crate::Caller>>, Status> {
    let Some(token) = token else {
        return match need {
            Need::Public => Ok(None),
            _ => Err(status::unauthenticated("NO_TOKEN", "this call needs a token")),
        };
    };
    if *need == Need::Public {
        // A stale token must not keep anybody from signing in.
        return Ok(verifier.verify(token).await.ok());
    }
    let caller = verifier.verify(token).await?;
    match need {
        Need::Permission(permission) if !caller.may(permission) => {
            Err(status::permission_denied("PERMISSION_MISSING", format!("this call needs the permission {permission}")))
        }
        _ => Ok(Some(caller)),
    }
}

fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request.headers().get(name)?.to_str().ok()
}

/// The status of a finished call; 0 while a stream is still open, its trailers tell later.
fn grpc_code(response: &Response) -> i32 {
    response
        .headers()
        .get("grpc-status")
        .and_then(|value| value.to_str().ok())
        .and_then(|code| code.parse().ok())
        .unwrap_or(0)
}

/// Reads `grpc-timeout` (for example `15S`, `200m`).
fn parse_timeout(value: &str) -> Option<Duration> {
    let (digits, unit) = value.split_at_checked(value.len().checked_sub(1)?)?;
    if digits.len() > 8 {
        return None;
    }
    let amount: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(amount * 3600),
        "M" => Duration::from_secs(amount * 60),
        "S" => Duration::from_secs(amount),
        "m" => Duration::from_millis(amount),
        "u" => Duration::from_micros(amount),
        "n" => Duration::from_nanos(amount),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rpc_of_the_suite_names_what_it_needs() {
        let needs = needs(proto::descriptor_pool()).unwrap();
        assert!(needs.len() > 4);
        for (path, need) in needs {
            if let Need::Permission(permission) = need {
                let parts: Vec<_> = permission.split('.').collect();
                let package = path.trim_start_matches("/shopfloor.").split('.').next().unwrap().to_owned();
                assert!(parts.len() == 3 && parts[0] == package, "{path} needs {permission}");
            }
        }
    }

    #[test]
    fn timeouts_are_read_as_grpc_writes_them() {
        assert_eq!(parse_timeout("15S"), Some(Duration::from_secs(15)));
        assert_eq!(parse_timeout("200m"), Some(Duration::from_millis(200)));
        for bad in ["", "S", "15", "x1S", "999999999S", "ё"] {
            assert_eq!(parse_timeout(bad), None, "{bad}");
        }
    }
}
