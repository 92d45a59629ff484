//! What is sent on to a service beside the message.

use http::HeaderMap;
use tonic::metadata::MetadataMap;

use super::context::{Context, header};
use crate::access::Access;

/// Headers of the client that services may want.
const PASSED_ON: [&str; 2] = ["accept-language", "user-agent"];

/// The metadata of a call.
pub(super) fn metadata(headers: &HeaderMap, access: &Access, context: &Context, traceparent: &str) -> MetadataMap {
    let mut metadata = MetadataMap::new();
    if let Some(authorization) = &access.authorization {
        metadata.insert("authorization", authorization.clone());
    }
    let mut put = |name: &'static str, value: &str| {
        if let Ok(value) = value.parse() {
            metadata.insert(name, value);
        }
    };
    put("traceparent", traceparent);
    if let Some(state) = header(headers, "tracestate").filter(|_| context.parent.is_some()) {
        put("tracestate", state);
    }
    put("x-request-id", &context.request_id);
    put("x-forwarded-for", &context.address.to_string());
    for name in PASSED_ON {
        if let Some(value) = header(headers, name).filter(|value| value.len() <= 256) {
            // tonic sets user-agent itself.
            put(if name == "user-agent" { "x-user-agent" } else { name }, value);
        }
    }
    metadata
}
