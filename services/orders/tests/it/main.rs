//! orders through its RPCs and events.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod access;
mod cases;
mod catalogue;
mod consumers;
mod contacts;
mod import;
mod intake;
mod life;
mod machines;
mod payments;
mod prices;
mod returns;
mod stuck;
mod support;
mod watch;

#[tokio::test]
async fn every_statement_fits_the_schema() {
    let shop = support::start().await;
    testkit::sql_check(&shop.app, env!("CARGO_MANIFEST_DIR")).await;
}
