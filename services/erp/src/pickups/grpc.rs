//! The RPCs of pickups.

use std::sync::Arc;

use proto::erp::v1::{
    GetPickupRequest, GetPickupResponse, HandOverRequest, HandOverResponse, ReissuePickupCodeRequest,
    ReissuePickupCodeResponse, pickup_service_server::PickupService,
};
use service::{Check, Deps, idempotency, status};
use tonic::{Request, Response, Status};

use super::{commands, convert, domain::Refusal};
use crate::{
    config::{Rules, Stamp},
    error::Error,
    fulfilment,
};

/// Serves `PickupService`.
pub(crate) struct Api {
    pub(crate) deps: Deps,
    pub(crate) rules: Arc<Rules>,
}

impl Api {
    fn stamp<'a>(&'a self, by: &'a str) -> Stamp<'a> {
        Stamp { now: self.deps.clock.now(), by, rules: &self.rules }
    }
}

/// The refusal an answer remembers: the attempt was counted, so the transaction had to be kept.
fn refused(answer: &HandOverResponse) -> Option<Refusal> {
    match answer.refusal.as_str() {
        "" => None,
        "WRONG_CODE" => Some(Refusal::WrongCode(answer.attempts_left)),
        "TOO_MANY_ATTEMPTS" => Some(Refusal::TooManyAttempts),
        ended => Some(Refusal::Ended(ended.to_owned())),
    }
}

#[tonic::async_trait]
impl PickupService for Api {
    async fn get_pickup(&self, request: Request<GetPickupRequest>) -> Result<Response<GetPickupResponse>, Status> {
        let mut check = Check::default();
        let id = check.uuid("shipment_id", &request.into_inner().shipment_id);
        check.done().map_err(status::invalid)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let pickup = commands::get(&mut conn, id).await?;
        Ok(Response::new(GetPickupResponse { pickup: Some(convert::pickup(pickup)) }))
    }

    async fn reissue_pickup_code(
        &self,
        request: Request<ReissuePickupCodeRequest>,
    ) -> Result<Response<ReissuePickupCodeResponse>, Status> {
        const METHOD: &str = "ReissuePickupCode";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        let id = check.uuid("shipment_id", &request.shipment_id);
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            let pickup = commands::reissue(tx, id, &self.stamp(&caller.id)).await?;
            Ok(ReissuePickupCodeResponse { pickup: Some(convert::pickup(pickup)) })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn hand_over(&self, request: Request<HandOverRequest>) -> Result<Response<HandOverResponse>, Status> {
        const METHOD: &str = "HandOver";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        let id = check.uuid("shipment_id", &request.shipment_id);
        let code = check.text("code", &request.code, 1..=32);
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            Ok(match commands::hand_over(tx, id, &code, &self.stamp(&caller.id)).await? {
                Ok(()) => HandOverResponse {
                    shipment: Some(fulfilment::grpc::read(tx, id, self.rules.currency).await?),
                    ..HandOverResponse::default()
                },
                Err(Refusal::WrongCode(left)) => HandOverResponse {
                    refusal: "WRONG_CODE".into(),
                    attempts_left: left,
                    ..HandOverResponse::default()
                },
                Err(Refusal::TooManyAttempts) => {
                    HandOverResponse { refusal: "TOO_MANY_ATTEMPTS".into(), ..HandOverResponse::default() }
                }
                Err(Refusal::Ended(state)) => HandOverResponse { refusal: state, ..HandOverResponse::default() },
            })
        })
        .await?;
        refused(&done.answer)
            .map_or_else(|| Ok(Response::new(done.answer)), |refusal| Err(Error::Pickup(refusal).into()))
    }
}
