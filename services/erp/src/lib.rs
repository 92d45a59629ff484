//! erp: goods. Stock, what it is worth, who gets it, how it reaches the buyer and where it came from.
//!
//! In reading order:
//! - what is kept where: [`items`], [`units`] they are counted in, [`warehouses`] and their [`bins`];
//! - the book: [`ledger`] is the double-entry book everything else posts to, with the lock doctrine; [`valuation`] says what
//!   it all is worth, at any time; [`stock`] shows and corrects, [`counts`] compare the book with the bins;
//! - goods come: [`expected`] says what is to come, [`receipts`] bring it in, [`putaway`] says where it belongs,
//!   [`landed_cost`] what it cost beside its price;
//! - who gets them: [`demand`] is what orders want and [`reservation`] who gets it, by [`life_rules`], [`overrides`] of people
//!   and with [`promises`] of a day;
//! - goods go: [`fulfilment`] takes them to the buyer and [`returns`] brings them back; [`cut_offs`] say by when, [`waves`]
//!   pick many orders in one walk, [`pickups`] wait at the counter, [`runs`] are couriers' and [`cash`] is what they collect;
//! - how much there should be: [`demand_history`] counts what was wanted day by day; by it [`replenishment`] says how much is
//!   to be there, and [`slow_movers`] what lies too long;
//! - what is made of what: [`boms`] say it and what that takes and costs, [`kits`] are put together and taken apart,
//!   [`traceability`] follows lots through all of that, and [`recalls`] bring them back.
//!
//! `consumers` listens to the orders service, `jobs` to the clock.
//!
//! Deliberately absent at this depth: suppliers and purchasing, production orders and planning, carriers' protocols,
//! printed documents, the general ledger.

use std::{sync::Arc, time::Duration};

use messaging::Subscription;
use proto::erp::v1::{
    bin_service_server::BinServiceServer, bom_service_server::BomServiceServer,
    cash_on_delivery_service_server::CashOnDeliveryServiceServer, count_service_server::CountServiceServer,
    cut_off_service_server::CutOffServiceServer, delivery_run_service_server::DeliveryRunServiceServer,
    expected_receipt_service_server::ExpectedReceiptServiceServer, fulfilment_service_server::FulfilmentServiceServer,
    item_service_server::ItemServiceServer, kit_service_server::KitServiceServer,
    landed_cost_service_server::LandedCostServiceServer, life_rule_service_server::LifeRuleServiceServer,
    pickup_service_server::PickupServiceServer, promise_service_server::PromiseServiceServer,
    put_away_service_server::PutAwayServiceServer, recall_service_server::RecallServiceServer,
    receipt_service_server::ReceiptServiceServer, replenishment_service_server::ReplenishmentServiceServer,
    reservation_override_service_server::ReservationOverrideServiceServer,
    reservation_service_server::ReservationServiceServer, slow_mover_service_server::SlowMoverServiceServer,
    stock_service_server::StockServiceServer, trace_service_server::TraceServiceServer,
    unit_service_server::UnitServiceServer, valuation_service_server::ValuationServiceServer,
    warehouse_service_server::WarehouseServiceServer, wave_service_server::WaveServiceServer,
};
use service::{Deps, Service};
use tonic::service::Routes;

use crate::config::Rules;

pub mod bins;
pub mod boms;
pub mod cash;
pub mod config;
mod consumers;
pub mod counts;
pub mod cut_offs;
pub mod demand;
pub mod demand_history;
pub mod error;
pub mod expected;
pub mod fulfilment;
pub mod items;
mod jobs;
pub mod kits;
pub mod landed_cost;
pub mod ledger;
pub mod life_rules;
pub mod overrides;
pub mod pickups;
pub mod promises;
pub mod putaway;
pub mod recalls;
pub mod receipts;
pub mod replenishment;
pub mod reservation;
pub mod returns;
pub mod runs;
pub mod slow_movers;
pub mod stock;
pub mod traceability;
pub mod units;
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
    let orders = consumers::Orders { clock: deps.clock.clone(), rules: rules.clone() };
    Ok(Service {
        name: NAME,
        routes: moving(stocking(Routes::default(), deps, &rules), deps, &rules),
        consumers: vec![Subscription::new("erp_orders", "orders", consumers::ORDERS, orders)],
        jobs: jobs::all(deps, &rules, Duration::from_secs(config.verify_seconds)),
    })
}

