//! erp: stock, reservations and fulfilment.
//!
//! In reading order: [`items`] and [`warehouses`] say what is kept where; [`ledger`] is the double-entry book everything
//! else posts to, with the lock doctrine; [`valuation`] says what it all is worth, at any time; [`receipts`] bring goods in, [`landed_cost`] what that cost beside their price; [`demand`] is what orders want and
//! [`reservation`] who gets it; [`fulfilment`] takes goods to the buyer and [`returns`] brings them back; [`stock`] shows
//! and corrects. [`boms`] say what is made of what, and what that takes and costs. [`kits`] are put together and taken apart;
//! [`traceability`] follows lots through all of that, and [`recalls`] bring them back. `consumers` listens to the orders service, `jobs` to the clock.
//! else posts to, with the lock doctrine; [`receipts`] bring goods in; [`demand`] is what orders want and
//! [`reservation`] who gets it; [`fulfilment`] takes goods to the buyer and [`returns`] brings them back: [`cut_offs`] say
//! by when, [`waves`] pick many orders in one walk, [`pickups`] wait at the counter, [`runs`] are couriers' and [`cash`] is
//! what they collect; [`stock`] shows and corrects. [`boms`] say what is made of what, and what that takes and costs. `consumers` listens to the orders service, `jobs` to the clock.
//! and corrects. [`boms`] say what is made of what, and what that takes and costs. [`demand_history`] counts what was
//! wanted day by day; by it [`replenishment`] says how much is to be there, and [`slow_movers`] what lies too long. `consumers` listens to the orders service, `jobs` to the clock.
//!
//! Deliberately absent at this depth: several bins a warehouse with routes and barcodes, units other than the item's own (outside bills of material), least remaining life per channel.
//! In reading order: [`items`], [`warehouses`] and [`bins`] say what is kept where; [`ledger`] is the double-entry book everything
//! else posts to, with the lock doctrine; [`receipts`] bring goods in and [`putaway`] says where they belong; [`demand`] is what orders want and
//! [`reservation`] who gets it; [`fulfilment`] takes goods to the buyer and [`returns`] brings them back; [`stock`] shows
//! and corrects, and [`counts`] compare the books with the bins. [`boms`] say what is made of what, and what that takes and costs. `consumers` listens to the orders service, `jobs` to the clock.
//!
//! Deliberately absent at this depth: valuation methods other than
//! actual cost per lot, back-dated corrections, units other than the item's own (outside bills of material), least remaining life per channel.

use std::{sync::Arc, time::Duration};

use messaging::Subscription;
use proto::erp::v1::{
    bom_service_server::BomServiceServer, cash_on_delivery_service_server::CashOnDeliveryServiceServer, cut_off_service_server::CutOffServiceServer, delivery_run_service_server::DeliveryRunServiceServer, fulfilment_service_server::FulfilmentServiceServer, item_service_server::ItemServiceServer, kit_service_server::KitServiceServer, landed_cost_service_server::LandedCostServiceServer, pickup_service_server::PickupServiceServer, recall_service_server::RecallServiceServer, receipt_service_server::ReceiptServiceServer, reservation_service_server::ReservationServiceServer, stock_service_server::StockServiceServer, trace_service_server::TraceServiceServer, valuation_service_server::ValuationServiceServer, warehouse_service_server::WarehouseServiceServer, wave_service_server::WaveServiceServer,
    bin_service_server::BinServiceServer, bom_service_server::BomServiceServer,
    count_service_server::CountServiceServer, fulfilment_service_server::FulfilmentServiceServer,
    item_service_server::ItemServiceServer, put_away_service_server::PutAwayServiceServer,
    receipt_service_server::ReceiptServiceServer, reservation_service_server::ReservationServiceServer,
    stock_service_server::StockServiceServer, warehouse_service_server::WarehouseServiceServer,
    bom_service_server::BomServiceServer, fulfilment_service_server::FulfilmentServiceServer,
    item_service_server::ItemServiceServer, receipt_service_server::ReceiptServiceServer,
    replenishment_service_server::ReplenishmentServiceServer, reservation_service_server::ReservationServiceServer,
    slow_mover_service_server::SlowMoverServiceServer, stock_service_server::StockServiceServer,
    warehouse_service_server::WarehouseServiceServer,
};
use service::{Deps, Service};
use tonic::service::Routes;

