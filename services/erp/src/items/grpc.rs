//! The RPCs of items.

use std::collections::HashSet;

use proto::erp::v1::{
    GetItemRequest, GetItemResponse, ListItemsRequest, ListItemsResponse, UpsertItemsRequest, UpsertItemsResponse,
    item_service_server::ItemService,
};
use service::{Check, Deps, idempotency, page::Page, status};
use tonic::{Request, Response, Status};

use super::{commands, convert, queries};

/// Serves `ItemService`.
pub(crate) struct Api(pub(crate) Deps);

#[tonic::async_trait]
impl ItemService for Api {
    async fn upsert_items(
        &self,
        request: Request<UpsertItemsRequest>,
    ) -> Result<Response<UpsertItemsResponse>, Status> {
        const METHOD: &str = "UpsertItems";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        check.len("items", request.items.len(), 1..=500);
        let changes: Vec<_> = request
            .items
            .iter()
            .take(500)
            .enumerate()
            .map(|(index, input)| convert::item_change(&mut check, index, input))
            .collect();
        let skus: HashSet<_> = changes.iter().map(|change| &change.sku).collect();
        check.require(skus.len() == changes.len(), "items", "must name each sku once");
        check.done().map_err(status::invalid)?;

        let done = idempotency::once(&self.0.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            let total = i32::try_from(changes.len()).unwrap_or(i32::MAX);
            let created = commands::upsert(tx, changes, self.0.clock.now()).await?;
            let created = i32::try_from(created).unwrap_or(total);
            Ok(UpsertItemsResponse { created, updated: total - created })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn get_item(&self, request: Request<GetItemRequest>) -> Result<Response<GetItemResponse>, Status> {
        let sku = request.into_inner().sku;
        let mut conn = self.0.db.acquire().await.map_err(status::from_sqlx)?;
        let item = queries::item(&mut conn, &sku).await.map_err(status::from_sqlx)?;
        let item = item.ok_or_else(|| status::not_found("item", &sku))?;
        Ok(Response::new(GetItemResponse { item: Some(convert::item(item)) }))
    }

    async fn list_items(&self, request: Request<ListItemsRequest>) -> Result<Response<ListItemsResponse>, Status> {
        let request = request.into_inner();
        let page = Page::<String>::parse(&request.page).map_err(status::invalid)?;
        let state = convert::stock_state_code(request.stock_state());
        let mut conn = self.0.db.acquire().await.map_err(status::from_sqlx)?;
        let items = queries::list(&mut conn, page.after.as_deref(), state, page.limit() + 1)
            .await
            .map_err(status::from_sqlx)?;
        let (items, page) = page.finish(items, |item| item.sku.clone());
        let items = items.into_iter().map(convert::item).collect();
        Ok(Response::new(ListItemsResponse { items, page: Some(page) }))
    }
}
