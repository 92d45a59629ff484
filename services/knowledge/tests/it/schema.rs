//! Every statement fits the schema.

use crate::support::start;

#[tokio::test]
async fn every_statement_fits_the_schema() {
    let app = start().await;
    testkit::sql_check(&app, env!("CARGO_MANIFEST_DIR")).await;
}
