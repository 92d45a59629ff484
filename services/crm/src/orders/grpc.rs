//! `CustomerOrderService`.

use proto::crm::v1::customer_order_service_server::CustomerOrderService;
use proto::crm::v1::{
    GetCustomerOrderRequest, GetCustomerOrderResponse, ListCustomerOrdersRequest, ListCustomerOrdersResponse,
};
use service::page::Page;
use service::{Check, Deps, status};
use time::OffsetDateTime;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::convert::order_to_wire;
use super::queries;
use crate::config::Settings;
use crate::customers;
use crate::error::Error;

/// The service.
pub struct CustomerOrders {
    deps: Deps,
    settings: Settings,
}

impl CustomerOrders {
    /// The service over its database.
    #[must_use]
    pub fn new(deps: Deps, settings: Settings) -> Self {
        Self { deps, settings }
    }
}

#[tonic::async_trait]
impl CustomerOrderService for CustomerOrders {
    async fn get_customer_order(
        &self,
        request: Request<GetCustomerOrderRequest>,
    ) -> Result<Response<GetCustomerOrderResponse>, Status> {
        let mut check = Check::default();
        let order_id = check.uuid("order_id", &request.get_ref().order_id);
        check.done().map_err(status::invalid)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let fact = queries::order(&mut conn, order_id).await?.ok_or(Error::OrderUnknown(order_id))?;
        Ok(Response::new(GetCustomerOrderResponse { order: Some(order_to_wire(&fact, self.settings.currency)) }))
    }

    async fn list_customer_orders(
        &self,
        request: Request<ListCustomerOrdersRequest>,
    ) -> Result<Response<ListCustomerOrdersResponse>, Status> {
        let request = request.get_ref();
        let mut check = Check::default();
        let customer_id = check.uuid("customer_id", &request.customer_id);
        check.done().map_err(status::invalid)?;
        let page = Page::<(OffsetDateTime, Uuid)>::parse(&request.page).map_err(status::invalid)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        customers::queries::require(&mut conn, customer_id).await?;
        let rows = queries::orders_of(&mut conn, customer_id, page.after, page.limit() + 1).await?;
        let (facts, info) =
            page.finish(rows, |fact| (fact.placed_at.unwrap_or(OffsetDateTime::UNIX_EPOCH), fact.order_id));
        let orders = facts.iter().map(|fact| order_to_wire(fact, self.settings.currency)).collect();
        Ok(Response::new(ListCustomerOrdersResponse { orders, page: Some(info) }))
    }
}
