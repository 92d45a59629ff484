//! What stands in front of every RPC: trace, permission, figures, a bound on time.

use std::{
    collections::HashMap,
    convert::Infallible,
    panic::AssertUnwindSafe,
    pin::pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use anyhow::bail;
use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{HeaderValue, header::AUTHORIZATION},
    response::Response,
};
use futures::{FutureExt as _, future::BoxFuture};
use metrics::Histogram;
use prost_reflect::DescriptorPool;
use tonic::Status;
use tower::Service as _;

use crate::{Verifier, status, trace::Trace};

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

/// The status codes of gRPC.
const CODES: usize = 17;

/// What is known about an RPC before it is called.
struct Rpc {
    need: Need,
    service: String,
    method: String,
    /// How long its calls take, by status; looked up once, because a lookup by labels costs more than the figure.
    seconds: [OnceLock<Histogram>; CODES],
}

impl Rpc {
    fn new(path: &str, need: Need) -> Self {
        let (service, method) = path.trim_start_matches('/').split_once('/').unwrap_or((path, ""));
        let (service, method) = (service.to_owned(), method.to_owned());
        Self { need, service, method, seconds: Default::default() }
    }

    fn span(&self) -> tracing::Span {
        tracing::info_span!(
            "rpc",
            otel.name = format!("{}/{}", self.service, self.method),
            otel.kind = "server",
            rpc.system = "grpc",
            rpc.service = self.service,
            rpc.method = self.method,
            rpc.grpc.status_code = tracing::field::Empty,
        )
    }

    fn took(&self, code: usize, time: Duration) {
        let Some(seconds) = self.seconds.get(code) else { return };
        let labels = || {
            [
                ("rpc_service", self.service.clone()),
                ("rpc_method", self.method.clone()),
                ("rpc_grpc_status_code", code.to_string()),
            ]
        };
        seconds
            .get_or_init(|| metrics::histogram!("rpc_server_duration_seconds", &labels()))
            .record(time.as_secs_f64());
    }
}

struct Guard {
    rpcs: HashMap<String, Rpc>,
    verifier: Verifier,
    deadline: Duration,
}

/// gRPC routes behind the layer. Every RPC is refused unless its proto file names what it needs.
#[derive(Clone)]
pub struct Secured {
    guard: Arc<Guard>,
    routes: Router,
}

impl Secured {
    /// Puts the layer in front of routes.
    ///
    /// # Errors
    /// When an RPC names no permission.
    pub fn new(routes: tonic::service::Routes, verifier: Verifier, deadline: Duration) -> anyhow::Result<Self> {
        let needs = needs(proto::descriptor_pool())?;
        let rpcs = needs.into_iter().map(|(path, need)| (path.clone(), Rpc::new(&path, need))).collect();
        let guard = Arc::new(Guard { rpcs, verifier, deadline });
        Ok(Self { guard, routes: routes.prepare().into_axum_router() })
    }

    /// The same as routes of a server.
    pub fn into_router(self) -> Router {
        Router::new().fallback_service(self)
    }
}

impl tower::Service<Request> for Secured {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let (guard, routes) = (Arc::clone(&self.guard), self.routes.clone());
        Box::pin(async move { Ok(pass(&guard, routes, request).await) })
    }
}

async fn pass(guard: &Guard, mut routes: Router, mut request: Request) -> Response {
    let started = Instant::now();
    let Some(rpc) = guard.rpcs.get(request.uri().path()) else {
        let path = request.uri().path();
        if path.starts_with("/grpc.health.") || path.starts_with("/grpc.reflection.") {
            return routes.call(request).await.unwrap_or_else(|never| match never {});
        }
        return Status::unimplemented(format!("there is no RPC {path}")).into_http();
    };
    let trace = Trace::of(header(&request, "traceparent"), header(&request, "x-request-id").unwrap_or_default());
    let deadline = header(&request, "grpc-timeout")
        .and_then(parse_timeout)
        .map_or(guard.deadline, |asked| asked.min(guard.deadline));
    let authorization = request.headers().get(AUTHORIZATION).cloned();
    let work = pin!(async {
        let token = authorization.as_ref().and_then(bearer);
        match authorise(&guard.verifier, &rpc.need, token).await {
            Ok(Some(caller)) => {
                request.extensions_mut().insert(caller);
            }
            Ok(None) => {}
            Err(refusal) => return refusal.into_http::<Body>(),
        }
        // A panic in a handler ends that call, not the connection with everybody else's calls on it.
        let call = AssertUnwindSafe(routes.call(request)).catch_unwind();
        match tokio::time::timeout(deadline, call).await {
            Ok(Ok(response)) => response.unwrap_or_else(|never| match never {}),
            Ok(Err(_)) => status::internal(&std::io::Error::other("the handler panicked")).into_http(),
            Err(_) => Status::deadline_exceeded("not done within the deadline").into_http(),
        }
    });
    let (response, span) = trace.follow(|| rpc.span(), work).await;
    let code = grpc_code(&response);
    span.record("rpc.grpc.status_code", code);
    rpc.took(code, started.elapsed());
    response
}

fn bearer(value: &HeaderValue) -> Option<&str> {
    let value = value.to_str().ok()?;
    value.strip_prefix("Bearer ").or_else(|| value.strip_prefix("bearer "))
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
fn grpc_code(response: &Response) -> usize {
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
