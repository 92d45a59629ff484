//! crm: customers, what they bought, and how good they are.
//!
//! In reading order: [`identification`] says who is who, from the contacts of orders; [`customers`] is the card;
//! [`orders`] keeps a small fact per order from events; [`scoring`] makes figures and scores of the facts and keeps them
//! fresh; [`contacts`] is the log of what was said; [`recalls`] say who has recalled
//! goods; [`privacy`] hands over and erases personal data.
//!
//! Always true: a phone, e-mail or account belongs to one customer; a customer's figures are the sums over the
//! customer's order facts (`RescoreAll` proves it); personal data is in `customer.name`, `customer_contact` and
//! `contact_record.note` and in no event. Locks are taken in the order contacts, order facts, customers.
//!
//! Absent: merging customers, segments, loyalty, offers, campaigns; parameter 12 and the lifetime value, which need a
//! fitted purchase model.

pub mod config;
mod consumers;
pub mod contacts;
pub mod customers;
pub mod error;
pub mod identification;
pub mod orders;
pub mod privacy;
pub mod recalls;
pub mod scoring;

use std::time::Duration;

use proto::crm::v1::contact_service_server::ContactServiceServer;
use proto::crm::v1::customer_order_service_server::CustomerOrderServiceServer;
use proto::crm::v1::customer_recall_service_server::CustomerRecallServiceServer;
use proto::crm::v1::customer_service_server::CustomerServiceServer;
use proto::crm::v1::privacy_service_server::PrivacyServiceServer;
use proto::crm::v1::score_service_server::ScoreServiceServer;
use service::{Deps, Job, Service};
use tonic::service::RoutesBuilder;

pub use config::{Config, Settings};

/// Name of the service.
pub const NAME: &str = "crm";

/// Its tables.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// Pages the sweep goes through in one round at most.
const SWEEP_PAGES: usize = 200;

/// The service over its database.
///
/// # Errors
/// When a setting is wrong.
pub fn service(deps: &Deps, config: &Config) -> anyhow::Result<Service> {
    let settings = config.settings()?;
    let mut routes = RoutesBuilder::default();
    routes
        .add_service(CustomerServiceServer::new(customers::grpc::Customers::new(deps.clone(), settings)))
        .add_service(CustomerOrderServiceServer::new(orders::grpc::CustomerOrders::new(deps.clone(), settings)))
        .add_service(ScoreServiceServer::new(scoring::grpc::Scores::new(deps.clone(), settings)))
        .add_service(ContactServiceServer::new(contacts::grpc::Contacts::new(deps.clone(), settings)))
        .add_service(CustomerRecallServiceServer::new(recalls::grpc::CustomerRecalls::new(deps.clone())))
        .add_service(PrivacyServiceServer::new(privacy::grpc::Privacy::new(deps.clone(), settings)));
    let every = Duration::from_secs(config.crm_sweep_seconds.max(1));
    let deps_of_sweep = deps.clone();
    let sweep = Job::new("score_sweep", every, move || {
        let deps = deps_of_sweep.clone();
        async move { sweep_scores(&deps, &settings).await }
    });
    Ok(Service {
        name: NAME,
        routes: routes.routes(),
        consumers: consumers::subscriptions(settings, &deps.clock),
        jobs: vec![sweep],
    })
}

/// Re-scores customers that time has overtaken, page by page.
async fn sweep_scores(deps: &Deps, settings: &Settings) -> anyhow::Result<()> {
    for _ in 0..SWEEP_PAGES {
        let mut tx = deps.db.begin().await?;
        let goes_on = scoring::commands::sweep_page(&mut tx, settings, deps.clock.now()).await?;
        tx.commit().await?;
        if !goes_on {
            break;
        }
    }
    Ok(())
}
