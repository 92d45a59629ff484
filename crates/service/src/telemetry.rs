//! Logs and traces: structured logs with the trace id, spans to an OTLP collector (OpenTelemetry).

use std::fmt;

use anyhow::Context as _;
use opentelemetry::{KeyValue, trace::TracerProvider as _};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracerProvider},
};
use tracing::Event;
use tracing_subscriber::{
    EnvFilter, Layer as _,
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    layer::SubscriberExt as _,
    registry::LookupSpan,
    util::SubscriberInitExt as _,
};

use crate::config::HostConfig;

/// Keeps the exporter alive; tell it to [`Telemetry::shutdown`] before the process ends.
pub struct Telemetry {
    provider: Option<SdkTracerProvider>,
}

/// Starts logging and, with an OTLP address, tracing. Once a process.
///
/// # Errors
/// When a setting cannot be understood or logging is already started.
pub fn init(config: &HostConfig, process: &str) -> anyhow::Result<Telemetry> {
    let filter = EnvFilter::try_new(&config.log).with_context(|| format!("--log {} is not a filter", config.log))?;
    let format = if config.log_format == "json" {
        let layer = tracing_subscriber::fmt::layer().json().with_writer(std::io::stderr);
        layer.map_event_format(|inner| WithIds { inner, json: true }).with_filter(filter).boxed()
    } else {
        let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
        layer.map_event_format(|inner| WithIds { inner, json: false }).with_filter(filter).boxed()
    };
    let provider = config.otlp_url.as_deref().map(|url| provider(url, process)).transpose()?;
    if provider.is_some() {
        crate::trace::record(config.trace_ratio);
    }
    let traces = provider.as_ref().map(|provider| {
        tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("shopfloor"))
            .with_filter(tracing_subscriber::filter::LevelFilter::INFO)
    });
    tracing_subscriber::registry().with(format).with(traces).try_init().context("logging is already started")?;
    Ok(Telemetry { provider })
}

/// Lines of logs that tell the ids of a request also where it has no span.
struct WithIds<F> {
    inner: F,
    json: bool,
}

impl<S, N, F> FormatEvent<S, N> for WithIds<F>
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(&self, ctx: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let Some(request) = messaging::trace::current_unrecorded() else {
            return self.inner.format_event(ctx, out, event);
        };
        let mut line = String::new();
        self.inner.format_event(ctx, Writer::new(&mut line), event)?;
        let trace_id = messaging::trace::trace_id(&request.traceparent);
        let line = line.trim_end();
        match line.strip_suffix('}').filter(|_| self.json) {
            Some(open) => {
                let request_id = serde_json::Value::from(&*request.request_id);
                writeln!(out, "{open},\"trace_id\":\"{trace_id}\",\"request_id\":{request_id}}}")
            }
            None => writeln!(out, "{line} trace_id={trace_id} request_id={}", request.request_id),
        }
    }
}

/// Traces to the collector at `url`. What is recorded was decided where a request entered, see [`crate::trace`].
fn provider(url: &str, process: &str) -> anyhow::Result<SdkTracerProvider> {
    let exporter = SpanExporter::builder().with_tonic().with_endpoint(url).build().context("cannot export traces")?;
    let resource = Resource::builder()
        .with_service_name(process.to_owned())
        .with_attribute(KeyValue::new("service.namespace", "shopfloor"))
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOn)))
        .with_resource(resource)
        .build())
}

impl Telemetry {
    /// Sends what is still buffered.
    pub fn shutdown(self) {
        if let Some(provider) = self.provider
            && let Err(error) = provider.shutdown()
        {
            tracing::debug!(%error, "traces not flushed");
        }
    }
}
