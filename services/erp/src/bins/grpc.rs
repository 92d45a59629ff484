//! The RPCs of bins.

use std::sync::Arc;

use proto::erp::v1::{
    BlockBinRequest, BlockBinResponse, ListBinsRequest, ListBinsResponse, ScanBinRequest, ScanBinResponse,
    UpsertBinsRequest, UpsertBinsResponse, bin_service_server::BinService,
};
use service::{Check, Deps, idempotency, page::Page, status};
use tonic::{Code, Request, Response, Status};

use super::{commands, convert, queries, scan, store};
use crate::config::{Rules, Stamp};

/// How often a block begins anew because goods came into the bin meanwhile.
const ATTEMPTS: u32 = 10;

/// Serves `BinService`.
pub(crate) struct Api {
    pub(crate) deps: Deps,
    pub(crate) rules: Arc<Rules>,
}

impl Api {
    /// Waits, holding nothing, until those who are just putting goods into a bin are done.
    async fn let_others_end(&self, barcode: &str) -> Result<(), Status> {
        let mut tx = self.deps.db.begin().await.map_err(status::from_sqlx)?;
        store::wait_for(&mut tx, barcode).await.map_err(status::from_sqlx)
    }
}

#[tonic::async_trait]
impl BinService for Api {
    async fn upsert_bins(&self, request: Request<UpsertBinsRequest>) -> Result<Response<UpsertBinsResponse>, Status> {
        const METHOD: &str = "UpsertBins";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        let warehouse = check.text("warehouse", &request.warehouse, 1..=32);
        let bins = convert::bin_changes(&mut check, &request.bins);
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            let (created, changed) = commands::upsert(tx, &warehouse, &bins).await?;
            let count = |count| i32::try_from(count).unwrap_or(i32::MAX);
            Ok(UpsertBinsResponse { created: count(created), changed: count(changed) })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn list_bins(&self, request: Request<ListBinsRequest>) -> Result<Response<ListBinsResponse>, Status> {
        let request = request.into_inner();
        let page = Page::<(String, i32, String)>::parse(&request.page).map_err(status::invalid)?;
        let mut check = Check::default();
        let warehouse = check.text("warehouse", &request.warehouse, 1..=32);
        let zone = check.optional_text("zone", &request.zone, 32);
        check.done().map_err(status::invalid)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let bins = queries::list(&mut conn, (&warehouse, &zone), page.after.as_ref(), page.limit() + 1).await;
        let key = |bin: &queries::BinView| (bin.zone.clone(), bin.pick_sequence, bin.place.clone());
        let (bins, page) = page.finish(bins.map_err(status::from_sqlx)?, key);
        Ok(Response::new(ListBinsResponse { bins: bins.into_iter().map(convert::bin).collect(), page: Some(page) }))
    }

    async fn scan_bin(&self, request: Request<ScanBinRequest>) -> Result<Response<ScanBinResponse>, Status> {
        let request = request.into_inner();
        let page = Page::<(String, String)>::parse(&request.page).map_err(status::invalid)?;
        let mut check = Check::default();
        let barcode = check.text("barcode", &request.barcode, 1..=100);
        check.done().map_err(status::invalid)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let bin = queries::by_scan(&mut conn, &barcode).await.map_err(status::from_sqlx)?;
        let bin = bin.ok_or_else(|| status::not_found("bin", &barcode))?;
        let found = queries::contents(&mut conn, bin.id, page.after.as_ref(), page.limit() + 1).await;
        let key = |content: &queries::ContentView| (content.sku.clone(), content.lot.clone());
        let (contents, page) = page.finish(found.map_err(status::from_sqlx)?, key);
        Ok(Response::new(ScanBinResponse {
            bin: Some(convert::bin(bin)),
            contents: contents.into_iter().map(convert::content).collect(),
            page: Some(page),
        }))
    }

    async fn block_bin(&self, request: Request<BlockBinRequest>) -> Result<Response<BlockBinResponse>, Status> {
        const METHOD: &str = "BlockBin";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        let barcode = check.text("barcode", &request.barcode, 1..=100);
        let blocks = convert::blocks(&mut check, &request);
        check.done().map_err(status::invalid)?;
        let mut attempt = 0;
        loop {
            let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
                let stamp = Stamp { now: self.deps.clock.now(), by: &caller.id, rules: &self.rules };
                let displaced = commands::block(tx, &barcode, &blocks, &stamp).await?;
                let bin = scan::bin(tx, &barcode).await?;
                let displaced = i32::try_from(displaced).unwrap_or(i32::MAX);
                Ok(BlockBinResponse { bin: Some(convert::bin(bin)), displaced })
            })
            .await;
            match done {
                Err(busy) if busy.code() == Code::Aborted && attempt < ATTEMPTS => {
                    attempt += 1;
                    self.let_others_end(&barcode).await?;
                }
                done => return Ok(done?.into_response()),
            }
        }
    }
}
