//! Whether a request is recorded: decided once, where it enters the suite or this process.

use std::{future::Future, sync::OnceLock};

use messaging::trace::{Unrecorded, current_unrecorded, remote_parent, to_traceparent, unrecorded};
use opentelemetry::{Context, trace::TraceContextExt as _};
use tracing::{Instrument as _, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// The share of requests that is recorded when nobody has decided yet. Not set where there is no collector.
static RATIO: OnceLock<f64> = OnceLock::new();

/// From now on requests are recorded: those their caller chose, and this share of the others.
pub(crate) fn record(ratio: f64) {
    if RATIO.set(ratio).is_err() {
        tracing::debug!("the share of requests that is recorded is already set");
    }
}

/// How a request is traced.
#[derive(Debug)]
pub enum Trace {
    /// It came from within this process, in a request that is not recorded.
    Within,
    /// In a span, below the caller's.
    Recorded(Option<Context>),
    /// Without a span; its ids are sent on and stand in its logs.
    Unrecorded(Unrecorded),
}

impl Trace {
    /// As the caller chose in its `traceparent`, else by chance.
    #[must_use]
    pub fn of(traceparent: Option<&str>, request_id: &str) -> Self {
        if current_unrecorded().is_some() {
            return Self::Within;
        }
        let parent = traceparent.and_then(remote_parent);
        let recorded = RATIO.get().is_some_and(|ratio| match &parent {
            Some(parent) => parent.span().span_context().is_sampled(),
            None => rand::random::<f64>() < *ratio,
        });
        if recorded {
            return Self::Recorded(parent);
        }
        let traceparent = parent.as_ref().map_or_else(new_traceparent, to_traceparent);
        Self::Unrecorded(Unrecorded { traceparent: traceparent.into(), request_id: request_id.into() })
    }

    /// Does the work, in a span if there is one; the span comes back for what is known only at the end.
    pub async fn follow<F: Future>(self, span: impl FnOnce() -> Span, work: F) -> (F::Output, Span) {
        match self {
            Self::Within => (work.await, Span::none()),
            Self::Unrecorded(request) => (unrecorded(request, work).await, Span::none()),
            Self::Recorded(parent) => {
                let span = span();
                if let Some(parent) = parent {
                    span.set_parent(parent).ok();
                }
                (work.instrument(span.clone()).await, span)
            }
        }
    }
}

/// A trace context of its own that is not recorded, so that a trace id always ties answer and logs together.
fn new_traceparent() -> String {
    format!("00-{:032x}-{:016x}-00", rand::random::<u128>().max(1), rand::random::<u64>().max(1))
}

#[cfg(test)]
mod tests {
    use messaging::trace::current_traceparent;

    use super::*;

    const SENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

    #[tokio::test]
    async fn without_a_collector_ids_are_passed_on_without_a_span() {
        let span = || tracing::info_span!("never");
        let (seen, span_made) = Trace::of(Some(SENT), "r").follow(span, async { current_traceparent() }).await;
        assert_eq!((seen.as_str(), span_made.is_none()), (SENT, true));
        let (seen, _) = Trace::of(Some("nonsense"), "r").follow(span, async { current_traceparent() }).await;
        assert!(remote_parent(&seen).is_some() && seen.ends_with("-00"), "{seen}");
        let inner = async { matches!(Trace::of(None, ""), Trace::Within) };
        assert!(Trace::of(None, "r").follow(span, inner).await.0, "a call within a request belongs to it");
    }
}
