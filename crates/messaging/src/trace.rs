//! Trace context across the broker (W3C Trace Context, level 1).

use std::{collections::HashMap, future::Future, sync::Arc};

use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::event::{Event, NewEvent};

tokio::task_local! {
    /// While a batch is applied: the trace that each event's, and each aggregate's, consequences belong to.
    static TRACES: HashMap<String, String>;
    /// The request under way, where it is not recorded.
    static UNRECORDED: Unrecorded;
}

/// What ties the logs and consequences of a request together that is not recorded. Most are not, and spans would cost
/// each of them a tenth of its time.
#[derive(Clone, Debug)]
pub struct Unrecorded {
    /// W3C trace context that is sent on.
    pub traceparent: Arc<str>,
    /// `x-request-id`; may be empty.
    pub request_id: Arc<str>,
}

/// Does the work of a request that is not recorded.
pub async fn unrecorded<F: Future>(request: Unrecorded, work: F) -> F::Output {
    UNRECORDED.scope(request, work).await
}

/// The request under way, if it is one that is not recorded.
#[must_use]
pub fn current_unrecorded() -> Option<Unrecorded> {
    UNRECORDED.try_with(Unrecorded::clone).ok()
}

/// The trace id within a trace context.
#[must_use]
pub fn trace_id(traceparent: &str) -> &str {
    traceparent.split('-').nth(1).unwrap_or_default()
}

/// Runs `work` with a trace context known for each of some causes: ids of events and of aggregates.
/// [`crate::outbox::append`] gives events that name such a cause, or belong to such an aggregate, that context, so that a
/// batch that serves many requests keeps their traces apart.
pub async fn with_traces<F: Future>(traces: HashMap<String, String>, work: F) -> F::Output {
    TRACES.scope(traces, work).await
}

/// The trace context for an event: that of its cause, that of its aggregate, or the current span's.
pub(crate) fn traceparent_for(event: &NewEvent, current: &str) -> String {
    let known = TRACES.try_with(|traces| traces.get(&event.cause).or_else(|| traces.get(&event.aggregate_id)).cloned());
    known.ok().flatten().unwrap_or_else(|| current.to_owned())
}

/// The context of the current request or span as a `traceparent`; empty outside of a trace.
#[must_use]
pub fn current_traceparent() -> String {
    let unrecorded = UNRECORDED.try_with(|request| request.traceparent.as_ref().to_owned());
    unrecorded.unwrap_or_else(|_| traceparent_of(&tracing::Span::current()))
}

fn traceparent_of(span: &tracing::Span) -> String {
    to_traceparent(&span.context())
}

/// Writes a context as a `traceparent`; empty when it is none.
#[must_use]
pub fn to_traceparent(context: &opentelemetry::Context) -> String {
    let otel = context.span();
    let otel = otel.span_context();
    if !otel.is_valid() {
        return String::new();
    }
    format!("00-{}-{}-{:02x}", otel.trace_id(), otel.span_id(), otel.trace_flags().to_u8())
}

/// Reads a `traceparent` into the context of a remote parent.
#[must_use]
pub fn remote_parent(traceparent: &str) -> Option<opentelemetry::Context> {
    let mut parts = traceparent.split('-');
    let (_version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let context = SpanContext::new(
        TraceId::from_hex(trace).ok()?,
        SpanId::from_hex(span).ok()?,
        TraceFlags::new(u8::from_str_radix(flags, 16).ok()?),
        true,
        TraceState::default(),
    );
    context.is_valid().then(|| opentelemetry::Context::new().with_remote_span_context(context))
}

/// One span for each sampled event of a batch, as a child of what caused the event, and the map for [`with_traces`].
pub(crate) fn consume_spans(consumer: &str, events: &[Event]) -> (Vec<tracing::Span>, HashMap<String, String>) {
    let mut spans = Vec::new();
    let mut traces = HashMap::new();
    for event in events {
        if event.traceparent.is_empty() {
            continue;
        }
        let mut traceparent = event.traceparent.clone();
        if traceparent.ends_with("-01") {
            let span = tracing::info_span!(
                parent: None,
                "consume",
                otel.name = format!("process {}", event.name),
                otel.kind = "consumer",
                messaging.system = "nats",
                messaging.destination.name = event.full_type(),
                messaging.message.id = %event.id,
                messaging.consumer.group.name = consumer,
            );
            if let Some(parent) = remote_parent(&event.traceparent)
                && span.set_parent(parent).is_ok()
            {
                let own = traceparent_of(&span);
                traceparent = if own.is_empty() { traceparent } else { own };
            }
            spans.push(span);
        }
        traces.insert(event.id.to_string(), traceparent.clone());
        traces.insert(event.aggregate_id.clone(), traceparent);
    }
    (spans, traces)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_request_that_is_not_recorded_still_has_its_trace() {
        let traceparent: Arc<str> = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00".into();
        let request = Unrecorded { traceparent: Arc::clone(&traceparent), request_id: "r".into() };
        assert_eq!(unrecorded(request, async { current_traceparent() }).await, *traceparent);
        assert_eq!(trace_id(&traceparent), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(current_traceparent(), "");
        assert!(current_unrecorded().is_none());
    }

    #[test]
    fn a_traceparent_is_read_or_refused() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let context = remote_parent(good).unwrap();
        assert_eq!(context.span().span_context().trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
        for bad in ["", "00", "00-x-y-01", "00-00000000000000000000000000000000-b7ad6b7169203331-01"] {
            assert!(remote_parent(bad).is_none(), "{bad}");
        }
    }
}
