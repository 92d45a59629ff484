//! The product RPCs.

use std::collections::HashSet;

use proto::orders::v1::{self as wire, product_service_server::ProductService};
use rust_decimal::Decimal;
use service::{Check, Deps, caller, idempotency, new_id, page::Page, status};
use tonic::{Request, Response, Status};

use super::{commands, convert, queries};
use crate::{
    error::{Error, check_token},
    import,
};

/// The product RPCs.
pub struct ProductGrpc {
    deps: Deps,
    vat_rate: Decimal,
}

impl ProductGrpc {
    /// With the VAT rate of products that name none.
    #[must_use]
    pub fn new(deps: Deps, vat_rate: Decimal) -> Self {
        Self { deps, vat_rate }
    }
}

#[tonic::async_trait]
impl ProductService for ProductGrpc {
    async fn create_product(
        &self,
        request: Request<wire::CreateProductRequest>,
    ) -> Result<Response<wire::CreateProductResponse>, Status> {
        const METHOD: &str = "orders.CreateProduct";
        let (who, request) = (caller(&request)?, request.into_inner());
        let (sku, details) = convert::new_product(&request, self.vat_rate)?;
        let done = idempotency::once(&self.deps.db, (&who.id, METHOD, &request.request_id), &request, async |tx| {
            let product = commands::create(tx, new_id(), sku, details, self.deps.clock.now()).await?;
            Ok(wire::CreateProductResponse { product: Some(convert::product(&product)) })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn update_product(
        &self,
        request: Request<wire::UpdateProductRequest>,
    ) -> Result<Response<wire::UpdateProductResponse>, Status> {
        const METHOD: &str = "orders.UpdateProduct";
        let (who, request) = (caller(&request)?, request.into_inner());
        let patch = convert::patch(&request)?;
        let done = idempotency::once(&self.deps.db, (&who.id, METHOD, &request.request_id), &request, async |tx| {
            let now = self.deps.clock.now();
            let (product, changed) = commands::update(tx, request.sku.trim(), request.version, patch, now).await?;
            Ok(wire::UpdateProductResponse { product: Some(convert::product(&product)), changed })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn get_product(
        &self,
        request: Request<wire::GetProductRequest>,
    ) -> Result<Response<wire::GetProductResponse>, Status> {
        let sku = request.into_inner().sku;
        let mut check = Check::new();
        let sku = check.text("sku", &sku, 1..=64);
        check.done().map_err(status::invalid)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let found = queries::by_skus(&mut conn, std::slice::from_ref(&sku)).await.map_err(status::from_sqlx)?;
        let product = found.first().ok_or_else(|| Error::not_found("product", &sku))?;
        Ok(Response::new(wire::GetProductResponse { product: Some(convert::product(product)) }))
    }

    async fn batch_get_products(
        &self,
        request: Request<wire::BatchGetProductsRequest>,
    ) -> Result<Response<wire::BatchGetProductsResponse>, Status> {
        let skus = request.into_inner().skus;
        let mut check = Check::new();
        check.len("skus", skus.len(), 1..=500);
        for (at, sku) in skus.iter().enumerate() {
            check.text(&format!("skus[{at}]"), sku, 1..=64);
        }
        check.done().map_err(status::invalid)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let found = queries::by_skus(&mut conn, &skus).await.map_err(status::from_sqlx)?;
        let known: HashSet<_> = found.iter().map(|product| product.sku.as_str()).collect();
        let missing = skus.iter().filter(|sku| !known.contains(sku.as_str())).cloned().collect();
        let products = found.iter().map(convert::product).collect();
        Ok(Response::new(wire::BatchGetProductsResponse { products, missing }))
    }

    async fn list_products(
        &self,
        request: Request<wire::ListProductsRequest>,
    ) -> Result<Response<wire::ListProductsResponse>, Status> {
        let request = request.into_inner();
        let page = Page::<String>::parse(&request.page).map_err(status::invalid)?;
        check_token(page.after.as_deref())?;
        let mut check = Check::new();
        let some = |text: String| (!text.is_empty()).then_some(text);
        let filter = queries::Filter {
            category: some(convert::Reader(&mut check).category(&request.category)),
            brand: some(check.optional_text("brand", &request.brand, 120)),
            status: convert::status(&mut check, request.status),
            barcode: some(check.optional_text("barcode", &request.barcode, 14)),
        };
        check.done().map_err(status::invalid)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let rows = queries::list(&mut conn, &filter, page.after.as_deref(), page.limit() + 1)
            .await
            .map_err(status::from_sqlx)?;
        let (rows, info) = page.finish(rows, |product| product.sku.clone());
        let products = rows.iter().map(convert::product).collect();
        Ok(Response::new(wire::ListProductsResponse { products, page: Some(info) }))
    }

    async fn import_products(
        &self,
        request: Request<wire::ImportProductsRequest>,
    ) -> Result<Response<wire::ImportProductsResponse>, Status> {
        import::grpc::import_products(&self.deps, self.vat_rate, request).await
    }

    async fn list_import_rejections(
        &self,
        request: Request<wire::ListImportRejectionsRequest>,
    ) -> Result<Response<wire::ListImportRejectionsResponse>, Status> {
        import::grpc::list_rejections(&self.deps, request).await
    }
}
