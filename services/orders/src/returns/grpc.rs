//! The return RPCs.

use proto::orders::v1::{self as wire, return_service_server::ReturnService};
use service::{Check, Deps, caller, idempotency, new_id, page::Page, status};
use time::OffsetDateTime;
use tonic::{Request, Response, Status};
use types::{Currency, Money};
use uuid::Uuid;

use super::{
    commands::{self, Asked},
    store::{self, ReturnRow},
};
use crate::{
    error::Error,
    life::{self, convert, domain::LineChange, grpc::Hub},
};

/// The return RPCs.
pub struct ReturnGrpc {
    deps: Deps,
    hub: Hub,
}

impl ReturnGrpc {
    /// With the hub that tells watchers of changes.
    #[must_use]
    pub fn new(deps: Deps, hub: Hub) -> Self {
        Self { deps, hub }
    }
}

fn read(request: &wire::RecordReturnRequest, now: OffsetDateTime) -> Result<Asked, Error> {
    let mut check = Check::new();
    check.request_id(&request.request_id);
    let outcome = match wire::ReturnOutcome::try_from(request.outcome) {
        Ok(wire::ReturnOutcome::Unspecified | wire::ReturnOutcome::Restock) => "restock",
        Ok(wire::ReturnOutcome::WriteOff) => "write_off",
        Ok(wire::ReturnOutcome::Repair) => "repair",
        Err(_) => {
            check.wrong("outcome", "is not a known outcome");
            "restock"
        }
    };
    let asked = Asked {
        order_id: check.uuid("order_id", &request.order_id),
        return_id: new_id(),
        parts: convert::parts(&mut check, &request.lines),
        reason: convert::reason_code(&mut check, "reason", &request.reason),
        outcome,
        returned_at: check.optional_timestamp("returned_at", &request.returned_at).unwrap_or(now),
    };
    check.done()?;
    Ok(asked)
}

fn order_return(row: ReturnRow, lines: &[LineChange], currency: Currency) -> wire::OrderReturn {
    wire::OrderReturn {
        return_id: row.id.to_string(),
        order_id: row.order_id.to_string(),
        reason: row.reason,
        outcome: convert::outcome_to_wire(&row.outcome).into(),
        lines: convert::changes(lines, currency),
        amount: Some(Money::new(row.amount, currency).rounded().into()),
        returned_at: Some(proto::to_timestamp(row.returned_at)),
        recorded_by: row.recorded_by,
        booked_at: row.booked_at.map(proto::to_timestamp),
    }
}

#[tonic::async_trait]
impl ReturnService for ReturnGrpc {
    async fn record_return(
        &self,
        request: Request<wire::RecordReturnRequest>,
    ) -> Result<Response<wire::RecordReturnResponse>, Status> {
        const METHOD: &str = "orders.RecordReturn";
        let (who, request) = (caller(&request)?, request.into_inner());
        let now = self.deps.clock.now();
        let asked = read(&request, now)?;
        let done = idempotency::once(&self.deps.db, (&who.id, METHOD, &request.request_id), &request, async |tx| {
            let recorded = commands::record(tx, &asked, &who.id, now).await?;
            Ok(wire::RecordReturnResponse {
                order_return: Some(order_return(recorded.row, &recorded.lines, recorded.currency)),
                fulfilment_state: recorded.fulfilment_state.to_owned(),
                duplicate: false,
            })
        })
        .await?;
        self.hub.poke(&[asked.order_id]);
        Ok(Response::new(wire::RecordReturnResponse { duplicate: done.repeated, ..done.answer }))
    }

    async fn list_returns(
        &self,
        request: Request<wire::ListReturnsRequest>,
    ) -> Result<Response<wire::ListReturnsResponse>, Status> {
        let request = request.into_inner();
        let page = Page::<Uuid>::parse(&request.page).map_err(status::invalid)?;
        let mut check = Check::new();
        let id = check.uuid("order_id", &request.order_id);
        check.done().map_err(status::invalid)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let order = life::store::load(&mut conn, id).await.map_err(status::from_sqlx)?;
        let currency = order.ok_or_else(|| Error::not_found("order", id))?.currency;
        let rows = store::list(&mut conn, id, page.after, page.limit() + 1).await.map_err(status::from_sqlx)?;
        let (rows, info) = page.finish(rows, |row| row.id);
        let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
        let mut lines = store::lines(&mut conn, &ids).await.map_err(status::from_sqlx)?;
        let one = |row: ReturnRow| {
            let lines = lines.remove(&row.id).unwrap_or_default();
            order_return(row, &lines, currency)
        };
        let returns = rows.into_iter().map(one).collect();
        Ok(Response::new(wire::ListReturnsResponse { returns, page: Some(info) }))
    }
}
