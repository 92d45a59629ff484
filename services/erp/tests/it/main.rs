//! The erp service from outside: through its RPCs and the events it is handed.
#![expect(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

mod batches;
mod boms;
mod carts;
mod concurrency;
mod fulfilment;
mod input;
mod items;
mod kit;
mod life_rules;
mod model;
mod overrides;
mod promises;
mod receipts;
mod reservation;
mod returns;
mod stock;
mod units;

use kit::Erp;

#[tokio::test]
async fn every_statement_fits_the_schema() {
    let erp = Erp::start().await;
    testkit::sql_check(&erp.app, env!("CARGO_MANIFEST_DIR")).await;
}
