//! The RPCs of stocktaking.

use std::{collections::HashMap, sync::Arc};

use proto::erp::v1::{
    ApproveCountRequest, ApproveCountResponse, CancelCountRequest, CancelCountResponse, CloseCountRequest,
    CloseCountResponse, CompleteBinRequest, CompleteBinResponse, Count, CreateCountRequest, CreateCountResponse,
    DemandRecountRequest, DemandRecountResponse, GetCountRequest, GetCountResponse, ListCountBinsRequest,
    ListCountBinsResponse, ListCountLinesRequest, ListCountLinesResponse, ListCountsRequest, ListCountsResponse,
    RecordCountRequest, RecordCountResponse, count_service_server::CountService,
};
use rust_decimal::Decimal;
use service::{Check, Deps, idempotency, page::Page, status};
use sqlx::PgConnection;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{commands, convert, domain::Line, queries};
use crate::{
    config::{Rules, Stamp},
    ledger::convert::money,
    valuation,
};

/// Who sees values.
const SEES_VALUES: &str = "erp.valuation.read";
/// Things said of a line that are shown.
const ENTRIES: i64 = 20;

/// Serves `CountService`.
pub(crate) struct Api {
    pub(crate) deps: Deps,
    pub(crate) rules: Arc<Rules>,
}

impl Api {
    fn stamp<'a>(&'a self, by: &'a str) -> Stamp<'a> {
        Stamp { now: self.deps.clock.now(), by, rules: &self.rules }
    }

    async fn read(&self, conn: &mut PgConnection, id: Uuid) -> Result<Count, Status> {
        let found = queries::counts(conn, Some(id), "", None, 1).await.map_err(status::from_sqlx)?;
        found.into_iter().next().map(convert::count).ok_or_else(|| status::not_found("count", id))
    }

    /// What the differences of lines are worth: as posted, or as of now.
    async fn values(&self, conn: &mut PgConnection, lines: &[Line]) -> Result<HashMap<(Uuid, i64), Decimal>, Status> {
        let keys: Vec<_> = lines.iter().map(|line| (line.lot, line.place)).collect();
        let pools = valuation::queries::pools(conn, &keys).await.map_err(status::from_sqlx)?;
        let digits = self.rules.digits();
        let value = |line: &Line| {
            let key = (line.lot, line.place);
            let pool = pools.get(&key).copied();
            (key, line.posted.map_or_else(|| commands::worth(line, pool, digits), |(_, value)| value))
        };
        Ok(lines.iter().map(value).collect())
    }
}

/// Reads the request id and the id of a count.
fn keys(request_id: &str, count_id: &str) -> Result<(String, Uuid), Status> {
    let mut check = Check::default();
    let keys = (check.request_id(request_id), check.uuid("count_id", count_id));
    check.done().map_err(status::invalid)?;
    Ok(keys)
}

