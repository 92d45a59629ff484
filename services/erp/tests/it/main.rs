//! The erp service from outside: through its RPCs and the events it is handed.
#![expect(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

mod batches;
mod bins;
mod boms;
mod carts;
mod concurrency;
mod counts;
mod cut_offs;
mod fulfilment;
mod input;
mod items;
mod kit;
mod kits;
mod landed_cost;
mod life_rules;
mod model;
mod model_past;
mod overrides;
mod packing;
mod pickups;
mod promises;
mod putaway;
mod recalls;
mod receipts;
mod replenishment;
mod reservation;
mod returns;
mod runs;
mod slow_movers;
mod stock;
mod traceability;
mod units;
mod valuation;
mod waves;

use kit::Erp;

#[tokio::test]
async fn every_statement_fits_the_schema() {
    let erp = Erp::start().await;
    testkit::sql_check(&erp.app, env!("CARGO_MANIFEST_DIR")).await;
}
