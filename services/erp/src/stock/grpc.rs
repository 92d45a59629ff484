//! The RPCs of stock.

use std::{collections::HashSet, sync::Arc};

use proto::erp::v1::{
    AdjustStockRequest, AdjustStockResponse, GetAvailabilityRequest, GetAvailabilityResponse, GetStockRequest,
    GetStockResponse, ListMovesRequest, ListMovesResponse, SetLotStatusRequest, SetLotStatusResponse,
    TransferStockRequest, TransferStockResponse, VerifyLedgerRequest, VerifyLedgerResponse,
    stock_service_server::StockService,
};
use service::{Check, Deps, idempotency, page::Page, status};
use tonic::{Request, Response, Status};

use super::{commands, convert, queries};
use crate::{
    config::{Rules, Stamp},
    ledger::{self, convert::money},
    valuation,
};

/// With it a caller sees what goods are worth.
const SEES_COST: &str = "erp.valuation.read";

/// Serves `StockService`.
pub(crate) struct Api {
    pub(crate) deps: Deps,
    pub(crate) rules: Arc<Rules>,
    pub(crate) places: queries::Places,
}

#[tonic::async_trait]
impl StockService for Api {
    async fn get_availability(
        &self,
        request: Request<GetAvailabilityRequest>,
    ) -> Result<Response<GetAvailabilityResponse>, Status> {
        let request = request.into_inner();
        let mut check = Check::default();
        check.len("skus", request.skus.len(), 1..=500);
        check.done().map_err(status::invalid)?;
        let today = self.rules.today(self.deps.clock.now());
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let rows = queries::availability(&mut conn, &request.skus, today, self.rules.min_life_days)
            .await
            .map_err(status::from_sqlx)?;
        let known: HashSet<_> = rows.iter().map(|row| row.sku.as_str()).collect();
        let mut unknown: Vec<_> = request.skus.iter().filter(|sku| !known.contains(sku.as_str())).cloned().collect();
        unknown.sort_unstable();
        unknown.dedup();
        let totals = convert::totals(&rows);
        let awaited: Vec<_> =
            totals.iter().filter(|total| !total.backordered.is_zero()).map(|total| total.sku.as_str()).collect();
        let waiting = if request.by_warehouse && !awaited.is_empty() {
            queries::waiting(&mut conn, &awaited).await.map_err(status::from_sqlx)?
        } else {
            Vec::new()
        };
        let totals = totals.iter().map(convert::availability).collect();
        let warehouses = if request.by_warehouse {
            convert::by_warehouse(rows, waiting).iter().map(convert::availability).collect()
        } else {
            Vec::new()
        };
        Ok(Response::new(GetAvailabilityResponse { totals, warehouses, unknown_skus: unknown }))
    }

    async fn get_stock(&self, request: Request<GetStockRequest>) -> Result<Response<GetStockResponse>, Status> {
        let sees_cost = service::caller(&request)?.may(SEES_COST);
        let mut check = Check::new();
        let sku = check.text("sku", &request.into_inner().sku, 1..=64);
        check.done().map_err(status::invalid)?;
        let today = self.rules.today(self.deps.clock.now());
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let lots = queries::lots(&mut conn, &sku, today, self.rules.min_life_days).await.map_err(status::from_sqlx)?;
        let places = lots.iter().filter_map(|lot| lot.place_id);
        let places = self.places.with(&mut conn, places).await.map_err(status::from_sqlx)?;
        drop(conn);
        let stock = convert::stock(&sku, lots, &places, self.rules.currency);
        let mut stock = stock.ok_or_else(|| status::not_found("item", &sku))?;
        if !sees_cost {
            stock.value = None;
            stock.lots.iter_mut().for_each(|lot| lot.value = None);
        }
        Ok(Response::new(stock))
    }

