//! Orders: the catalogue, prices, and the life of every order from the push of a shop to the last return.
//!
//! In reading order:
//! - [`catalogue`], [`prices`], [`import`]: what is sold and for how much.
//! - [`channels`], [`intake`]: how an order comes in, exactly once, and what it is worth.
//! - [`life`]: its three state machines, history, cancellation, and everybody's view of it.
//! - [`fulfilment`]: what the warehouse tells.
//! - [`payments`], [`returns`]: money and goods that move later.
//! - [`contacts`]: personal data on its way to crm, and nowhere else here.

pub mod catalogue;
pub mod channels;
pub mod config;
mod consumers;
pub mod contacts;
pub mod error;
pub mod fulfilment;
pub mod import;
pub mod intake;
pub mod life;
pub mod payments;
pub mod prices;
pub mod returns;

pub use config::Config;

use proto::orders::v1::{
    intake_service_server::IntakeServiceServer, order_service_server::OrderServiceServer,
    payment_service_server::PaymentServiceServer, price_service_server::PriceServiceServer,
    product_service_server::ProductServiceServer, return_service_server::ReturnServiceServer,
};
use service::{Deps, Service};
use tonic::service::RoutesBuilder;

/// The service's name.
pub const NAME: &str = "orders";

/// The service's tables.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// Bytes of one request at most: a part of an import and what is around it, or 500 orders.
const LARGEST_REQUEST: usize = 8 * 1024 * 1024;

/// Builds the service.
///
/// # Errors
/// When a setting is wrong.
pub fn service(deps: &Deps, config: &Config) -> anyhow::Result<Service> {
    let hub = life::grpc::Hub::default();
    let queue = intake::grpc::Queue::start(deps, config);
    let products = catalogue::grpc::ProductGrpc::new(deps.clone(), config.orders_vat_rate);
    let mut routes = RoutesBuilder::default();
    routes
        .add_service(ProductServiceServer::new(products).max_decoding_message_size(LARGEST_REQUEST))
        .add_service(PriceServiceServer::new(prices::grpc::PriceGrpc::new(deps.clone())))
        .add_service(
            IntakeServiceServer::new(intake::grpc::IntakeGrpc::new(deps.clone(), queue))
                .max_decoding_message_size(LARGEST_REQUEST),
        )
        .add_service(OrderServiceServer::new(life::grpc::OrderGrpc::new(deps.clone(), hub.clone())))
        .add_service(PaymentServiceServer::new(payments::grpc::PaymentGrpc::new(deps.clone(), hub.clone())))
        .add_service(ReturnServiceServer::new(returns::grpc::ReturnGrpc::new(deps.clone(), hub.clone())));
    Ok(Service {
        name: NAME,
        routes: routes.routes(),
        consumers: consumers::subscriptions(&hub),
        jobs: vec![
            contacts::jobs::hand_over(deps, config)?,
            import::jobs::sweep(deps),
            life::jobs::measure(deps, config),
        ],
    })
}
