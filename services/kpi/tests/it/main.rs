//! The kpi service through its RPCs and consumers.

#![expect(clippy::unwrap_used, reason = "what goes wrong in a helper fails its test")]

mod delivery_stock_cohorts;
mod export;
mod facts;
mod grafana;
mod overview;
mod real_data;
mod rebuild;
mod sales;
mod world;

use proto::kpi::v1::{
    maintenance_service_client::MaintenanceServiceClient, report_service_client::ReportServiceClient,
};
use testkit::{TestChannel, TestService};

/// A kpi service with default settings.
async fn start() -> TestService {
    start_with(&kpi::Config::default()).await
}

async fn start_with(config: &kpi::Config) -> TestService {
    TestService::start(kpi::NAME, &kpi::MIGRATOR, |deps| kpi::service(deps, config)).await
}

fn reports(app: &TestService) -> ReportServiceClient<TestChannel> {
    ReportServiceClient::new(app.client(&["kpi.report.read", "kpi.report.export"]))
        .max_decoding_message_size(64 * 1024 * 1024)
}

fn maintenance(app: &TestService) -> MaintenanceServiceClient<TestChannel> {
    MaintenanceServiceClient::new(app.client(&["kpi.report.read", "kpi.facts.rebuild"]))
}

#[tokio::test]
async fn every_statement_fits_the_schema() {
    let app = start().await;
    testkit::sql_check(&app, env!("CARGO_MANIFEST_DIR")).await;
}
