//! The RPCs of decisions.

use std::sync::Arc;

use proto::erp::v1::{
    ListOverridesRequest, ListOverridesResponse, MoveReservationRequest, MoveReservationResponse, PinLineRequest,
    PinLineResponse, SetPriorityRequest, SetPriorityResponse,
    reservation_override_service_server::ReservationOverrideService,
};
use service::{Check, Deps, idempotency, page::Page, status};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{commands, convert, queries};
use crate::{
    config::{Rules, Stamp},
    reservation::grpc::read,
};

/// Furthest an order can stand before or behind others.
const MOST_PRIORITY: i32 = 1_000_000;

/// Serves `ReservationOverrideService`.
pub(crate) struct Api {
    pub(crate) deps: Deps,
    pub(crate) rules: Arc<Rules>,
}

impl Api {
    fn stamp<'a>(&'a self, by: &'a str) -> Stamp<'a> {
        Stamp { now: self.deps.clock.now(), by, rules: &self.rules }
    }
}

#[tonic::async_trait]
impl ReservationOverrideService for Api {
    async fn pin_line(&self, request: Request<PinLineRequest>) -> Result<Response<PinLineResponse>, Status> {
        const METHOD: &str = "PinLine";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        let pin = convert::pin(&mut check, &request);
        let grounds = convert::grounds(&mut check, &request.reason, &request.approved_by, false);
        check.done().map_err(status::invalid)?;
        let stamp = self.stamp(&caller.id);
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            commands::pin(tx, &pin, &grounds, &stamp).await?;
            Ok(PinLineResponse { reservation: Some(read(tx, pin.order, &stamp).await?) })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn move_reservation(
        &self,
        request: Request<MoveReservationRequest>,
    ) -> Result<Response<MoveReservationResponse>, Status> {
        const METHOD: &str = "MoveReservation";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        let transfer = convert::transfer(&mut check, &request);
        let grounds = convert::grounds(&mut check, &request.reason, &request.approved_by, true);
        check.done().map_err(status::invalid)?;
        let stamp = self.stamp(&caller.id);
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            commands::transfer(tx, &transfer, &grounds, &stamp).await?;
            let giver = Some(read(tx, transfer.from.0, &stamp).await?);
            let taker = Some(read(tx, transfer.to.0, &stamp).await?);
            Ok(MoveReservationResponse { giver, taker })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn set_priority(
        &self,
        request: Request<SetPriorityRequest>,
    ) -> Result<Response<SetPriorityResponse>, Status> {
        const METHOD: &str = "SetPriority";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        let order = check.uuid("order_id", &request.order_id);
        let good = (-MOST_PRIORITY..=MOST_PRIORITY).contains(&request.priority);
        check.require(good, "priority", "must be -1000000 to 1000000");
        let grounds = convert::grounds(&mut check, &request.reason, &request.approved_by, false);
        check.done().map_err(status::invalid)?;
        let stamp = self.stamp(&caller.id);
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            commands::set_priority(tx, order, request.priority, &grounds, &stamp).await?;
            Ok(SetPriorityResponse { reservation: Some(read(tx, order, &stamp).await?) })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn list_overrides(
        &self,
        request: Request<ListOverridesRequest>,
    ) -> Result<Response<ListOverridesResponse>, Status> {
        let request = request.into_inner();
        let page = Page::<Uuid>::parse(&request.page).map_err(status::invalid)?;
        let mut check = Check::default();
        let order = check.uuid("order_id", &request.order_id);
        check.done().map_err(status::invalid)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let rows =
            queries::of_order(&mut conn, order, page.after, page.limit() + 1).await.map_err(status::from_sqlx)?;
        let (rows, page) = page.finish(rows, |row| row.id);
        let overrides = rows.into_iter().map(convert::decision).collect();
        Ok(Response::new(ListOverridesResponse { overrides, page: Some(page) }))
    }
}
