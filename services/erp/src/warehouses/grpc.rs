//! The RPCs of warehouses.

use proto::erp::v1::{
    ListWarehousesRequest, ListWarehousesResponse, UpsertWarehouseRequest, UpsertWarehouseResponse,
    warehouse_service_server::WarehouseService,
};
use service::{Check, Deps, status};
use tonic::{Request, Response, Status};

use super::{commands, convert, domain, queries};

/// Serves `WarehouseService`.
pub(crate) struct Api(pub(crate) Deps);

#[tonic::async_trait]
impl WarehouseService for Api {
    async fn upsert_warehouse(
        &self,
        request: Request<UpsertWarehouseRequest>,
    ) -> Result<Response<UpsertWarehouseResponse>, Status> {
        let request = request.into_inner();
        let mut check = Check::default();
        check.require(domain::is_code(&request.code), "code", "must be 1 to 32 letters, digits, - or _");
        let name = check.text("name", &request.name, 1..=200);
        check.require((0..=3650).contains(&request.min_life_days), "min_life_days", "must be 0 to 3650");
        check.done().map_err(status::invalid)?;
        let mut tx = self.0.db.begin().await.map_err(status::from_sqlx)?;
        commands::upsert(&mut tx, &request.code, &name, request.min_life_days).await?;
        let places = queries::places(&mut tx, Some(&request.code)).await.map_err(status::from_sqlx)?;
        tx.commit().await.map_err(status::from_sqlx)?;
        Ok(Response::new(UpsertWarehouseResponse { warehouse: convert::warehouses(places).pop() }))
    }

    async fn list_warehouses(
        &self,
        _request: Request<ListWarehousesRequest>,
    ) -> Result<Response<ListWarehousesResponse>, Status> {
        let mut conn = self.0.db.acquire().await.map_err(status::from_sqlx)?;
        let places = queries::places(&mut conn, None).await.map_err(status::from_sqlx)?;
        Ok(Response::new(ListWarehousesResponse { warehouses: convert::warehouses(places) }))
    }
}
