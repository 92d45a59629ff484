//! CloudEvents 1.0 attributes as NATS headers (binary content mode of the NATS protocol binding), and back.

use anyhow::Context as _;
use async_nats::HeaderMap;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::event::Event;

pub(crate) fn write(event: &Event) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("ce-specversion", "1.0");
    headers.insert("ce-id", event.id.to_string());
    headers.insert("ce-type", event.full_type());
    headers.insert("ce-source", format!("/shopfloor/{}", event.source));
    headers.insert("ce-subject", event.aggregate_id.clone());
    headers.insert("ce-time", event.time.format(&Rfc3339).unwrap_or_default());
    headers.insert("ce-aggregateversion", event.version.to_string());
    headers.insert("content-type", "application/protobuf");
    if !event.traceparent.is_empty() {
        headers.insert("traceparent", event.traceparent.clone());
    }
    headers
}

pub(crate) fn read(message: &async_nats::Message) -> anyhow::Result<Event> {
    let headers = message.headers.as_ref().context("no headers")?;
    let get = |name: &str| headers.get(name).map(|value| value.as_str()).with_context(|| format!("no header {name}"));
    let full_type = get("ce-type")?;
    let mut parts = full_type.split('.');
    let (prefix, source, version, name) = (parts.next(), parts.next(), parts.next(), parts.next());
    let (Some("shopfloor"), Some(source), Some("v1"), Some(name)) = (prefix, source, version, name) else {
        anyhow::bail!("ce-type {full_type} is not ours");
    };
    Ok(Event {
        id: get("ce-id")?.parse().context("ce-id is not a UUID")?,
        source: source.to_owned(),
        name: name.to_owned(),
        aggregate_id: get("ce-subject")?.to_owned(),
        version: get("ce-aggregateversion")?.parse().context("ce-aggregateversion is not a number")?,
        time: OffsetDateTime::parse(get("ce-time")?, &Rfc3339).context("ce-time is not RFC 3339")?,
        traceparent: get("traceparent").unwrap_or_default().to_owned(),
        payload: message.payload.clone(),
    })
}