#[tonic::async_trait]
impl CountService for Api {
    async fn create_count(
        &self,
        request: Request<CreateCountRequest>,
    ) -> Result<Response<CreateCountResponse>, Status> {
        const METHOD: &str = "CreateCount";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        let count = convert::new_count(&mut check, &request);
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            commands::create(tx, &count, &self.stamp(&caller.id)).await?;
            Ok(CreateCountResponse { count: Some(self.read(tx, count.id).await?) })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn list_counts(&self, request: Request<ListCountsRequest>) -> Result<Response<ListCountsResponse>, Status> {
        let request = request.into_inner();
        let page = Page::<i64>::parse(&request.page).map_err(status::invalid)?;
        let state = convert::state_code(request.state());
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let counts = queries::counts(&mut conn, None, state, page.after, page.limit() + 1).await;
        let (counts, page) = page.finish(counts.map_err(status::from_sqlx)?, |count| count.number);
        let counts = counts.into_iter().map(convert::count).collect();
        Ok(Response::new(ListCountsResponse { counts, page: Some(page) }))
    }

    async fn get_count(&self, request: Request<GetCountRequest>) -> Result<Response<GetCountResponse>, Status> {
        let mut check = Check::default();
        let id = check.uuid("count_id", &request.into_inner().count_id);
        check.done().map_err(status::invalid)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        Ok(Response::new(GetCountResponse { count: Some(self.read(&mut conn, id).await?) }))
    }

    async fn list_count_bins(
        &self,
        request: Request<ListCountBinsRequest>,
    ) -> Result<Response<ListCountBinsResponse>, Status> {
        let request = request.into_inner();
        let page = Page::<(i32, i64)>::parse(&request.page).map_err(status::invalid)?;
        let mut check = Check::default();
        let id = check.uuid("count_id", &request.count_id);
        check.done().map_err(status::invalid)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let bins = queries::bins(&mut conn, id, request.open_only, page.after, page.limit() + 1).await;
        let key = |bin: &queries::BinView| (bin.pick_sequence, bin.place_id);
        let (bins, page) = page.finish(bins.map_err(status::from_sqlx)?, key);
        Ok(Response::new(ListCountBinsResponse {
            bins: bins.into_iter().map(convert::bin).collect(),
            page: Some(page),
        }))
    }

    async fn record_count(
        &self,
        request: Request<RecordCountRequest>,
    ) -> Result<Response<RecordCountResponse>, Status> {
        const METHOD: &str = "RecordCount";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        let id = check.uuid("count_id", &request.count_id);
        let scanned = convert::scanned(&mut check, &request);
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            let noted = commands::record(tx, id, &scanned, &self.stamp(&caller.id)).await?;
            let (entry_id, round) = (noted.entry, noted.round);
            Ok(RecordCountResponse { entry_id, round, sku: noted.sku, lot: noted.lot })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn complete_bin(
        &self,
        request: Request<CompleteBinRequest>,
    ) -> Result<Response<CompleteBinResponse>, Status> {
        const METHOD: &str = "CompleteBin";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        let id = check.uuid("count_id", &request.count_id);
        let bin = check.text("bin", &request.bin, 1..=100);
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            Ok(CompleteBinResponse { place: commands::complete_bin(tx, id, &bin, &self.stamp(&caller.id)).await? })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn close_count(&self, request: Request<CloseCountRequest>) -> Result<Response<CloseCountResponse>, Status> {
        const METHOD: &str = "CloseCount";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let (request_id, id) = keys(&request.request_id, &request.count_id)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            commands::close(tx, id, &self.stamp(&caller.id)).await?;
            Ok(CloseCountResponse { count: Some(self.read(tx, id).await?) })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn list_count_lines(
        &self,
        request: Request<ListCountLinesRequest>,
    ) -> Result<Response<ListCountLinesResponse>, Status> {
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let page = Page::<(i64, String, String)>::parse(&request.page).map_err(status::invalid)?;
        let mut check = Check::default();
        let id = check.uuid("count_id", &request.count_id);
        check.done().map_err(status::invalid)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let found = queries::lines(&mut conn, id, page.after.as_ref(), page.limit() + 1).await;
        let key = |line: &Line| (line.place, line.sku.clone(), line.lot_number.clone());
        let (mut lines, page) = page.finish(found.map_err(status::from_sqlx)?, key);
        lines.retain(|line| !request.differing_only || line.stands_out());
        let shown: Vec<_> = lines.iter().collect();
        let entries = queries::entries(&mut conn, id, &shown, ENTRIES).await.map_err(status::from_sqlx)?;
        let sees_values = caller.may(SEES_VALUES);
        let values = if sees_values { self.values(&mut conn, &lines).await? } else { HashMap::new() };
        let currency = sees_values.then_some(self.rules.currency);
        let lines = convert::lines(lines, entries, &values, currency);
        Ok(Response::new(ListCountLinesResponse { lines, page: Some(page) }))
    }

    async fn demand_recount(
        &self,
        request: Request<DemandRecountRequest>,
    ) -> Result<Response<DemandRecountResponse>, Status> {
        const METHOD: &str = "DemandRecount";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        let id = check.uuid("count_id", &request.count_id);
        let lines = convert::recounts(&mut check, &request);
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            commands::demand_recount(tx, id, &lines, &self.stamp(&caller.id)).await?;
            Ok(DemandRecountResponse { count: Some(self.read(tx, id).await?) })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn approve_count(
        &self,
        request: Request<ApproveCountRequest>,
    ) -> Result<Response<ApproveCountResponse>, Status> {
        const METHOD: &str = "ApproveCount";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let (request_id, id) = keys(&request.request_id, &request.count_id)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            let approved = commands::approve(tx, id, request.version, &self.stamp(&caller.id)).await?;
            let value = |value| caller.may(SEES_VALUES).then(|| money(value, self.rules.currency));
            Ok(ApproveCountResponse {
                count: Some(self.read(tx, id).await?),
                differences: i32::try_from(approved.differences).unwrap_or(i32::MAX),
                surplus: value(approved.surplus),
                shortage: value(approved.shortage),
            })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn cancel_count(
        &self,
        request: Request<CancelCountRequest>,
    ) -> Result<Response<CancelCountResponse>, Status> {
        const METHOD: &str = "CancelCount";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let (request_id, id) = keys(&request.request_id, &request.count_id)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            commands::cancel(tx, id, &self.stamp(&caller.id)).await?;
            Ok(CancelCountResponse { count: Some(self.read(tx, id).await?) })
        })
        .await?;
        Ok(done.into_response())
    }
}
