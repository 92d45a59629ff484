//! One order is one trace, from the HTTP request to the last consumer, as an OpenTelemetry collector sees it.

#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "../e2e/company.rs"]
#[expect(dead_code, reason = "shared with the e2e tests, which use all of it")]
mod company;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use company::{CHANNEL, Company};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::json;
use tonic::{Request, Response, Status};

/// Keeps every span it is sent.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Span>>>);

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let scopes = request.into_inner().resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
        self.0.lock().unwrap().extend(scopes.flat_map(|scope| scope.spans));
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Collector {
    async fn start() -> (Self, String) {
        let collector = Self::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let incoming = tonic::transport::server::TcpIncoming::from(listener);
        let server = tonic::transport::Server::builder().add_service(TraceServiceServer::new(collector.clone()));
        tokio::spawn(server.serve_with_incoming(incoming));
        (collector, address)
    }

    fn of_trace(&self, trace_id: &str) -> Vec<Span> {
        let spans = self.0.lock().unwrap();
        spans.iter().filter(|span| hex(&span.trace_id) == trace_id).cloned().collect()
    }

    /// Consumers that took part in a trace.
    fn consumers(&self, trace_id: &str) -> BTreeSet<String> {
        self.of_trace(trace_id).iter().filter_map(|s| attribute(s, "messaging.consumer.group.name")).collect()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn attribute(span: &Span, key: &str) -> Option<String> {
    let value = span.attributes.iter().find(|a| a.key == key)?.value.clone()?.value?;
    match value {
        Value::StringValue(text) => Some(text),
        _ => None,
    }
}

/// Pushes an order with a trace context of our own, as a shop that traces its checkout does.
async fn push(company: &Company, external_id: &str, traceparent: &str) {
    let order = json!({"order": {
        "channel": CHANNEL, "external_id": external_id, "currency": "RUB", "prices_include_tax": true,
        "lines": [{"kind": "LINE_KIND_GOODS", "sku": "A", "quantity": {"value": "1", "unit": "pcs"},
                   "unit_price": {"currency": "RUB", "amount": "100"}}],
        "buyer": {"email": "anna@example.com"},
    }});
    let tokens = service::InternalTokens::new("test", &company.suite.home.secrets.internal_secret);
    let token = tokens.token(&["orders.order.push"], time::OffsetDateTime::now_utc()).unwrap();
    let answer = reqwest::Client::new()
        .post(format!("{}/v1/orders", company.suite.http()))
        .header("authorization", format!("Bearer {token}"))
        .header("traceparent", traceparent)
        .json(&order)
        .send()
        .await
        .unwrap();
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_order_is_one_trace_from_the_http_request_to_the_kpi_row() {
    let (collector, address) = Collector::start().await;
    let mut args = suite::up::UpArgs::defaults();
    args.otlp_url = Some(address);
    let telemetry = service::telemetry::init(&args.host(String::new(), String::new()), "shopfloor-test").unwrap();
    let company = Company::start("RUB").await;
    company.stocked("A", 10).await;

    // First hop: who listens to orders. Second hop: who listens to what erp made of it.
    let of_the_order = ["crm_orders", "erp_orders", "kpi_orders", "tasks_orders", "orders_erp", "tasks_erp"];
    // Third hop: who listens to what tasks made of that.
    let of_its_task = ["kpi_tasks", "orders_tasks"];
    let everybody = of_the_order.iter().chain(&of_its_task).copied().collect::<Vec<_>>();

    // One order alone, then two at the same time: a consumer may take both in one batch and must keep them apart.
    let traces =
        ["0af7651916cd43dd8448eb211c80319c", "1bf7651916cd43dd8448eb211c80319d", "2cf7651916cd43dd8448eb211c80319e"];
    let parents = traces.map(|trace| format!("00-{trace}-b7ad6b7169203331-01"));
    push(&company, "1", &parents[0]).await;
    company.quiet().await;
    tokio::join!(push(&company, "2", &parents[1]), push(&company, "3", &parents[2]));
    company.quiet().await;

    for trace in traces {
        let missing = || {
            let seen = collector.consumers(trace);
            everybody.iter().filter(|consumer| !seen.contains(**consumer)).copied().collect::<Vec<_>>()
        };
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(30);
        while !missing().is_empty() {
            assert!(tokio::time::Instant::now() < deadline, "{trace} never reached {:?}", missing());
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        let spans = collector.of_trace(trace);
        let names: BTreeSet<&str> = spans.iter().map(|span| span.name.as_str()).collect();
        assert!(names.contains("shopfloor.orders.v1.IntakeService/PushOrder"), "{names:?}");
        // Every span but the shop's own has its parent in the same trace.
        let ids: BTreeSet<String> = spans.iter().map(|span| hex(&span.span_id)).collect();
        let orphans: Vec<_> = spans
            .iter()
            .filter(|s| hex(&s.parent_span_id) != "b7ad6b7169203331" && !ids.contains(&hex(&s.parent_span_id)))
            .map(|s| s.name.as_str())
            .collect();
        assert!(orphans.is_empty(), "{orphans:?}");
    }
    company.stop().await;
    telemetry.shutdown();
}
