//! The RPCs of landed cost.

use std::sync::Arc;

use proto::erp::v1::{
    CancelLandedCostRequest, CancelLandedCostResponse, GetLandedCostRequest, GetLandedCostResponse, LandedCost,
    PostLandedCostRequest, PostLandedCostResponse, landed_cost_service_server::LandedCostService,
};
use service::{Check, Deps, idempotency, status};
use sqlx::PgConnection;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{commands, convert, queries};
use crate::config::{Rules, Stamp};

/// Serves `LandedCostService`.
pub(crate) struct Api {
    pub(crate) deps: Deps,
    pub(crate) rules: Arc<Rules>,
}

impl Api {
    fn stamp<'a>(&'a self, by: &'a str) -> Stamp<'a> {
        Stamp { now: self.deps.clock.now(), by, rules: &self.rules }
    }

    async fn read(&self, conn: &mut PgConnection, id: Uuid) -> Result<LandedCost, Status> {
        let found = queries::landed_cost(conn, id).await.map_err(status::from_sqlx)?;
        let (head, charges, shares) = found.ok_or_else(|| status::not_found("landed cost", id))?;
        Ok(convert::landed_cost(head, charges, &shares, self.rules.currency))
    }
}

#[tonic::async_trait]
impl LandedCostService for Api {
    async fn post_landed_cost(
        &self,
        request: Request<PostLandedCostRequest>,
    ) -> Result<Response<PostLandedCostResponse>, Status> {
        const METHOD: &str = "PostLandedCost";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::new();
        let request_id = check.request_id(&request.request_id);
        let new = convert::new_landed_cost(&mut check, &request, self.rules.currency);
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            let id = commands::post(tx, &new, &self.stamp(&caller.id)).await?;
            Ok(PostLandedCostResponse { landed_cost: Some(self.read(tx, id).await?) })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn cancel_landed_cost(
        &self,
        request: Request<CancelLandedCostRequest>,
    ) -> Result<Response<CancelLandedCostResponse>, Status> {
        const METHOD: &str = "CancelLandedCost";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::new();
        let request_id = check.request_id(&request.request_id);
        let id = check.uuid("landed_cost_id", &request.landed_cost_id);
        let reason = check.text("reason", &request.reason, 1..=300);
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            commands::cancel(tx, id, &reason, &self.stamp(&caller.id)).await?;
            Ok(CancelLandedCostResponse { landed_cost: Some(self.read(tx, id).await?) })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn get_landed_cost(
        &self,
        request: Request<GetLandedCostRequest>,
    ) -> Result<Response<GetLandedCostResponse>, Status> {
        let mut check = Check::new();
        let id = check.uuid("landed_cost_id", &request.into_inner().landed_cost_id);
        check.done().map_err(status::invalid)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        Ok(Response::new(GetLandedCostResponse { landed_cost: Some(self.read(&mut conn, id).await?) }))
    }
}
