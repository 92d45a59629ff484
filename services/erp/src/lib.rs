//! erp: stock, reservations and fulfilment.
//!
//! In reading order: [`items`], [`units`] and [`warehouses`] say what is kept where, counted in what; [`ledger`] is the double-entry book everything
//! else posts to, with the lock doctrine; [`receipts`] bring goods in, [`expected`] says what is to come; [`demand`] is what
//! orders want and [`reservation`] who gets it, by [`life_rules`], [`overrides`] of people and with [`promises`] of a day; [`fulfilment`] takes goods to the buyer and [`returns`] brings them back; [`stock`] shows
//! and corrects. [`boms`] say what is made of what, and what that takes and costs. `consumers` listens to the orders service, `jobs` to the clock.
//!
//! Deliberately absent at this depth: several bins a warehouse with routes and barcodes, valuation methods other than
//! actual cost per lot, back-dated corrections.

use std::{sync::Arc, time::Duration};

use messaging::Subscription;
use proto::erp::v1::{
    bom_service_server::BomServiceServer, expected_receipt_service_server::ExpectedReceiptServiceServer,
    fulfilment_service_server::FulfilmentServiceServer, item_service_server::ItemServiceServer,
    life_rule_service_server::LifeRuleServiceServer, promise_service_server::PromiseServiceServer,
    receipt_service_server::ReceiptServiceServer,
    reservation_override_service_server::ReservationOverrideServiceServer,
    reservation_service_server::ReservationServiceServer, stock_service_server::StockServiceServer,
    unit_service_server::UnitServiceServer, warehouse_service_server::WarehouseServiceServer,
};
use service::{Deps, Service};
use tonic::service::Routes;

pub mod boms;
pub mod config;
mod consumers;
pub mod demand;
pub mod error;
pub mod expected;
pub mod fulfilment;
pub mod items;
mod jobs;
pub mod ledger;
pub mod life_rules;
pub mod overrides;
pub mod promises;
pub mod receipts;
pub mod reservation;
pub mod returns;
pub mod stock;
pub mod units;
pub mod warehouses;

pub use config::Config;

/// Name of the service.
pub const NAME: &str = "erp";

/// Its tables.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// The service, ready to be hosted.
///
/// # Errors
/// When a setting is wrong.
pub fn service(deps: &Deps, config: &Config) -> anyhow::Result<Service> {
    let rules = Arc::new(config::Rules::new(config)?);
    let shared = || (deps.clone(), rules.clone());
    let stock = {
        let (deps, rules) = shared();
        stock::grpc::Api { deps, rules, places: stock::queries::Places::default() }
    };
    let receipts = {
        let (deps, rules) = shared();
        receipts::grpc::Api { deps, rules }
    };
    let reservations = {
        let (deps, rules) = shared();
        reservation::grpc::Api { deps, rules }
    };
    let fulfilment = {
        let (deps, rules) = shared();
        fulfilment::grpc::Api { deps, rules }
    };
    let boms = {
        let (deps, rules) = shared();
        boms::grpc::Api { deps, rules }
    };
    let units = {
        let (deps, rules) = shared();
        units::grpc::Api { deps, rules }
    };
    let expected = {
        let (deps, rules) = shared();
        expected::grpc::Api { deps, rules }
    };
    let promises = {
        let (deps, rules) = shared();
        promises::grpc::Api { deps, rules }
    };
    let life_rules = {
        let (deps, rules) = shared();
        life_rules::grpc::Api { deps, rules }
    };
    let overrides = {
        let (deps, rules) = shared();
        overrides::grpc::Api { deps, rules }
    };
    let routes = Routes::new(ItemServiceServer::new(items::grpc::Api(deps.clone())))
        .add_service(WarehouseServiceServer::new(warehouses::grpc::Api(deps.clone())))
        .add_service(StockServiceServer::new(stock))
        .add_service(ReceiptServiceServer::new(receipts))
        .add_service(ReservationServiceServer::new(reservations))
        .add_service(FulfilmentServiceServer::new(fulfilment))
        .add_service(BomServiceServer::new(boms))
        .add_service(UnitServiceServer::new(units))
        .add_service(ExpectedReceiptServiceServer::new(expected))
        .add_service(PromiseServiceServer::new(promises))
        .add_service(LifeRuleServiceServer::new(life_rules))
        .add_service(ReservationOverrideServiceServer::new(overrides));
    let orders = consumers::Orders { clock: deps.clock.clone(), rules: rules.clone() };
    Ok(Service {
        name: NAME,
        routes,
        consumers: vec![Subscription::new("erp_orders", "orders", consumers::ORDERS, orders)],
        jobs: jobs::all(deps, &rules, Duration::from_secs(config.verify_seconds)),
    })
}
