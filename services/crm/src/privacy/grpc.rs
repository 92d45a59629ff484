//! `PrivacyService`.

use proto::crm::v1::privacy_service_server::PrivacyService;
use proto::crm::v1::{
    ContactAccess, EraseCustomerRequest, EraseCustomerResponse, ExportCustomerRequest, ExportCustomerResponse,
    ListContactAccessesRequest, ListContactAccessesResponse,
};
use service::page::Page;
use service::{Check, Deps, status};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{commands, queries};
use crate::config::Settings;
use crate::contacts::{convert::record_to_wire, queries::records_of};
use crate::customers::{self, convert::card_to_wire};
use crate::orders::{order_to_wire, queries::orders_of};

/// Orders and records handed over at most.
const MOST: i64 = 5_000;

/// The service.
pub struct Privacy {
    deps: Deps,
    settings: Settings,
}

impl Privacy {
    /// The service over its database.
    #[must_use]
    pub fn new(deps: Deps, settings: Settings) -> Self {
        Self { deps, settings }
    }
}

fn customer_id(text: &str) -> Result<Uuid, Status> {
    let mut check = Check::default();
    let id = check.uuid("customer_id", text);
    check.done().map_err(status::invalid)?;
    Ok(id)
}

#[tonic::async_trait]
impl PrivacyService for Privacy {
    async fn export_customer(
        &self,
        request: Request<ExportCustomerRequest>,
    ) -> Result<Response<ExportCustomerResponse>, Status> {
        let caller = service::caller(&request)?;
        let id = customer_id(&request.get_ref().customer_id)?;
        let now = self.deps.clock.now();
        let mut tx = self.deps.db.begin().await.map_err(status::from_sqlx)?;
        let card = customers::queries::card(&mut tx, id, true).await?;
        let mut orders = orders_of(&mut tx, id, None, MOST + 1).await?;
        let mut records = records_of(&mut tx, id, None, MOST + 1).await?;
        customers::store::record_access(&mut tx, &[id], &caller.id, "export", now).await?;
        tx.commit().await.map_err(status::from_sqlx)?;
        let most = usize::try_from(MOST).unwrap_or(usize::MAX);
        let truncated = orders.len() > most || records.len() > most;
        orders.truncate(most);
        records.truncate(most);
        let company = self.settings.currency;
        Ok(Response::new(ExportCustomerResponse {
            customer: Some(card_to_wire(&card, company)),
            orders: orders.iter().map(|fact| order_to_wire(fact, company)).collect(),
            records: records.iter().map(record_to_wire).collect(),
            truncated,
        }))
    }

    async fn erase_customer(
        &self,
        request: Request<EraseCustomerRequest>,
    ) -> Result<Response<EraseCustomerResponse>, Status> {
        let id = customer_id(&request.get_ref().customer_id)?;
        let now = self.deps.clock.now();
        let mut tx = self.deps.db.begin().await.map_err(status::from_sqlx)?;
        let erased_at = commands::erase(&mut tx, id, now).await?;
        tx.commit().await.map_err(status::from_sqlx)?;
        Ok(Response::new(EraseCustomerResponse { erased_at: Some(proto::to_timestamp(erased_at)) }))
    }

    async fn list_contact_accesses(
        &self,
        request: Request<ListContactAccessesRequest>,
    ) -> Result<Response<ListContactAccessesResponse>, Status> {
        let request = request.get_ref();
        let id = customer_id(&request.customer_id)?;
        let page = Page::<i64>::parse(&request.page).map_err(status::invalid)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        customers::queries::require(&mut conn, id).await?;
        let rows = queries::accesses(&mut conn, id, page.after, page.limit() + 1).await?;
        let (rows, info) = page.finish(rows, |row| row.access_id);
        let accesses = rows
            .into_iter()
            .map(|row| ContactAccess {
                caller: row.caller,
                purpose: row.purpose,
                accessed_at: Some(proto::to_timestamp(row.accessed_at)),
            })
            .collect();
        Ok(Response::new(ListContactAccessesResponse { accesses, page: Some(info) }))
    }
}