    async fn list_moves(&self, request: Request<ListMovesRequest>) -> Result<Response<ListMovesResponse>, Status> {
        let sees_cost = service::caller(&request)?.may(SEES_COST);
        let request = request.into_inner();
        let page = Page::<i64>::parse(&request.page).map_err(status::invalid)?;
        let mut check = Check::default();
        let order = check.optional_uuid("order_id", &request.order_id);
        check.require(order.is_some() || !request.sku.is_empty(), "sku", "sku or order_id is needed");
        check.require(request.lot.is_empty() || !request.sku.is_empty(), "sku", "is needed with a lot");
        check.require(order.is_none() || request.lot.is_empty(), "lot", "cannot be combined with order_id");
        check.done().map_err(status::invalid)?;
        let filter = match order {
            Some(order) => queries::MoveFilter::Order(order, Some(request.sku).filter(|sku| !sku.is_empty())),
            None if request.lot.is_empty() => queries::MoveFilter::Item(request.sku),
            None => queries::MoveFilter::Lot(request.sku, request.lot),
        };
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let moves =
            queries::moves(&mut conn, &filter, page.after, page.limit() + 1).await.map_err(status::from_sqlx)?;
        let (moves, page) = page.finish(moves, |one| one.id);
        let mut moves: Vec<_> = moves.into_iter().map(|one| convert::ledger_move(one, self.rules.currency)).collect();
        if !sees_cost {
            moves.iter_mut().for_each(|one| one.value = None);
        }
        Ok(Response::new(ListMovesResponse { moves, page: Some(page) }))
    }

    async fn adjust_stock(
        &self,
        request: Request<AdjustStockRequest>,
    ) -> Result<Response<AdjustStockResponse>, Status> {
        const METHOD: &str = "AdjustStock";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        let now = self.deps.clock.now();
        let adjustment = convert::adjustment(&mut check, &request, self.rules.currency, now);
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            let stamp = Stamp { now, by: &caller.id, rules: &self.rules };
            let (id, difference, value) = commands::adjust(tx, adjustment, &stamp).await?;
            let answer = AdjustStockResponse {
                adjustment_id: id.to_string(),
                difference: ledger::convert::number(difference),
                value: caller.may(SEES_COST).then(|| money(value, self.rules.currency)),
            };
            Ok(answer)
        })
        .await?;
        Ok(done.into_response())
    }

    async fn transfer_stock(
        &self,
        request: Request<TransferStockRequest>,
    ) -> Result<Response<TransferStockResponse>, Status> {
        const METHOD: &str = "TransferStock";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        let now = self.deps.clock.now();
        let transfer = convert::transfer(&mut check, &request, now);
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            let stamp = Stamp { now, by: &caller.id, rules: &self.rules };
            let (id, value) = commands::transfer(tx, transfer, &stamp).await?;
            let value = caller.may(SEES_COST).then(|| money(value, self.rules.currency));
            Ok(TransferStockResponse { transfer_id: id.to_string(), value })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn set_lot_status(
        &self,
        request: Request<SetLotStatusRequest>,
    ) -> Result<Response<SetLotStatusResponse>, Status> {
        const METHOD: &str = "SetLotStatus";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        let lot_status = convert::lot_status_code(&mut check, request.status());
        let sku = check.text("sku", &request.sku, 1..=64);
        let lot = check.text("lot", &request.lot, 1..=64);
        let reason = check.optional_text("reason", &request.reason, 300);
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            let stamp = Stamp { now: self.deps.clock.now(), by: &caller.id, rules: &self.rules };
            let displaced = commands::set_lot_status(tx, (&sku, &lot), lot_status, &reason, &stamp).await?;
            Ok(SetLotStatusResponse { displaced: ledger::convert::number(displaced) })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn verify_ledger(
        &self,
        _request: Request<VerifyLedgerRequest>,
    ) -> Result<Response<VerifyLedgerResponse>, Status> {
        let mut tx = self.deps.db.begin().await.map_err(status::from_sqlx)?;
        valuation::queries::one_picture(&mut tx).await.map_err(status::from_sqlx)?;
        let mut found = ledger::queries::verify(&mut tx).await.map_err(status::from_sqlx)?;
        found.checks.push(valuation::commands::replay::replay(&mut tx, self.rules.digits()).await?);
        Ok(Response::new(convert::verification(found, self.rules.currency)))
    }
}
