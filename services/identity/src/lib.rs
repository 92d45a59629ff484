//! identity: who may do what.
//!
//! Capabilities, in reading order:
//! - [`employees`]: people who may sign in, and the roles they hold;
//! - [`roles`]: named sets of permissions, checked against the permissions the RPCs ask for;
//! - [`sign_in`]: passwords, sessions with rotating refresh tokens, slowing down guesses;
//! - [`api_keys`]: what web shops and other machines sign in with;
//! - [`signing_keys`]: the keys tokens are signed with, rotated and published;
//! - [`audit`]: the append-only, hash-chained trail of what was done.
//!
//! Nothing here checks permissions of RPCs: the layer every service runs behind does, from the proto option.

mod api_keys;
mod audit;
mod bootstrap;
mod config;
mod employees;
mod error;
mod passwords;
mod roles;
mod secret;
mod sign_in;
mod signing_keys;

use std::sync::Arc;
use std::time::Duration;

use proto::identity::v1::api_key_service_server::ApiKeyServiceServer;
use proto::identity::v1::audit_service_server::AuditServiceServer;
use proto::identity::v1::auth_service_server::AuthServiceServer;
use proto::identity::v1::employee_service_server::EmployeeServiceServer;
use proto::identity::v1::role_service_server::RoleServiceServer;
use service::{Deps, Job, Service};

pub use bootstrap::{OneTimePassword, bootstrap};
pub use config::Config;
pub use error::Error;

/// Name of the service, its database and its events.
pub const NAME: &str = "identity";
/// Migrations of its database.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// The service: its RPCs and timers. It listens to no events.
///
/// # Errors
/// When the descriptors name no permissions or the password workers cannot start.
pub fn service(deps: &Deps, config: &Config) -> anyhow::Result<Service> {
    let catalogue = Arc::new(roles::Catalogue::new(permissions()?));
    let passwords = passwords::Passwords::new(config.password_workers)?;
    let (db, clock) = (deps.db.clone(), deps.clock.clone());
    let auth = sign_in::grpc::AuthApi {
        db: db.clone(),
        clock: clock.clone(),
        config: config.clone(),
        passwords: passwords.clone(),
    };
    let employees = employees::grpc::EmployeeApi {
        db: db.clone(),
        clock: clock.clone(),
        catalogue: Arc::clone(&catalogue),
        passwords,
    };
    let roles = roles::grpc::RoleApi { db: db.clone(), clock: clock.clone(), catalogue: Arc::clone(&catalogue) };
    let api_keys = api_keys::grpc::ApiKeyApi { db: db.clone(), clock, catalogue };
    let routes = tonic::service::Routes::new(AuthServiceServer::new(auth))
        .add_service(EmployeeServiceServer::new(employees))
        .add_service(RoleServiceServer::new(roles))
        .add_service(ApiKeyServiceServer::new(api_keys))
        .add_service(AuditServiceServer::new(audit::grpc::AuditApi { db }));
    Ok(Service { name: NAME, routes, consumers: Vec::new(), jobs: jobs(deps, config) })
}

/// Every RPC of the suite with the permission its proto file names.
fn permissions() -> anyhow::Result<Vec<(String, String)>> {
    let pool = proto::descriptor_pool();
    let extension = pool
        .get_extension_by_name("shopfloor.options.v1.permission")
        .ok_or_else(|| anyhow::anyhow!("the descriptors do not define the permission option"))?;
    let methods = pool.services().flat_map(|service| service.methods().collect::<Vec<_>>());
    Ok(methods
        .filter_map(|method| {
            let permission = method.options().get_extension(&extension).as_str()?.to_owned();
            Some((permission, format!("{}/{}", method.parent_service().full_name(), method.name())))
        })
        .collect())
}

fn jobs(deps: &Deps, config: &Config) -> Vec<Job> {
    let (db, clock) = (deps.db.clone(), deps.clock.clone());
    let sweep = move || {
        let (db, clock) = (db.clone(), clock.clone());
        async move {
            let mut tx = db.begin().await?;
            sign_in::sweep(&mut tx, clock.now()).await?;
            tx.commit().await?;
            Ok(())
        }
    };
    let (db, clock, config) = (deps.db.clone(), deps.clock.clone(), config.clone());
    let rotate = move || {
        let (db, clock, config) = (db.clone(), clock.clone(), config.clone());
        async move {
            let age = time::Duration::days(i64::from(config.key_days));
            let grace = time::Duration::seconds(i64::from(config.key_grace_seconds));
            let mut tx = db.begin().await?;
            signing_keys::commands::maintain(&mut tx, age, grace, clock.now()).await?;
            tx.commit().await?;
            Ok(())
        }
    };
    vec![
        Job::new("identity_sweep", Duration::from_secs(600), sweep),
        Job::new("identity_signing_keys", Duration::from_secs(300), rotate),
    ]
}