pub mod bins;
pub mod boms;
pub mod cash;
pub mod config;
mod consumers;
pub mod cut_offs;
pub mod counts;
pub mod demand;
pub mod demand_history;
pub mod error;
pub mod fulfilment;
pub mod items;
mod jobs;
pub mod kits;
pub mod landed_cost;
pub mod ledger;
pub mod recalls;
pub mod pickups;
pub mod putaway;
pub mod receipts;
pub mod replenishment;
pub mod reservation;
pub mod returns;
pub mod runs;
pub mod slow_movers;
pub mod stock;
pub mod traceability;
pub mod valuation;
pub mod warehouses;
pub mod waves;

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
    let waves = {
        let (deps, rules) = shared();
        waves::grpc::Api { deps, rules }
    };
    let pickups = {
        let (deps, rules) = shared();
        pickups::grpc::Api { deps, rules }
    };
    let runs = {
        let (deps, rules) = shared();
        runs::grpc::Api { deps, rules }
    };
    let cash = {
        let (deps, rules) = shared();
        cash::grpc::Api { deps, rules }
    };
    let boms = {
        let (deps, rules) = shared();
        boms::grpc::Api { deps, rules }
    };
    let kits = {
        let (deps, rules) = shared();
        kits::grpc::Api { deps, rules }
    };
    let recalls = {
        let (deps, rules) = shared();
        recalls::grpc::Api { deps, rules }
    let bins = {
        let (deps, rules) = shared();
        bins::grpc::Api { deps, rules }
    };
    let put_away = {
        let (deps, rules) = shared();
        putaway::grpc::Api { deps, rules }
    };
    let counts = {
        let (deps, rules) = shared();
        counts::grpc::Api { deps, rules }
    let replenishment = {
        let (deps, rules) = shared();
        replenishment::grpc::Api { deps, rules }
    };
    let slow_movers = {
        let (deps, rules) = shared();
        slow_movers::grpc::Api { deps, rules }
    };
    let routes = Routes::new(ItemServiceServer::new(items::grpc::Api(deps.clone())))
        .add_service(WarehouseServiceServer::new(warehouses::grpc::Api(deps.clone())))
        .add_service(BinServiceServer::new(bins))
        .add_service(PutAwayServiceServer::new(put_away))
        .add_service(CountServiceServer::new(counts))
        .add_service(StockServiceServer::new(stock))
        .add_service(ValuationServiceServer::new(valuation))
        .add_service(ReceiptServiceServer::new(receipts))
        .add_service(LandedCostServiceServer::new(landed_costs))
        .add_service(ReservationServiceServer::new(reservations))
        .add_service(FulfilmentServiceServer::new(fulfilment))
        .add_service(BomServiceServer::new(boms))
        .add_service(KitServiceServer::new(kits))
        .add_service(TraceServiceServer::new(traceability::grpc::Api(deps.clone())))
        .add_service(RecallServiceServer::new(recalls));
        .add_service(CutOffServiceServer::new(cut_offs::grpc::Api { deps: deps.clone(), rules: rules.clone() }))
        .add_service(WaveServiceServer::new(waves))
        .add_service(PickupServiceServer::new(pickups))
        .add_service(DeliveryRunServiceServer::new(runs))
        .add_service(CashOnDeliveryServiceServer::new(cash))
        .add_service(BomServiceServer::new(boms));
        .add_service(ReplenishmentServiceServer::new(replenishment))
        .add_service(SlowMoverServiceServer::new(slow_movers));
    let orders = consumers::Orders { clock: deps.clock.clone(), rules: rules.clone() };
    Ok(Service {
        name: NAME,
        routes,
        consumers: vec![Subscription::new("erp_orders", "orders", consumers::ORDERS, orders)],
        jobs: jobs::all(deps, &rules, Duration::from_secs(config.verify_seconds)),
    })
}
