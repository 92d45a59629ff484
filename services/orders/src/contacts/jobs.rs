//! The hand-over: batches to crm, without a transaction open while it is asked.

use std::time::Duration;

use anyhow::Context as _;
use proto::crm::v1::{OrderContact, ResolveContactsRequest, customer_service_client::CustomerServiceClient};
use service::{Deps, Job};
use tonic::{
    Code,
    transport::{Channel, Endpoint},
};

use super::store::{self, ContactRow};
use crate::config::Config;

/// Contacts handed over at once.
const AT_ONCE: i64 = 500;
/// Batches a round at most.
const MOST_BATCHES: usize = 40;
/// How long crm may take.
const DEADLINE: Duration = Duration::from_secs(10);
/// What crm asks for.
const PERMISSION: &str = "crm.contact.resolve";

/// The job.
///
/// # Errors
/// When the address of crm is none.
pub fn hand_over(deps: &Deps, config: &Config) -> anyhow::Result<Job> {
    let endpoint = Endpoint::from_shared(config.crm_url.clone())
        .with_context(|| format!("--crm-url is not an address: {}", config.crm_url))?
        .connect_timeout(Duration::from_secs(2));
    let crm = CustomerServiceClient::new(endpoint.connect_lazy());
    let (deps, every) = (deps.clone(), Duration::from_millis(config.orders_contact_interval_ms));
    Ok(Job::new("orders_contact_handover", every, move || round(deps.clone(), crm.clone())))
}

/// Hands over what waits. When crm is away the contacts stay for the next round.
async fn round(deps: Deps, mut crm: CustomerServiceClient<Channel>) -> anyhow::Result<()> {
    for _ in 0..MOST_BATCHES {
        let mut conn = deps.db.acquire().await?;
        let due = store::due(&mut conn, deps.clock.now(), AT_ONCE).await?;
        drop(conn);
        let whole = due.len() == usize::try_from(AT_ONCE)?;
        if due.is_empty() {
            return Ok(());
        }
        match resolve(&deps, &mut crm, &due).await {
            Ok(()) => {}
            Err(status) if is_refusal(&status) => one_by_one(&deps, &mut crm, due).await?,
            Err(status) => return Err(status).context("crm does not take contacts; they wait"),
        }
        if !whole {
            return Ok(());
        }
    }
    Ok(())
}

/// Crm says no to the content, so the same again is no use.
fn is_refusal(status: &tonic::Status) -> bool {
    matches!(status.code(), Code::InvalidArgument | Code::FailedPrecondition | Code::AlreadyExists | Code::Internal)
}

/// Asks crm, then forgets what it has taken.
async fn resolve(
    deps: &Deps,
    crm: &mut CustomerServiceClient<Channel>,
    contacts: &[ContactRow],
) -> Result<(), tonic::Status> {
    let request = ResolveContactsRequest { contacts: contacts.iter().map(contact).collect() };
    // The token lives by the wall clock, as the one who checks it does.
    let now = service::Clock::system().now();
    let request = deps
        .internal
        .request(request, &[PERMISSION], DEADLINE, now)
        .map_err(|error| tonic::Status::unauthenticated(error.to_string()))?;
    let answer = crm.resolve_contacts(request).await?.into_inner();
    let taken: Vec<_> = answer.results.iter().filter_map(|result| result.order_id.parse().ok()).collect();
    let mut tx = deps.db.begin().await.map_err(service::status::from_sqlx)?;
    store::forget(&mut tx, &taken).await.map_err(service::status::from_sqlx)?;
    tx.commit().await.map_err(service::status::from_sqlx)
}

/// One contact that crm refuses must not hold up the others.
async fn one_by_one(
    deps: &Deps,
    crm: &mut CustomerServiceClient<Channel>,
    contacts: Vec<ContactRow>,
) -> anyhow::Result<()> {
    for contact in contacts {
        match resolve(deps, crm, std::slice::from_ref(&contact)).await {
            Ok(()) => {}
            Err(status) if is_refusal(&status) => {
                tracing::error!(order = %contact.order_id, code = ?status.code(), "crm refuses a contact; put off");
                let mut tx = deps.db.begin().await?;
                store::put_off(&mut tx, contact.order_id, deps.clock.now()).await?;
                tx.commit().await?;
            }
            Err(status) => return Err(status).context("crm does not take contacts; they wait"),
        }
    }
    Ok(())
}

fn contact(row: &ContactRow) -> OrderContact {
    OrderContact {
        order_id: row.order_id.to_string(),
        channel: row.channel.clone(),
        external_customer_id: row.external_customer_id.clone(),
        name: row.name.clone(),
        phone: row.phone.clone(),
        email: row.email.clone(),
        address: row.address.clone(),
        region: row.region.clone(),
        placed_at: Some(proto::to_timestamp(row.placed_at)),
    }
}
