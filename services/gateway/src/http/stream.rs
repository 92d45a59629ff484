//! Answers that are streams: server-sent events, downloads, JSON lines.

use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::{self, Stream};
use http::{HeaderValue, header};
use messaging::trace::trace_id;
use prost_reflect::{DynamicMessage, FieldDescriptor, ReflectMessage, Value};
use tokio::time::{Instant, Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming};

use crate::access::Slot;
use crate::problem::{Place, Problem};
use crate::routing::{Answer, Rpc};
use crate::transcoding::to_json;

/// An event stream is ended after this long: its token has long expired. Clients connect again where they were.
const LONGEST: Duration = Duration::from_secs(3600);

/// What a stream needs to go on.
pub(super) struct Outgoing {
    /// The service's messages.
    pub(super) messages: Streaming<DynamicMessage>,
    /// The place it takes.
    pub(super) _slot: Slot,
    /// Name of the field that says where a client is in the stream.
    pub(super) position: Option<String>,
    /// Trace of the request.
    pub(super) traceparent: String,
    /// Path of the request.
    pub(super) instance: String,
}

impl Outgoing {
    /// The field that says where a client is, for RPCs that can go on from there.
    pub(super) fn position(rpc: &Rpc) -> Option<String> {
        rpc.resume.as_ref().map(|(_, name)| name.clone())
    }

    fn problem(&self, status: Status) -> String {
        let problem = Problem::from(status);
        let place = Place { instance: &self.instance, trace_id: trace_id(&self.traceparent) };
        serde_json::json!({
            "status": problem.status.as_u16(), "reason": problem.reason, "detail": problem.detail,
            "instance": place.instance, "trace_id": place.trace_id,
        })
        .to_string()
    }
}

/// The HTTP answer for a stream. A refusal before the first message is an ordinary problem.
pub(super) async fn respond(
    mut outgoing: Outgoing,
    answer: &Answer,
    heartbeat: Duration,
    cancel: CancellationToken,
) -> Result<Response, Status> {
    match answer {
        Answer::Download(download) => {
            let first = outgoing.messages.message().await?;
            let name = first.as_ref().zip(download.file_name.as_ref());
            let name = name.map(|(first, field)| file_name(first.get_field(field).as_str().unwrap_or_default()));
            let body = Body::from_stream(chunks(outgoing, first, download.data.clone()));
            let mut response = typed(body, download.media_type.clone());
            let headers = response.headers_mut();
            headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
            let disposition = name.and_then(|name| format!("attachment; filename=\"{name}\"").parse().ok());
            headers.insert(
                header::CONTENT_DISPOSITION,
                disposition.unwrap_or_else(|| HeaderValue::from_static("attachment")),
            );
            Ok(response)
        }
        Answer::Lines | Answer::Document => {
            let first = outgoing.messages.message().await?;
            Ok(typed(Body::from_stream(lines(outgoing, first)), HeaderValue::from_static("application/x-ndjson")))
        }
        Answer::Events => {
            let body = Body::from_stream(events(outgoing, heartbeat, cancel));
            let mut response = typed(body, HeaderValue::from_static("text/event-stream"));
            response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
            Ok(response)
        }
    }
}

/// A name that every file system takes: anything but plain letters, digits, `.`, `-` and `_` becomes `_`.
fn file_name(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || ".-_".contains(c) { c } else { '_' };
    name.chars().take(100).map(plain).collect()
}

fn typed(body: Body, media: HeaderValue) -> Response {
    let mut response = body.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, media);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The bytes of a download. An error after the beginning cuts the answer off, so nobody takes half a file for a whole.
fn chunks(
    outgoing: Outgoing,
    first: Option<DynamicMessage>,
    field: FieldDescriptor,
) -> impl Stream<Item = Result<Bytes, Status>> {
    messages(outgoing, first).map(move |message| Ok(message?.get_field(&field).as_bytes().cloned().unwrap_or_default()))
}

fn lines(outgoing: Outgoing, first: Option<DynamicMessage>) -> impl Stream<Item = Result<Bytes, Status>> {
    messages(outgoing, first).map(|message| {
        let mut line = to_json(&message?).map_err(|error| Status::internal(error.to_string()))?;
        line.push(b'\n');
        Ok(Bytes::from(line))
    })
}

fn messages(outgoing: Outgoing, first: Option<DynamicMessage>) -> impl Stream<Item = Result<DynamicMessage, Status>> {
    stream::unfold((outgoing, first, false), |(mut outgoing, first, ended)| async move {
        if ended {
            return None;
        }
        match first {
            Some(first) => Some((Ok(first), (outgoing, None, false))),
            None => match outgoing.messages.message().await {
                Ok(Some(message)) => Some((Ok(message), (outgoing, None, false))),
                Ok(None) => None,
                Err(status) => Some((Err(status), (outgoing, None, true))),
            },
        }
    })
}

/// Server-sent events, with a comment now and then to show life.
struct Events {
    outgoing: Outgoing,
    pulse: Interval,
    end: Instant,
    cancel: CancellationToken,
    ended: bool,
}

fn events(
    outgoing: Outgoing,
    heartbeat: Duration,
    cancel: CancellationToken,
) -> impl Stream<Item = Result<Bytes, std::convert::Infallible>> {
    let mut pulse = tokio::time::interval_at(Instant::now() + heartbeat, heartbeat);
    pulse.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let events = Events { outgoing, pulse, end: Instant::now() + LONGEST, cancel, ended: false };
    let rest = stream::unfold(events, |mut events| async move {
        if events.ended {
            return None;
        }
        let text = events.next().await;
        Some((Ok(Bytes::from(text)), events))
    });
    // Sent at once, so that the client knows it is connected.
    stream::once(async { Ok(Bytes::from_static(b"retry: 2000\n\n")) }).chain(rest)
}

impl Events {
    async fn next(&mut self) -> String {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => {
                self.ended = true;
                ": restarting, connect again\n\n".to_owned()
            }
            message = self.outgoing.messages.message() => match message {
                Ok(Some(message)) => event(&message, self.outgoing.position.as_deref()),
                Ok(None) => {
                    self.ended = true;
                    "event: end\ndata: {}\n\n".to_owned()
                }
                Err(status) => {
                    self.ended = true;
                    format!("event: problem\ndata: {}\n\n", self.outgoing.problem(status))
                }
            },
            () = tokio::time::sleep_until(self.end) => {
                self.ended = true;
                ": an hour is over, connect again\n\n".to_owned()
            }
            _ = self.pulse.tick() => ": still here\n\n".to_owned(),
        }
    }
}

/// A message as an event.
fn event(message: &DynamicMessage, position: Option<&str>) -> String {
    let json = to_json(message).unwrap_or_default();
    let json = String::from_utf8_lossy(&json);
    match position.and_then(|name| find(message, name)) {
        Some(id) => format!("id: {id}\ndata: {json}\n\n"),
        None => format!("data: {json}\n\n"),
    }
}

/// The number in the field of that name, in the message or in one of its parts.
fn find(message: &DynamicMessage, name: &str) -> Option<i64> {
    let direct = message.get_field_by_name(name).and_then(|value| value.as_i64());
    direct.or_else(|| {
        message.descriptor().fields().filter(|field| message.has_field(field)).find_map(|field| {
            match message.get_field(&field).as_ref() {
                Value::Message(part) => part.get_field_by_name(name).and_then(|value| value.as_i64()),
                _ => None,
            }
        })
    })
}
