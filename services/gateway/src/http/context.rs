//! What is known about a request besides its content: its id, its trace, its sender's address.

use std::net::IpAddr;

use axum::extract::Request;
use http::HeaderMap;

use super::serve::Peer;

/// Longest request id taken over from a client.
const LONGEST_ID: usize = 128;

/// What is known about a request.
#[derive(Debug, Clone)]
pub(super) struct Context {
    /// `x-request-id`, the client's or a new one.
    pub(super) request_id: String,
    /// W3C trace context of the client, if it sent a good one.
    pub(super) parent: Option<String>,
    /// Address of the client.
    pub(super) address: IpAddr,
}

impl Context {
    /// Reads the headers.
    pub(super) fn of(request: &Request, behind_proxy: bool) -> Self {
        let headers = request.headers();
        let sent = header(headers, "x-request-id");
        let good =
            |id: &&str| !id.is_empty() && id.len() <= LONGEST_ID && id.bytes().all(|byte| byte.is_ascii_graphic());
        let request_id = sent.filter(good).map_or_else(|| service::new_id().to_string(), str::to_owned);
        let parent = header(headers, "traceparent").filter(|text| messaging::trace::remote_parent(text).is_some());
        let peer = request.extensions().get::<Peer>().map(|peer| peer.0.ip());
        // Behind a proxy the last address is the one the proxy saw; those before are what the client claims.
        let forwarded = header(headers, "x-forwarded-for").filter(|_| behind_proxy);
        let forwarded = forwarded.and_then(|list| list.rsplit(',').next()?.trim().parse().ok());
        let address = forwarded.or(peer).unwrap_or(IpAddr::from([127, 0, 0, 1]));
        Self { request_id, parent: parent.map(str::to_owned), address }
    }
}

/// A header as text.
pub(super) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
