//! The erp service from outside: through its RPCs and the events it is handed.
#![expect(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

mod batches;
mod bins;
mod boms;
mod concurrency;
mod cut_offs;
mod counts;
mod fulfilment;
mod input;
mod items;
mod kit;
mod kits;
mod landed_cost;
mod model;
mod recalls;
mod packing;
mod pickups;
mod putaway;
mod receipts;
mod replenishment;
mod reservation;
mod returns;
mod runs;
mod stock;
mod traceability;
mod valuation;
mod waves;
mod slow_movers;
mod stock;
mod tmp_speed;

use kit::Erp;

#[tokio::test]
async fn every_statement_fits_the_schema() {
    let erp = Erp::start().await;
    testkit::sql_check(&erp.app, env!("CARGO_MANIFEST_DIR")).await;
}
