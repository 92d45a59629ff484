//! The price RPCs.

use proto::orders::v1::{self as wire, price_service_server::PriceService};
use service::{Check, Deps, caller, idempotency, page::Page, status};
use tonic::{Request, Response, Status};

use super::{commands, convert, queries};
use crate::error::check_token;

/// The price RPCs.
pub struct PriceGrpc {
    deps: Deps,
}

impl PriceGrpc {
    /// On a database.
    #[must_use]
    pub fn new(deps: Deps) -> Self {
        Self { deps }
    }
}

#[tonic::async_trait]
impl PriceService for PriceGrpc {
    async fn put_price_list(
        &self,
        request: Request<wire::PutPriceListRequest>,
    ) -> Result<Response<wire::PutPriceListResponse>, Status> {
        let list = convert::read_list(request.get_ref())?;
        let mut tx = self.deps.db.begin().await.map_err(status::from_sqlx)?;
        commands::put_price_list(&mut tx, &list, self.deps.clock.now()).await?;
        tx.commit().await.map_err(status::from_sqlx)?;
        Ok(Response::new(wire::PutPriceListResponse { price_list: Some(convert::list(&list)) }))
    }

    async fn list_price_lists(
        &self,
        request: Request<wire::ListPriceListsRequest>,
    ) -> Result<Response<wire::ListPriceListsResponse>, Status> {
        let page = Page::<String>::parse(&request.get_ref().page).map_err(status::invalid)?;
        check_token(page.after.as_deref())?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let rows = queries::price_lists(&mut conn, page.after.as_deref(), page.limit() + 1)
            .await
            .map_err(status::from_sqlx)?;
        let (rows, info) = page.finish(rows, |list| list.code.clone());
        let price_lists = rows.iter().map(convert::list).collect();
        Ok(Response::new(wire::ListPriceListsResponse { price_lists, page: Some(info) }))
    }

    async fn set_prices(
        &self,
        request: Request<wire::SetPricesRequest>,
    ) -> Result<Response<wire::SetPricesResponse>, Status> {
        const METHOD: &str = "orders.SetPrices";
        let (who, request, now) = (caller(&request)?, request.into_inner(), self.deps.clock.now());
        let prices = convert::read_prices(&request, now)?;
        let done = idempotency::once(&self.deps.db, (&who.id, METHOD, &request.request_id), &request, async |tx| {
            let changed = commands::set_prices(tx, request.price_list.trim(), &prices, &who.id, now).await?;
            Ok(wire::SetPricesResponse { changed: i32::try_from(changed).unwrap_or(i32::MAX) })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn get_prices(
        &self,
        request: Request<wire::GetPricesRequest>,
    ) -> Result<Response<wire::GetPricesResponse>, Status> {
        let request = request.into_inner();
        let mut check = Check::new();
        let code = check.text("price_list", &request.price_list, 1..=64);
        check.len("skus", request.skus.len(), 1..=500);
        for (at, sku) in request.skus.iter().enumerate() {
            check.text(&format!("skus[{at}]"), sku, 1..=64);
        }
        let at = check.optional_timestamp("at", &request.at).unwrap_or_else(|| self.deps.clock.now());
        check.done().map_err(status::invalid)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let list = commands::known_list(&mut conn, &code).await?;
        let rows = queries::prices_at(&mut conn, &code, &request.skus, at).await.map_err(status::from_sqlx)?;
        let prices = rows.into_iter().map(|row| convert::price(row, list.currency)).collect();
        Ok(Response::new(wire::GetPricesResponse { prices, vat_included: list.vat_included }))
    }

    async fn list_price_history(
        &self,
        request: Request<wire::ListPriceHistoryRequest>,
    ) -> Result<Response<wire::ListPriceHistoryResponse>, Status> {
        let request = request.into_inner();
        let page = Page::<i64>::parse(&request.page).map_err(status::invalid)?;
        let mut check = Check::new();
        let code = check.text("price_list", &request.price_list, 1..=64);
        let sku = check.text("sku", &request.sku, 1..=64);
        check.done().map_err(status::invalid)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let list = commands::known_list(&mut conn, &code).await?;
        let rows =
            queries::history(&mut conn, &code, &sku, page.after, page.limit() + 1).await.map_err(status::from_sqlx)?;
        let (rows, info) = page.finish(rows, |row| row.id);
        let entries = rows.into_iter().map(|row| convert::history(row, &sku, list.currency)).collect();
        Ok(Response::new(wire::ListPriceHistoryResponse { entries, page: Some(info) }))
    }
}
