//! The RPCs of kits.

use std::sync::Arc;

use proto::erp::v1::{
    AssembleKitRequest, AssembleKitResponse, DisassembleKitRequest, DisassembleKitResponse, GetKitRequest,
    GetKitResponse, Kit, ListKitsRequest, ListKitsResponse, PutKitRequest, PutKitResponse,
    kit_service_server::KitService,
};
use service::{Check, Deps, idempotency, page::Page, status};
use sqlx::PgConnection;
use tonic::{Request, Response, Status};

use super::{commands, convert, queries};
use crate::config::{Rules, Stamp};

/// Serves `KitService`.
pub(crate) struct Api {
    pub(crate) deps: Deps,
    pub(crate) rules: Arc<Rules>,
}

async fn read(conn: &mut PgConnection, sku: &str) -> Result<Kit, Status> {
    let found = queries::kit(conn, sku).await.map_err(status::from_sqlx)?;
    Ok(convert::kit_of(found.ok_or_else(|| status::not_found("kit", sku))?))
}

#[tonic::async_trait]
impl KitService for Api {
    async fn put_kit(&self, request: Request<PutKitRequest>) -> Result<Response<PutKitResponse>, Status> {
        const METHOD: &str = "PutKit";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        let kit = convert::kit(&mut check, &request);
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            let stamp = Stamp { now: self.deps.clock.now(), by: &caller.id, rules: &self.rules };
            commands::put(tx, &kit, request.version, &stamp).await?;
            Ok(PutKitResponse { kit: Some(read(tx, &kit.sku).await?) })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn get_kit(&self, request: Request<GetKitRequest>) -> Result<Response<GetKitResponse>, Status> {
        let mut check = Check::default();
        let sku = check.text("sku", &request.into_inner().sku, 1..=64);
        check.done().map_err(status::invalid)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        Ok(Response::new(GetKitResponse { kit: Some(read(&mut conn, &sku).await?) }))
    }

    async fn list_kits(&self, request: Request<ListKitsRequest>) -> Result<Response<ListKitsResponse>, Status> {
        let page = Page::<String>::parse(&request.into_inner().page).map_err(status::invalid)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let rows =
            queries::list(&mut conn, page.after.as_deref(), page.limit() + 1).await.map_err(status::from_sqlx)?;
        let (rows, info) = page.finish(rows, |row| row.sku.clone());
        Ok(Response::new(ListKitsResponse { kits: rows.into_iter().map(convert::kit_of).collect(), page: Some(info) }))
    }

    async fn assemble_kit(
        &self,
        request: Request<AssembleKitRequest>,
    ) -> Result<Response<AssembleKitResponse>, Status> {
        const METHOD: &str = "AssembleKit";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        let (order, lot, named) = convert::assembly(&mut check, &request);
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            let stamp = Stamp { now: self.deps.clock.now(), by: &caller.id, rules: &self.rules };
            let done = commands::assemble(tx, &order, &lot, &named, &stamp).await?;
            Ok(convert::assembled(done, self.rules.currency))
        })
        .await?;
        Ok(done.into_response())
    }

    async fn disassemble_kit(
        &self,
        request: Request<DisassembleKitRequest>,
    ) -> Result<Response<DisassembleKitResponse>, Status> {
        const METHOD: &str = "DisassembleKit";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        let (order, lot, named) = convert::disassembly(&mut check, &request);
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            let stamp = Stamp { now: self.deps.clock.now(), by: &caller.id, rules: &self.rules };
            let done = commands::disassemble(tx, &order, &lot, &named, &stamp).await?;
            Ok(convert::disassembled(done, self.rules.currency))
        })
        .await?;
        Ok(done.into_response())
    }
}
