//! The RPCs of couriers' runs.

use std::{collections::HashSet, sync::Arc};

use proto::erp::v1::{
    CloseDeliveryRunRequest, CloseDeliveryRunResponse, CreateDeliveryRunRequest, CreateDeliveryRunResponse,
    DeliveryRun, GetDeliveryRunRequest, GetDeliveryRunResponse, ListDeliveryRunsRequest, ListDeliveryRunsResponse,
    RecordStopRequest, RecordStopResponse, StartDeliveryRunRequest, StartDeliveryRunResponse,
    delivery_run_service_server::DeliveryRunService,
};
use service::{Check, Deps, idempotency, page::Page, status};
use sqlx::PgConnection;
use time::OffsetDateTime;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{
    commands::{self, Said, Wanted},
    convert, queries,
};
use crate::config::{Rules, Stamp};

/// Stops of a run at most.
const MOST: usize = 200;

/// Serves `DeliveryRunService`.
pub(crate) struct Api {
    pub(crate) deps: Deps,
    pub(crate) rules: Arc<Rules>,
}

impl Api {
    fn stamp<'a>(&'a self, by: &'a str) -> Stamp<'a> {
        Stamp { now: self.deps.clock.now(), by, rules: &self.rules }
    }

    async fn read(&self, conn: &mut PgConnection, id: Uuid) -> Result<DeliveryRun, Status> {
        let found = queries::runs(conn, (Some(id), None), None, 1).await.map_err(status::from_sqlx)?.pop();
        let view = found.ok_or_else(|| status::not_found("delivery run", id))?;
        let stops = queries::stops(conn, id).await.map_err(status::from_sqlx)?;
        Ok(convert::run(view, stops, self.rules.currency))
    }

    fn wanted(&self, check: &mut Check, request: &CreateDeliveryRunRequest) -> Wanted {
        check.len("stops", request.stops.len(), 0..=MOST);
        let mut stops = Vec::new();
        for (index, stop) in request.stops.iter().take(MOST).enumerate() {
            let id = check.uuid(&format!("stops[{index}].shipment_id"), &stop.shipment_id);
            let field = format!("stops[{index}].cash_due");
            stops.push((id, convert::cash(check, &field, &stop.cash_due, self.rules.currency)));
        }
        let distinct: HashSet<_> = stops.iter().map(|(id, _)| id).collect();
        check.require(distinct.len() == stops.len(), "stops", "must name each shipment once");
        let region = check.optional_text("region", &request.region, 64);
        check.require(stops.is_empty() != region.is_empty(), "region", "give either stops or a region");
        check.require((0..=200).contains(&request.max_stops), "max_stops", "must be 0 (default) to 200");
        let warehouse = check.optional_text("warehouse", &request.warehouse, 32);
        Wanted {
            courier: check.text("courier", &request.courier, 1..=64),
            warehouse: if warehouse.is_empty() { self.rules.default_warehouse.clone() } else { warehouse },
            stops,
            region,
            most: if request.max_stops == 0 { 50 } else { request.max_stops.into() },
        }
    }
}

#[tonic::async_trait]
impl DeliveryRunService for Api {
    async fn create_delivery_run(
        &self,
        request: Request<CreateDeliveryRunRequest>,
    ) -> Result<Response<CreateDeliveryRunResponse>, Status> {
        const METHOD: &str = "CreateDeliveryRun";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        let wanted = self.wanted(&mut check, &request);
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            let id = commands::create(tx, &wanted, &self.stamp(&caller.id)).await?;
            Ok(CreateDeliveryRunResponse { run: Some(self.read(tx, id).await?) })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn start_delivery_run(
        &self,
        request: Request<StartDeliveryRunRequest>,
    ) -> Result<Response<StartDeliveryRunResponse>, Status> {
        const METHOD: &str = "StartDeliveryRun";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        let id = check.uuid("run_id", &request.run_id);
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            commands::start(tx, id, &self.stamp(&caller.id)).await?;
            Ok(StartDeliveryRunResponse { run: Some(self.read(tx, id).await?) })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn record_stop(&self, request: Request<RecordStopRequest>) -> Result<Response<RecordStopResponse>, Status> {
        const METHOD: &str = "RecordStop";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        let id = check.uuid("run_id", &request.run_id);
        let said = Said {
            shipment: check.uuid("shipment_id", &request.shipment_id),
            outcome: convert::outcome(&mut check, request.outcome()),
            collected: convert::cash(&mut check, "cash_collected", &request.cash_collected, self.rules.currency),
            note: check.optional_text("note", &request.note, 500),
        };
        let paid = said.collected.is_some_and(|amount| !amount.is_zero());
        check.require(said.outcome.pays() || !paid, "cash_collected", "nothing is collected when nothing is taken");
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            commands::record_stop(tx, id, &said, &self.stamp(&caller.id)).await?;
            Ok(RecordStopResponse { run: Some(self.read(tx, id).await?) })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn close_delivery_run(
        &self,
        request: Request<CloseDeliveryRunRequest>,
    ) -> Result<Response<CloseDeliveryRunResponse>, Status> {
        const METHOD: &str = "CloseDeliveryRun";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        let id = check.uuid("run_id", &request.run_id);
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            commands::close(tx, id, &self.stamp(&caller.id)).await?;
            Ok(CloseDeliveryRunResponse { run: Some(self.read(tx, id).await?) })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn get_delivery_run(
        &self,
        request: Request<GetDeliveryRunRequest>,
    ) -> Result<Response<GetDeliveryRunResponse>, Status> {
        let mut check = Check::default();
        let id = check.uuid("run_id", &request.into_inner().run_id);
        check.done().map_err(status::invalid)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        Ok(Response::new(GetDeliveryRunResponse { run: Some(self.read(&mut conn, id).await?) }))
    }

    async fn list_delivery_runs(
        &self,
        request: Request<ListDeliveryRunsRequest>,
    ) -> Result<Response<ListDeliveryRunsResponse>, Status> {
        let request = request.into_inner();
        let page = Page::<(OffsetDateTime, Uuid)>::parse(&request.page).map_err(status::invalid)?;
        let courier = (!request.courier.is_empty()).then_some(request.courier.as_str());
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let rows =
            queries::runs(&mut conn, (None, courier), page.after, page.limit() + 1).await.map_err(status::from_sqlx)?;
        let (rows, page) = page.finish(rows, |row| (row.created_at, row.id));
        let runs = rows.into_iter().map(|row| convert::run(row, Vec::new(), self.rules.currency)).collect();
        Ok(Response::new(ListDeliveryRunsResponse { runs, page: Some(page) }))
    }
}
