//! The RPCs of expected receipts.

use std::{collections::BTreeSet, sync::Arc};

use proto::erp::v1::{
    CancelExpectedReceiptRequest, CancelExpectedReceiptResponse, ExpectedReceipt, GetExpectedReceiptRequest,
    GetExpectedReceiptResponse, ListExpectedReceiptsRequest, ListExpectedReceiptsResponse,
    UpsertExpectedReceiptsRequest, UpsertExpectedReceiptsResponse,
    expected_receipt_service_server::ExpectedReceiptService,
};
use service::{Check, Deps, idempotency, page::Page, status};
use sqlx::PgConnection;
use time::Date;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{commands, convert, queries};
use crate::config::{Rules, Stamp};

/// Serves `ExpectedReceiptService`.
pub(crate) struct Api {
    pub(crate) deps: Deps,
    pub(crate) rules: Arc<Rules>,
}

async fn read(conn: &mut PgConnection, id: Uuid) -> Result<ExpectedReceipt, Status> {
    let found = queries::by_ids(conn, &[id]).await.map_err(status::from_sqlx)?.remove(&id);
    Ok(convert::expected(found.ok_or_else(|| status::not_found("expected receipt", id))?))
}

#[tonic::async_trait]
impl ExpectedReceiptService for Api {
    async fn upsert_expected_receipts(
        &self,
        request: Request<UpsertExpectedReceiptsRequest>,
    ) -> Result<Response<UpsertExpectedReceiptsResponse>, Status> {
        const METHOD: &str = "UpsertExpectedReceipts";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        check.len("receipts", request.receipts.len(), 1..=500);
        let inputs = request.receipts.iter().take(500).enumerate();
        let inputs: Vec<_> = inputs.map(|(index, input)| convert::new_expected(&mut check, index, input)).collect();
        let keys: BTreeSet<_> = inputs.iter().map(|input| &input.key).collect();
        let once = keys.len() == inputs.len() || !check.is_clean();
        check.require(once, "receipts", "must name each source, document and line once");
        check.done().map_err(status::invalid)?;
        let stamp = Stamp { now: self.deps.clock.now(), by: &caller.id, rules: &self.rules };
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            let ids = commands::upsert(tx, &inputs, &stamp).await?;
            let mut found = queries::by_ids(tx, &ids).await.map_err(status::from_sqlx)?;
            let receipts = ids.iter().filter_map(|id| found.remove(id)).map(convert::expected).collect();
            Ok(UpsertExpectedReceiptsResponse { receipts })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn cancel_expected_receipt(
        &self,
        request: Request<CancelExpectedReceiptRequest>,
    ) -> Result<Response<CancelExpectedReceiptResponse>, Status> {
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::default();
        let id = check.uuid("expected_receipt_id", &request.expected_receipt_id);
        let reason = check.text("reason", &request.reason, 1..=300);
        check.done().map_err(status::invalid)?;
        let mut tx = self.deps.db.begin().await.map_err(status::from_sqlx)?;
        let stamp = Stamp { now: self.deps.clock.now(), by: &caller.id, rules: &self.rules };
        commands::cancel(&mut tx, id, &reason, &stamp).await?;
        let receipt = read(&mut tx, id).await?;
        tx.commit().await.map_err(status::from_sqlx)?;
        Ok(Response::new(CancelExpectedReceiptResponse { receipt: Some(receipt) }))
    }

    async fn get_expected_receipt(
        &self,
        request: Request<GetExpectedReceiptRequest>,
    ) -> Result<Response<GetExpectedReceiptResponse>, Status> {
        let mut check = Check::default();
        let id = check.uuid("expected_receipt_id", &request.into_inner().expected_receipt_id);
        check.done().map_err(status::invalid)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        Ok(Response::new(GetExpectedReceiptResponse { receipt: Some(read(&mut conn, id).await?) }))
    }

    async fn list_expected_receipts(
        &self,
        request: Request<ListExpectedReceiptsRequest>,
    ) -> Result<Response<ListExpectedReceiptsResponse>, Status> {
        let request = request.into_inner();
        let page = Page::<(Date, Uuid)>::parse(&request.page).map_err(status::invalid)?;
        let mut check = Check::default();
        let sku = check.optional_text("sku", &request.sku, 64);
        check.done().map_err(status::invalid)?;
        let filter = ((!sku.is_empty()).then_some(sku.as_str()), convert::state_code(request.state()));
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let rows =
            queries::list(&mut conn, filter, page.after.as_ref(), page.limit() + 1).await.map_err(status::from_sqlx)?;
        let (rows, page) = page.finish(rows, |row| (row.expected_on, row.id));
        let receipts = rows.into_iter().map(convert::expected).collect();
        Ok(Response::new(ListExpectedReceiptsResponse { receipts, page: Some(page) }))
    }
}
