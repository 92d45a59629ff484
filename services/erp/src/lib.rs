//! erp: stock, reservations and fulfilment.
//!
//! In reading order: [`items`] and [`warehouses`] say what is kept where; [`ledger`] is the double-entry book everything
//! else posts to, with the lock doctrine; [`valuation`] says what it all is worth, at any time; [`receipts`] bring goods in, [`landed_cost`] what that cost beside their price; [`demand`] is what orders want and
//! [`reservation`] who gets it; [`fulfilment`] takes goods to the buyer and [`returns`] brings them back; [`stock`] shows
//! and corrects. [`boms`] say what is made of what, and what that takes and costs. `consumers` listens to the orders service, `jobs` to the clock.
//!
//! Deliberately absent at this depth: several bins a warehouse with routes and barcodes, units other than the item's own (outside bills of material), least remaining life per channel.

use std::{sync::Arc, time::Duration};

use messaging::Subscription;
use proto::erp::v1::{
    bom_service_server::BomServiceServer, fulfilment_service_server::FulfilmentServiceServer,
    item_service_server::ItemServiceServer, landed_cost_service_server::LandedCostServiceServer,
    receipt_service_server::ReceiptServiceServer, reservation_service_server::ReservationServiceServer,
    stock_service_server::StockServiceServer, valuation_service_server::ValuationServiceServer,
    warehouse_service_server::WarehouseServiceServer,
};
use service::{Deps, Service};
use tonic::service::Routes;

pub mod boms;
pub mod config;
mod consumers;
pub mod demand;
pub mod error;
pub mod fulfilment;
pub mod items;
mod jobs;
pub mod landed_cost;
pub mod ledger;
pub mod receipts;
pub mod reservation;
pub mod returns;
pub mod stock;
pub mod valuation;
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
    let valuation = {
        let (deps, rules) = shared();
        valuation::grpc::Api { deps, rules }
    };
    let landed_costs = {
        let (deps, rules) = shared();
        landed_cost::grpc::Api { deps, rules }
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
    let routes = Routes::new(ItemServiceServer::new(items::grpc::Api(deps.clone())))
        .add_service(WarehouseServiceServer::new(warehouses::grpc::Api(deps.clone())))
        .add_service(StockServiceServer::new(stock))
        .add_service(ValuationServiceServer::new(valuation))
        .add_service(ReceiptServiceServer::new(receipts))
        .add_service(LandedCostServiceServer::new(landed_costs))
        .add_service(ReservationServiceServer::new(reservations))
        .add_service(FulfilmentServiceServer::new(fulfilment))
        .add_service(BomServiceServer::new(boms));
    let orders = consumers::Orders { clock: deps.clock.clone(), rules: rules.clone() };
    Ok(Service {
        name: NAME,
        routes,
        consumers: vec![Subscription::new("erp_orders", "orders", consumers::ORDERS, orders)],
        jobs: jobs::all(deps, &rules, Duration::from_secs(config.verify_seconds)),
    })
}
