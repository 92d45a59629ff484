//! `CustomerRecallService`.

use proto::crm::v1::customer_recall_service_server::CustomerRecallService;
use proto::crm::v1::{
    ListCustomerRecallsRequest, ListCustomerRecallsResponse, ListRecallCustomersRequest, ListRecallCustomersResponse,
};
use service::page::Page;
use service::{Check, Deps, status};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{convert, queries};
use crate::customers;

/// Recalls of one customer at most.
const MOST: i64 = 200;

/// The service.
pub struct CustomerRecalls {
    deps: Deps,
}

impl CustomerRecalls {
    /// The service over its database.
    #[must_use]
    pub fn new(deps: Deps) -> Self {
        Self { deps }
    }
}

#[tonic::async_trait]
impl CustomerRecallService for CustomerRecalls {
    async fn list_recall_customers(
        &self,
        request: Request<ListRecallCustomersRequest>,
    ) -> Result<Response<ListRecallCustomersResponse>, Status> {
        let request = request.get_ref();
        let mut check = Check::default();
        let recall = check.uuid("recall_id", &request.recall_id);
        check.done().map_err(status::invalid)?;
        let page = Page::<Uuid>::parse(&request.page).map_err(status::invalid)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        if !queries::known(&mut conn, recall).await? {
            return Err(status::not_found("recall", recall));
        }
        let rows = queries::orders_of(&mut conn, recall, page.after, page.limit() + 1).await?;
        let (rows, info) = page.finish(rows, |row| row.order_id);
        let orders = rows.into_iter().map(convert::order).collect();
        Ok(Response::new(ListRecallCustomersResponse { orders, page: Some(info) }))
    }

    async fn list_customer_recalls(
        &self,
        request: Request<ListCustomerRecallsRequest>,
    ) -> Result<Response<ListCustomerRecallsResponse>, Status> {
        let request = request.get_ref();
        let mut check = Check::default();
        let customer = check.uuid("customer_id", &request.customer_id);
        check.done().map_err(status::invalid)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        customers::queries::require(&mut conn, customer).await?;
        let rows = queries::recalls_of(&mut conn, customer, request.only_open, MOST).await?;
        Ok(Response::new(ListCustomerRecallsResponse { recalls: rows.into_iter().map(convert::recall).collect() }))
    }
}
