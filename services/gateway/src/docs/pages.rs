//! The pages: OpenAPI document and the reader for it, without anything from elsewhere.

use std::io::Write as _;
use std::sync::Arc;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderValue, header};

use super::openapi::document;
use crate::routing::Route;

const POLICY: &str = "default-src 'none'; connect-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The document in both forms.
struct Openapi {
    plain: Bytes,
    gzip: Bytes,
}

/// Routes of the pages.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>(routes: &[Route]) -> anyhow::Result<Router<S>> {
    let plain = serde_json::to_vec(&document(proto::descriptor_pool(), routes))?;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(&plain)?;
    let openapi = Arc::new(Openapi { plain: plain.into(), gzip: gzip.finish()?.into() });
    Ok(Router::new()
        .route("/openapi.json", get(move |headers: HeaderMap| async move { openapi_json(&openapi, &headers) }))
        .route("/docs", get(|| async { page("text/html; charset=utf-8", include_str!("page.html")) }))
        .route("/docs/page.css", get(|| async { page("text/css; charset=utf-8", include_str!("page.css")) }))
        .route("/docs/page.js", get(|| async { page("text/javascript; charset=utf-8", include_str!("page.js")) })))
}

fn openapi_json(openapi: &Openapi, headers: &HeaderMap) -> Response {
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let compressed = accepted.split(',').any(|coding| coding.trim().split(';').next() == Some("gzip"));
    let mut response = if compressed {
        ([(header::CONTENT_ENCODING, "gzip")], openapi.gzip.clone()).into_response()
    } else {
        openapi.plain.clone().into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("max-age=60"));
    response
}

fn page(media: &'static str, text: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, media),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "max-age=60"),
    ];
    (headers, text).into_response()
}
