//! crm through its RPCs and events.

#![expect(clippy::unwrap_used, reason = "what goes wrong in a helper fails its test")]

mod support;

mod contacts;
mod customers;
mod identification;
mod orders;
mod privacy;
mod recalls;
mod scoring;

#[tokio::test]
async fn every_statement_fits_the_schema() {
    let app = support::start().await;
    testkit::sql_check(&app, env!("CARGO_MANIFEST_DIR")).await;
}