/// What is kept where, what it is worth, how much there should be, what it is made of.
fn stocking(routes: Routes, deps: &Deps, rules: &Arc<Rules>) -> Routes {
    let places = stock::queries::Places::default();
    let stock = stock::grpc::Api { deps: deps.clone(), rules: rules.clone(), places };
    routes
        .add_service(ItemServiceServer::new(items::grpc::Api(deps.clone())))
        .add_service(WarehouseServiceServer::new(warehouses::grpc::Api(deps.clone())))
        .add_service(StockServiceServer::new(stock))
        .add_service(TraceServiceServer::new(traceability::grpc::Api(deps.clone())))
        .add_service(UnitServiceServer::new(units::grpc::Api { deps: deps.clone(), rules: rules.clone() }))
        .add_service(BinServiceServer::new(bins::grpc::Api { deps: deps.clone(), rules: rules.clone() }))
        .add_service(CountServiceServer::new(counts::grpc::Api { deps: deps.clone(), rules: rules.clone() }))
        .add_service(ValuationServiceServer::new(valuation::grpc::Api { deps: deps.clone(), rules: rules.clone() }))
        .add_service(ReplenishmentServiceServer::new(replenishment::grpc::Api {
            deps: deps.clone(),
            rules: rules.clone(),
        }))
        .add_service(SlowMoverServiceServer::new(slow_movers::grpc::Api { deps: deps.clone(), rules: rules.clone() }))
        .add_service(BomServiceServer::new(boms::grpc::Api { deps: deps.clone(), rules: rules.clone() }))
        .add_service(KitServiceServer::new(kits::grpc::Api { deps: deps.clone(), rules: rules.clone() }))
        .add_service(RecallServiceServer::new(recalls::grpc::Api { deps: deps.clone(), rules: rules.clone() }))
}

/// What comes, who gets it, and how it goes.
fn moving(routes: Routes, deps: &Deps, rules: &Arc<Rules>) -> Routes {
    routes
        .add_service(ExpectedReceiptServiceServer::new(expected::grpc::Api {
            deps: deps.clone(),
            rules: rules.clone(),
        }))
        .add_service(ReceiptServiceServer::new(receipts::grpc::Api { deps: deps.clone(), rules: rules.clone() }))
        .add_service(PutAwayServiceServer::new(putaway::grpc::Api { deps: deps.clone(), rules: rules.clone() }))
        .add_service(LandedCostServiceServer::new(landed_cost::grpc::Api { deps: deps.clone(), rules: rules.clone() }))
        .add_service(ReservationServiceServer::new(reservation::grpc::Api { deps: deps.clone(), rules: rules.clone() }))
        .add_service(LifeRuleServiceServer::new(life_rules::grpc::Api { deps: deps.clone(), rules: rules.clone() }))
        .add_service(ReservationOverrideServiceServer::new(overrides::grpc::Api {
            deps: deps.clone(),
            rules: rules.clone(),
        }))
        .add_service(PromiseServiceServer::new(promises::grpc::Api { deps: deps.clone(), rules: rules.clone() }))
        .add_service(FulfilmentServiceServer::new(fulfilment::grpc::Api { deps: deps.clone(), rules: rules.clone() }))
        .add_service(CutOffServiceServer::new(cut_offs::grpc::Api { deps: deps.clone(), rules: rules.clone() }))
        .add_service(WaveServiceServer::new(waves::grpc::Api { deps: deps.clone(), rules: rules.clone() }))
        .add_service(PickupServiceServer::new(pickups::grpc::Api { deps: deps.clone(), rules: rules.clone() }))
        .add_service(DeliveryRunServiceServer::new(runs::grpc::Api { deps: deps.clone(), rules: rules.clone() }))
        .add_service(CashOnDeliveryServiceServer::new(cash::grpc::Api { deps: deps.clone(), rules: rules.clone() }))
}
