//! Tasks: setting work and seeing it done.
//!
//! Capabilities, in reading order:
//!
//! 1. [`projects`]: the books tasks are numbered in, without gaps.
//! 2. [`workflows`]: which states a task of a type may be in, and who may move it.
//! 3. [`tasks`]: the tasks themselves, comments, watchers, history.
//! 4. [`reminders`]: reminders and what employees were told.
//! 5. [`automation`]: from event to task and back, by rules that are data.
//!
//! Order of locks, everywhere: workflow, cause, task, project.

pub mod automation;
pub mod config;
mod consumers;
mod error;
pub mod projects;
pub mod reminders;
pub mod tasks;
pub mod workflows;

pub use config::Config;
use tonic::service::Routes;

/// Name of the service.
pub const NAME: &str = "tasks";

/// The service's own tables.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// Puts the service together.
///
/// # Errors
/// None at present; the signature is the same for every service.
pub fn service(deps: &service::Deps, config: &Config) -> anyhow::Result<service::Service> {
    let routes = Routes::new(projects::grpc::server(deps))
        .add_service(workflows::grpc::server(deps))
        .add_service(tasks::grpc::server(deps))
        .add_service(reminders::grpc::server(deps))
        .add_service(automation::grpc::server(deps));
    Ok(service::Service {
        name: NAME,
        routes,
        consumers: consumers::subscriptions(deps),
        jobs: vec![automation::job::open_waiting(deps, config.sweep()), reminders::job::fire(deps, config.sweep())],
    })
}
