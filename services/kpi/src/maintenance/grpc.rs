//! The maintenance RPCs.

use proto::kpi::v1::{
    self as wire,
    maintenance_service_server::{MaintenanceService, MaintenanceServiceServer},
};
use service::{Check, Deps, idempotency};
use tonic::{Request, Response, Status};

use super::{commands, queries};
use crate::{config::Config, consumers::SOURCES, error::Error};

/// The server to be mounted.
pub(crate) fn server(deps: &Deps, config: &Config) -> MaintenanceServiceServer<Maintenance> {
    MaintenanceServiceServer::new(Maintenance { deps: deps.clone(), config: config.clone() })
}

/// The maintenance RPCs.
pub(crate) struct Maintenance {
    deps: Deps,
    config: Config,
}

#[tonic::async_trait]
impl MaintenanceService for Maintenance {
    async fn rebuild(&self, request: Request<wire::RebuildRequest>) -> Result<Response<wire::RebuildResponse>, Status> {
        const METHOD: &str = "Rebuild";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::new();
        let request_id = check.request_id(&request.request_id);
        check.done().map_err(Error::Invalid)?;

        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            let generation = commands::empty(tx, self.deps.clock.now()).await.map_err(Error::from)?;
            tracing::info!(generation, caller = caller.id, "facts emptied; waiting for replayed events");
            let sources = SOURCES.iter().map(|source| (*source).to_owned()).collect();
            Ok(wire::RebuildResponse { generation, sources })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn get_facts_status(
        &self,
        _request: Request<wire::GetFactsStatusRequest>,
    ) -> Result<Response<wire::GetFactsStatusResponse>, Status> {
        let mut conn = self.deps.db.acquire().await.map_err(Error::from)?;
        let status = queries::status(&mut conn).await.map_err(Error::from)?;
        Ok(Response::new(wire::GetFactsStatusResponse {
            generation: status.generation,
            rebuilt_at: status.rebuilt_at.map(proto::to_timestamp),
            orders_without_placement: status.unplaced,
            days_to_sum: status.days,
            orders_with_wrong_total: status.wrong_totals,
            time_zone: self.config.kpi_time_zone.clone(),
            cutoff_hour: self.config.kpi_cutoff_hour.into(),
            currency: self.config.kpi_currency.code().to_owned(),
        }))
    }
}
