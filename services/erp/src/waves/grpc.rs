//! The RPCs of waves.

use std::{collections::HashSet, sync::Arc};

use proto::erp::v1::{
    CancelWaveRequest, CancelWaveResponse, CreateWaveRequest, CreateWaveResponse, GetWaveRequest, GetWaveResponse,
    ListOpenWavesRequest, ListOpenWavesResponse, ReportShortRequest, ReportShortResponse, ScanPickRequest,
    ScanPickResponse, ShortReason, StartWaveRequest, StartWaveResponse, Wave, wave_service_server::WaveService,
};
use rust_decimal::Decimal;
use service::{Check, Deps, idempotency, page::Page, status};
use sqlx::PgConnection;
use time::OffsetDateTime;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{
    commands::{self, Wanted},
    convert,
    domain::Limits,
    queries,
};
use crate::{
    config::{Rules, Stamp},
    ledger::convert::quantity,
};

/// Orders of a wave at most.
const MOST: usize = 200;

/// Serves `WaveService`.
pub(crate) struct Api {
    pub(crate) deps: Deps,
    pub(crate) rules: Arc<Rules>,
}

impl Api {
    fn stamp<'a>(&'a self, by: &'a str) -> Stamp<'a> {
        Stamp { now: self.deps.clock.now(), by, rules: &self.rules }
    }
}

async fn read(conn: &mut PgConnection, id: Uuid) -> Result<Wave, Status> {
    let view = queries::wave(conn, id).await.map_err(status::from_sqlx)?;
    let view = view.ok_or_else(|| status::not_found("wave", id))?;
    let orders = queries::orders(conn, id).await.map_err(status::from_sqlx)?;
    let lines = queries::route(conn, id).await.map_err(status::from_sqlx)?;
    Ok(convert::wave(view, orders, lines))
}

fn wanted(check: &mut Check, request: &CreateWaveRequest, rules: &Rules) -> Wanted {
    check.require((0..=200).contains(&request.max_orders), "max_orders", "must be 0 (default) to 200");
    check.require(request.max_lines >= 0, "max_lines", "must not be negative");
    let weight =
        (!request.max_weight_grams.is_empty()).then(|| check.decimal("max_weight_grams", &request.max_weight_grams));
    check.require(weight.is_none_or(|grams| grams > Decimal::ZERO), "max_weight_grams", "must be above zero");
    check.len("order_ids", request.order_ids.len(), 0..=MOST);
    let ids = request.order_ids.iter().take(MOST).enumerate();
    let orders: Vec<_> = ids.map(|(n, id)| check.uuid(&format!("order_ids[{n}]"), id)).collect();
    let distinct: HashSet<_> = orders.iter().collect();
    check.require(distinct.len() == orders.len(), "order_ids", "must name each once");
    let warehouse = check.optional_text("warehouse", &request.warehouse, 32);
    Wanted {
        warehouse: if warehouse.is_empty() { rules.default_warehouse.clone() } else { warehouse },
        region: check.optional_text("region", &request.region, 64),
        delivery_method: check.optional_text("delivery_method", &request.delivery_method, 64),
        limits: Limits {
            orders: if request.max_orders == 0 { 50 } else { usize::try_from(request.max_orders).unwrap_or(MOST) },
            lines: (request.max_lines > 0).then_some(request.max_lines.into()),
            weight_grams: weight,
        },
        include_partial: request.include_partial,
        orders,
    }
}

#[tonic::async_trait]
impl WaveService for Api {
    async fn create_wave(&self, request: Request<CreateWaveRequest>) -> Result<Response<CreateWaveResponse>, Status> {
        const METHOD: &str = "CreateWave";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        let wanted = wanted(&mut check, &request, &self.rules);
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            let id = commands::create(tx, &wanted, &self.stamp(&caller.id)).await?;
            Ok(CreateWaveResponse { wave: Some(read(tx, id).await?) })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn start_wave(&self, request: Request<StartWaveRequest>) -> Result<Response<StartWaveResponse>, Status> {
        const METHOD: &str = "StartWave";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        let id = check.uuid("wave_id", &request.wave_id);
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            commands::start(tx, id, &self.stamp(&caller.id)).await?;
            Ok(StartWaveResponse { wave: Some(read(tx, id).await?) })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn cancel_wave(&self, request: Request<CancelWaveRequest>) -> Result<Response<CancelWaveResponse>, Status> {
        const METHOD: &str = "CancelWave";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        let id = check.uuid("wave_id", &request.wave_id);
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            commands::cancel(tx, id, &self.stamp(&caller.id)).await?;
            Ok(CancelWaveResponse { wave: Some(read(tx, id).await?) })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn scan_pick(&self, request: Request<ScanPickRequest>) -> Result<Response<ScanPickResponse>, Status> {
        const METHOD: &str = "ScanPick";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        let id = check.uuid("wave_id", &request.wave_id);
        let codes = (request.place.as_str(), request.item.as_str(), request.lot.as_str());
        let scan = convert::scan(&mut check, codes, "quantity", &request.quantity);
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            Ok(convert::scanned(commands::scan(tx, id, &scan, &self.stamp(&caller.id)).await?))
        })
        .await?;
        Ok(done.into_response())
    }

    async fn report_short(
        &self,
        request: Request<ReportShortRequest>,
    ) -> Result<Response<ReportShortResponse>, Status> {
        const METHOD: &str = "ReportShort";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        let id = check.uuid("wave_id", &request.wave_id);
        let codes = (request.place.as_str(), request.item.as_str(), request.lot.as_str());
        let missing = convert::scan(&mut check, codes, "missing", &request.missing);
        let damaged = request.reason() == ShortReason::Damaged;
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            let (lost, unit) = commands::short(tx, id, &missing, damaged, &self.stamp(&caller.id)).await?;
            Ok(ReportShortResponse { wave: Some(read(tx, id).await?), short: Some(quantity(lost, &unit)) })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn get_wave(&self, request: Request<GetWaveRequest>) -> Result<Response<GetWaveResponse>, Status> {
        let mut check = Check::default();
        let id = check.uuid("wave_id", &request.into_inner().wave_id);
        check.done().map_err(status::invalid)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        Ok(Response::new(GetWaveResponse { wave: Some(read(&mut conn, id).await?) }))
    }

    async fn list_open_waves(
        &self,
        request: Request<ListOpenWavesRequest>,
    ) -> Result<Response<ListOpenWavesResponse>, Status> {
        let page = Page::<(OffsetDateTime, Uuid)>::parse(&request.into_inner().page).map_err(status::invalid)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let rows = queries::open(&mut conn, page.after, page.limit() + 1).await.map_err(status::from_sqlx)?;
        let (rows, page) = page.finish(rows, |row| (row.created_at, row.id));
        let waves = rows.into_iter().map(convert::summary).collect();
        Ok(Response::new(ListOpenWavesResponse { waves, page: Some(page) }))
    }
}
