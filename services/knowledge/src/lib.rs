//! Knowledge: what the company knows.
//!
//! Capabilities, in reading order:
//!
//! 1. [`spaces`]: shelves of pages, and who may do what there.
//! 2. [`pages`]: the tree, the versions, the differences between them.
//! 3. [`rendering`]: Markdown to safe HTML, and to plain words.
//! 4. [`search`]: word forms, typing errors, fragments; only what the reader may see.
//!
//! Order of locks: space (by id when two), page, vocabulary. Whatever changes the tree of a space locks the space, so
//! paths can't be changed under each other; saving text locks its page only.

pub mod config;
mod error;
pub mod pages;
pub mod rendering;
pub mod search;
pub mod spaces;

pub use config::Config;
use tonic::service::Routes;

/// Name of the service.
pub const NAME: &str = "knowledge";

/// The service's own tables.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// Puts the service together.
///
/// # Errors
/// None at present; the signature is the same for every service.
pub fn service(deps: &service::Deps, config: &Config) -> anyhow::Result<service::Service> {
    let routes = Routes::new(spaces::grpc::server(deps))
        .add_service(pages::grpc::server(deps, config))
        .add_service(search::grpc::server(deps));
    Ok(service::Service { name: NAME, routes, consumers: Vec::new(), jobs: Vec::new() })
}
