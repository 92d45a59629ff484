//! KPI: what the business did, in figures, from events only.
//!
//! Capabilities, in reading order:
//!
//! 1. [`facts`]: events become rows, whatever order they come in.
//! 2. [`figures`]: daily sums of the facts, exact at every moment.
//! 3. [`sales`]: figures by day, channel, region, category, brand, product, customer; comparison with other periods.
//! 4. [`overview`]: the headline figures and the funnel.
//! 5. [`delivery`], [`stock`], [`cohorts`]: what became of shipments, products and customers.
//! 6. [`export`]: any of these as CSV.
//! 7. `reports`: the RPCs of all of these.
//! 8. `maintenance`: emptying the facts before a rebuild, and how they are.
//! 9. [`live`]: gauges of what must read 0.

pub mod cohorts;
pub mod config;
mod consumers;
pub mod delivery;
pub mod error;
pub mod export;
pub mod facts;
pub mod figures;
pub mod live;
mod maintenance;
pub mod overview;
mod reports;
pub mod sales;
pub mod stock;

pub use config::Config;
use tonic::service::Routes;

/// Name of the service.
pub const NAME: &str = "kpi";

/// The service's own tables.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// Puts the service together.
///
/// # Errors
/// None at present; the signature is the same for every service.
pub fn service(deps: &service::Deps, config: &Config) -> anyhow::Result<service::Service> {
    Ok(service::Service {
        name: NAME,
        routes: Routes::new(reports::server(deps, config)).add_service(maintenance::server(deps, config)),
        consumers: consumers::subscriptions(deps, config),
        jobs: vec![figures::sum(deps, config), live::measure(deps, config)],
    })
}
