//! The RPCs of recalls.

use std::sync::Arc;

use proto::erp::v1::{
    CloseRecallRequest, CloseRecallResponse, GetRecallRequest, GetRecallResponse, ListRecallOrdersRequest,
    ListRecallOrdersResponse, ListRecallsRequest, ListRecallsResponse, OpenRecallRequest, OpenRecallResponse, Recall,
    recall_service_server::RecallService,
};
use service::{Check, Deps, idempotency, page::Page, status};
use sqlx::PgConnection;
use tonic::{Code, Request, Response, Status};
use uuid::Uuid;

use super::{commands, convert, queries};
use crate::config::{Rules, Stamp};

/// Serves `RecallService`.
pub(crate) struct Api {
    pub(crate) deps: Deps,
    pub(crate) rules: Arc<Rules>,
}

/// How often a recall is opened anew because something was made of its lots while they were being locked.
const TRIES: usize = 10;

async fn read(conn: &mut PgConnection, id: Uuid) -> Result<Recall, Status> {
    let head = queries::recall(conn, id).await.map_err(status::from_sqlx)?;
    let head = head.ok_or_else(|| status::not_found("recall", id))?;
    let lots = queries::progress(conn, id).await.map_err(status::from_sqlx)?;
    Ok(convert::recall(head, lots))
}

fn recall_id(text: &str) -> Result<Uuid, Status> {
    let mut check = Check::default();
    let id = check.uuid("recall_id", text);
    check.done().map_err(status::invalid)?;
    Ok(id)
}

#[tonic::async_trait]
impl RecallService for Api {
    async fn open_recall(&self, request: Request<OpenRecallRequest>) -> Result<Response<OpenRecallResponse>, Status> {
        const METHOD: &str = "OpenRecall";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        let recall = convert::new_recall(&mut check, &request);
        check.done().map_err(status::invalid)?;
        for tried in 1.. {
            let key = (caller.id.as_str(), METHOD, request_id.as_str());
            let done = idempotency::once(&self.deps.db, key, &request, async |tx| {
                let stamp = Stamp { now: self.deps.clock.now(), by: &caller.id, rules: &self.rules };
                let id = commands::open(tx, &recall, &stamp).await?;
                Ok(OpenRecallResponse { recall: Some(read(tx, id).await?) })
            })
            .await;
            match done {
                Err(raced) if raced.code() == Code::Aborted && tried < TRIES => {}
                done => return Ok(done?.into_response()),
            }
        }
        Err(status::unavailable("the recall was not opened"))
    }

    async fn get_recall(&self, request: Request<GetRecallRequest>) -> Result<Response<GetRecallResponse>, Status> {
        let id = recall_id(&request.into_inner().recall_id)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        Ok(Response::new(GetRecallResponse { recall: Some(read(&mut conn, id).await?) }))
    }

    async fn list_recalls(
        &self,
        request: Request<ListRecallsRequest>,
    ) -> Result<Response<ListRecallsResponse>, Status> {
        let request = request.into_inner();
        let page = Page::<i64>::parse(&request.page).map_err(status::invalid)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let state = convert::state_code(request.state());
        let rows = queries::list(&mut conn, state, page.after, page.limit() + 1).await.map_err(status::from_sqlx)?;
        let (rows, info) = page.finish(rows, |row| row.number);
        let recalls = rows.into_iter().map(|row| convert::recall(row, Vec::new())).collect();
        Ok(Response::new(ListRecallsResponse { recalls, page: Some(info) }))
    }

    async fn list_recall_orders(
        &self,
        request: Request<ListRecallOrdersRequest>,
    ) -> Result<Response<ListRecallOrdersResponse>, Status> {
        let request = request.into_inner();
        let page = Page::<(Uuid, Uuid)>::parse(&request.page).map_err(status::invalid)?;
        let id = recall_id(&request.recall_id)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let head = queries::recall(&mut conn, id).await.map_err(status::from_sqlx)?;
        head.ok_or_else(|| status::not_found("recall", id))?;
        let rows = queries::orders(&mut conn, id, request.only_out, page.after, page.limit() + 1)
            .await
            .map_err(status::from_sqlx)?;
        let (rows, info) = page.finish(rows, |row| (row.order_id, row.lot_id));
        let orders = rows.into_iter().map(convert::order).collect();
        Ok(Response::new(ListRecallOrdersResponse { orders, page: Some(info) }))
    }

    async fn close_recall(
        &self,
        request: Request<CloseRecallRequest>,
    ) -> Result<Response<CloseRecallResponse>, Status> {
        const METHOD: &str = "CloseRecall";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        let id = check.uuid("recall_id", &request.recall_id);
        let summary = check.text("summary", &request.summary, 1..=1000);
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            let stamp = Stamp { now: self.deps.clock.now(), by: &caller.id, rules: &self.rules };
            commands::close(tx, id, &summary, request.release_lots, &stamp).await?;
            Ok(CloseRecallResponse { recall: Some(read(tx, id).await?) })
        })
        .await?;
        Ok(done.into_response())
    }
}
