//! Logs and traces: structured logs with the trace id, spans to an OTLP collector (OpenTelemetry).

use anyhow::Context as _;
use opentelemetry::{KeyValue, trace::TracerProvider as _};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracerProvider},
};
use tracing_subscriber::{EnvFilter, Layer as _, layer::SubscriberExt as _, util::SubscriberInitExt as _};

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
        tracing_subscriber::fmt::layer().json().with_writer(std::io::stderr).with_filter(filter).boxed()
    } else {
        tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_filter(filter).boxed()
    };
    let provider = config.otlp_url.as_deref().map(|url| provider(url, config.trace_ratio, process)).transpose()?;
    let traces = provider.as_ref().map(|provider| {
        tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("shopfloor"))
            .with_filter(tracing_subscriber::filter::LevelFilter::INFO)
    });
    tracing_subscriber::registry().with(format).with(traces).try_init().context("logging is already started")?;
    Ok(Telemetry { provider })
}

/// Traces to the collector at `url`; the caller's choice to sample wins over `ratio`.
fn provider(url: &str, ratio: f64, process: &str) -> anyhow::Result<SdkTracerProvider> {
    let exporter = SpanExporter::builder().with_tonic().with_endpoint(url).build().context("cannot export traces")?;
    let resource = Resource::builder()
        .with_service_name(process.to_owned())
        .with_attribute(KeyValue::new("service.namespace", "shopfloor"))
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(ratio))))
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
