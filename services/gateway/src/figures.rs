//! How long requests take, by route.
//!
//! The figure of a route is looked up once for each status: a lookup by labels costs more than the figure.

use std::sync::{PoisonError, RwLock};

use http::Method;
use metrics::Histogram;

/// The figures of one route, as far as they were needed.
#[derive(Default)]
pub(crate) struct Figures {
    known: RwLock<Vec<(Method, u16, Histogram)>>,
}

impl std::fmt::Debug for Figures {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Figures")
    }
}

impl Figures {
    /// The figure of a method and status.
    pub(crate) fn of(&self, method: &Method, status: u16, route: &str) -> Histogram {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let found = known.iter().find(|(its, code, _)| its == method && *code == status);
        if let Some((_, _, found)) = found {
            return found.clone();
        }
        drop(known);
        let made = figure(method, status, route);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.push((method.clone(), status, made.clone()));
        made
    }
}

/// The figure of a method, status and route.
pub(crate) fn figure(method: &Method, status: u16, route: &str) -> Histogram {
    let labels = [("method", label(method).to_owned()), ("route", route.to_owned()), ("status", status.to_string())];
    metrics::histogram!("http_server_request_duration_seconds", &labels)
}

/// The method as a label; whatever clients make up is one.
fn label(method: &Method) -> &str {
    let known = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];
    if known.contains(method) { method.as_str() } else { "other" }
}
