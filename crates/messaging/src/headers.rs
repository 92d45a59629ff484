//! CloudEvents 1.0 attributes as NATS headers (binary content mode of the NATS protocol binding), and back.

use anyhow::Context as _;
use async_nats::{HeaderMap, HeaderName};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::event::Event;

// Made once: a name given as text is checked and copied each time.
static SPEC_VERSION: HeaderName = HeaderName::from_static("ce-specversion");
static ID: HeaderName = HeaderName::from_static("ce-id");
static TYPE: HeaderName = HeaderName::from_static("ce-type");
static SOURCE: HeaderName = HeaderName::from_static("ce-source");
static SUBJECT: HeaderName = HeaderName::from_static("ce-subject");
static TIME: HeaderName = HeaderName::from_static("ce-time");
static VERSION: HeaderName = HeaderName::from_static("ce-aggregateversion");
static CONTENT_TYPE: HeaderName = HeaderName::from_static("content-type");
static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

pub(crate) fn write(event: &Event) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(SPEC_VERSION.clone(), "1.0");
    headers.insert(ID.clone(), event.id.to_string());
    headers.insert(TYPE.clone(), event.full_type());
    headers.insert(SOURCE.clone(), format!("/shopfloor/{}", event.source));
    headers.insert(SUBJECT.clone(), event.aggregate_id.clone());
    headers.insert(TIME.clone(), event.time.format(&Rfc3339).unwrap_or_default());
    headers.insert(VERSION.clone(), event.version.to_string());
    headers.insert(CONTENT_TYPE.clone(), "application/protobuf");
    if !event.traceparent.is_empty() {
        headers.insert(TRACEPARENT.clone(), event.traceparent.clone());
    }
    headers
}

pub(crate) fn read(message: &async_nats::Message) -> anyhow::Result<Event> {
    let headers = message.headers.as_ref().context("no headers")?;
    let find = |name: &'static HeaderName| headers.get(name.clone()).map(|value| value.as_str());
    let get = |name: &'static HeaderName| find(name).with_context(|| format!("no header {name}"));
    let full_type = get(&TYPE)?;
    let mut parts = full_type.split('.');
    let (prefix, source, version, name) = (parts.next(), parts.next(), parts.next(), parts.next());
    let (Some("shopfloor"), Some(source), Some("v1"), Some(name)) = (prefix, source, version, name) else {
        anyhow::bail!("ce-type {full_type} is not ours");
    };
    Ok(Event {
        id: get(&ID)?.parse().context("ce-id is not a UUID")?,
        source: source.to_owned(),
        name: name.to_owned(),
        aggregate_id: get(&SUBJECT)?.to_owned(),
        version: get(&VERSION)?.parse().context("ce-aggregateversion is not a number")?,
        time: OffsetDateTime::parse(get(&TIME)?, &Rfc3339).context("ce-time is not RFC 3339")?,
        traceparent: find(&TRACEPARENT).unwrap_or_default().to_owned(),
        payload: message.payload.clone(),
    })
}
