//! The RPCs of cash on delivery.

use std::sync::Arc;

use proto::erp::v1::{
    CashDecision, CashHandIn, DecideCashDifferenceRequest, DecideCashDifferenceResponse, HandInCashRequest,
    HandInCashResponse, ListCourierDebtsRequest, ListCourierDebtsResponse,
    cash_on_delivery_service_server::CashOnDeliveryService,
};
use service::{Check, Deps, idempotency, page::Page, status};
use sqlx::PgConnection;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{commands, convert, queries};
use crate::{
    config::{Rules, Stamp},
    runs::convert::cash,
};

/// Serves `CashOnDeliveryService`.
pub(crate) struct Api {
    pub(crate) deps: Deps,
    pub(crate) rules: Arc<Rules>,
}

impl Api {
    fn stamp<'a>(&'a self, by: &'a str) -> Stamp<'a> {
        Stamp { now: self.deps.clock.now(), by, rules: &self.rules }
    }

    async fn read(&self, conn: &mut PgConnection, run: Uuid) -> Result<CashHandIn, Status> {
        let view = queries::hand_in(conn, run).await.map_err(status::from_sqlx)?;
        let view = view.ok_or_else(|| status::not_found("hand-in of run", run))?;
        Ok(convert::hand_in(view, self.rules.currency))
    }
}

#[tonic::async_trait]
impl CashOnDeliveryService for Api {
    async fn hand_in_cash(&self, request: Request<HandInCashRequest>) -> Result<Response<HandInCashResponse>, Status> {
        const METHOD: &str = "HandInCash";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        let run = check.uuid("run_id", &request.run_id);
        check.require(request.counted.is_some(), "counted", "is missing");
        let counted = cash(&mut check, "counted", &request.counted, self.rules.currency).unwrap_or_default();
        let reason = check.optional_text("reason", &request.reason, 500);
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            commands::hand_in(tx, run, counted, &reason, &self.stamp(&caller.id)).await?;
            Ok(HandInCashResponse { hand_in: Some(self.read(tx, run).await?) })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn decide_cash_difference(
        &self,
        request: Request<DecideCashDifferenceRequest>,
    ) -> Result<Response<DecideCashDifferenceResponse>, Status> {
        const METHOD: &str = "DecideCashDifference";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        let run = check.uuid("run_id", &request.run_id);
        let decision = match request.decision() {
            CashDecision::Waived => "waived",
            CashDecision::Charged => "charged",
            CashDecision::Unspecified => {
                check.wrong("decision", "is missing");
                ""
            }
        };
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            commands::decide(tx, run, decision, &self.stamp(&caller.id)).await?;
            Ok(DecideCashDifferenceResponse { hand_in: Some(self.read(tx, run).await?) })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn list_courier_debts(
        &self,
        request: Request<ListCourierDebtsRequest>,
    ) -> Result<Response<ListCourierDebtsResponse>, Status> {
        let page = Page::<String>::parse(&request.into_inner().page).map_err(status::invalid)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let rows =
            queries::debts(&mut conn, page.after.as_deref(), page.limit() + 1).await.map_err(status::from_sqlx)?;
        let (rows, page) = page.finish(rows, |row| row.courier.clone());
        let debts = rows.into_iter().map(|row| convert::debt(row, self.rules.currency)).collect();
        Ok(Response::new(ListCourierDebtsResponse { debts, page: Some(page) }))
    }
}
