//! The RPCs of receipts.

use std::sync::Arc;

use proto::erp::v1::{
    GetReceiptRequest, GetReceiptResponse, PostReceiptRequest, PostReceiptResponse, Receipt,
    receipt_service_server::ReceiptService,
};
use service::{Check, Deps, idempotency, status};
use sqlx::PgConnection;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{commands, convert, queries};
use crate::{
    config::{Rules, Stamp},
    expected,
};

/// Serves `ReceiptService`.
pub(crate) struct Api {
    pub(crate) deps: Deps,
    pub(crate) rules: Arc<Rules>,
}

impl Api {
    async fn read(&self, conn: &mut PgConnection, id: Uuid) -> Result<Receipt, Status> {
        let found = queries::receipt(conn, id).await.map_err(status::from_sqlx)?;
        let (head, lines) = found.ok_or_else(|| status::not_found("receipt", id))?;
        let expected = expected::queries::of_receipt(conn, id).await.map_err(status::from_sqlx)?;
        Ok(convert::receipt(head, lines, &expected, self.rules.currency))
    }
}

#[tonic::async_trait]
impl ReceiptService for Api {
    async fn post_receipt(
        &self,
        request: Request<PostReceiptRequest>,
    ) -> Result<Response<PostReceiptResponse>, Status> {
        const METHOD: &str = "PostReceipt";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let now = self.deps.clock.now();
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        let receipt = convert::new_receipt(&mut check, &request, self.rules.currency, now);
        check.done().map_err(status::invalid)?;

        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            let stamp = Stamp { now, by: &caller.id, rules: &self.rules };
            let id = commands::post_receipt(tx, receipt, &stamp).await?;
            Ok(PostReceiptResponse { receipt: Some(self.read(tx, id).await?) })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn get_receipt(&self, request: Request<GetReceiptRequest>) -> Result<Response<GetReceiptResponse>, Status> {
        let mut check = Check::default();
        let id = check.uuid("receipt_id", &request.into_inner().receipt_id);
        check.done().map_err(status::invalid)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        Ok(Response::new(GetReceiptResponse { receipt: Some(self.read(&mut conn, id).await?) }))
    }
}
