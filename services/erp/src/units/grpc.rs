//! The RPCs of units.

use std::{collections::BTreeSet, sync::Arc};

use proto::erp::v1::{
    ConvertQuantityRequest, ConvertQuantityResponse, DeleteItemUnitRequest, DeleteItemUnitResponse,
    ListEnteredQuantitiesRequest, ListEnteredQuantitiesResponse, ListItemUnitsRequest, ListItemUnitsResponse,
    PutItemUnitsRequest, PutItemUnitsResponse, unit_service_server::UnitService,
};
use service::{Check, Deps, idempotency, status};
use tonic::{Request, Response, Status};

use super::{commands, convert, domain::Entered, store};
use crate::{
    config::{Rules, Stamp},
    ledger::convert::quantity,
};

/// Serves `UnitService`.
pub(crate) struct Api {
    pub(crate) deps: Deps,
    pub(crate) rules: Arc<Rules>,
}

#[tonic::async_trait]
impl UnitService for Api {
    async fn put_item_units(
        &self,
        request: Request<PutItemUnitsRequest>,
    ) -> Result<Response<PutItemUnitsResponse>, Status> {
        const METHOD: &str = "PutItemUnits";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        check.len("units", request.units.len(), 1..=500);
        let units = request.units.iter().take(500).enumerate();
        let units: Vec<_> = units.map(|(index, unit)| convert::item_unit(&mut check, index, unit)).collect();
        let keys: BTreeSet<_> = units.iter().map(|unit| (&unit.sku, &unit.unit, &unit.lot)).collect();
        check.require(keys.len() == units.len() || !check.is_clean(), "units", "must name each unit once");
        check.done().map_err(status::invalid)?;
        let stamp = Stamp { now: self.deps.clock.now(), by: &caller.id, rules: &self.rules };
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            commands::put(tx, &units, &stamp).await?;
            Ok(PutItemUnitsResponse { units: units.into_iter().map(convert::unit).collect() })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn delete_item_unit(
        &self,
        request: Request<DeleteItemUnitRequest>,
    ) -> Result<Response<DeleteItemUnitResponse>, Status> {
        let request = request.into_inner();
        let mut check = Check::default();
        let sku = check.text("sku", &request.sku, 1..=64);
        let unit = check.text("unit", &request.unit, 1..=16);
        let lot = check.optional_text("lot", &request.lot, 64);
        check.done().map_err(status::invalid)?;
        let mut tx = self.deps.db.begin().await.map_err(status::from_sqlx)?;
        store::delete(&mut tx, &sku, &unit, &lot).await.map_err(status::from_sqlx)?;
        tx.commit().await.map_err(status::from_sqlx)?;
        Ok(Response::new(DeleteItemUnitResponse {}))
    }

    async fn list_item_units(
        &self,
        request: Request<ListItemUnitsRequest>,
    ) -> Result<Response<ListItemUnitsResponse>, Status> {
        let mut check = Check::default();
        let sku = check.text("sku", &request.into_inner().sku, 1..=64);
        check.done().map_err(status::invalid)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let found = store::of_item(&mut conn, &sku).await.map_err(status::from_sqlx)?;
        let (base, units) = found.ok_or_else(|| status::not_found("item", &sku))?;
        let units = units.into_iter().map(convert::unit).collect();
        Ok(Response::new(ListItemUnitsResponse { base_unit: base.unwrap_or_default(), units }))
    }

    async fn convert_quantity(
        &self,
        request: Request<ConvertQuantityRequest>,
    ) -> Result<Response<ConvertQuantityResponse>, Status> {
        let request = request.into_inner();
        let mut check = Check::default();
        let sku = check.text("sku", &request.sku, 1..=64);
        let lot = check.optional_text("lot", &request.lot, 64);
        let (amount, unit) = convert::entered(&mut check, "quantity", &request.quantity);
        check.done().map_err(status::invalid)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let units = store::base_units(&mut conn, std::slice::from_ref(&sku)).await.map_err(status::from_sqlx)?;
        let entered = [Entered { sku, lot, unit, quantity: amount }];
        let unit_of = |sku: &str| units.get(sku).map(String::as_str);
        let amounts = commands::in_units_of(&mut conn, unit_of, &entered).await?;
        let converted = amounts.first().map(|(base, amount)| quantity(*amount, base));
        Ok(Response::new(ConvertQuantityResponse { quantity: converted }))
    }

    async fn list_entered_quantities(
        &self,
        request: Request<ListEnteredQuantitiesRequest>,
    ) -> Result<Response<ListEnteredQuantitiesResponse>, Status> {
        let mut check = Check::default();
        let document = check.uuid("document_id", &request.into_inner().document_id);
        check.done().map_err(status::invalid)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let rows = store::entered(&mut conn, document).await.map_err(status::from_sqlx)?;
        let lines = rows.into_iter().map(convert::entered_quantity).collect();
        Ok(Response::new(ListEnteredQuantitiesResponse { lines }))
    }
}
