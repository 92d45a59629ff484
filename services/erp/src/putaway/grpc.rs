//! The RPCs of put-away.

use std::sync::Arc;

use proto::erp::v1::{
    ConfirmPutAwayRequest, ConfirmPutAwayResponse, DeletePutAwayRulesRequest, DeletePutAwayRulesResponse,
    ListPutAwayRulesRequest, ListPutAwayRulesResponse, SuggestPutAwayRequest, SuggestPutAwayResponse,
    UpsertPutAwayRulesRequest, UpsertPutAwayRulesResponse, put_away_service_server::PutAwayService,
};
use service::{Check, Deps, idempotency, page::Page, status};
use sqlx::PgConnection;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{
    commands, convert,
    domain::{There, suggest},
    queries,
};
use crate::{
    bins::scan,
    config::{Rules, Stamp},
    error::Error,
    ledger::convert::quantity,
};

/// Lots that suggestions are made for in one call.
const LOTS: i64 = 500;

/// Serves `PutAwayService`.
pub(crate) struct Api {
    pub(crate) deps: Deps,
    pub(crate) rules: Arc<Rules>,
}

impl Api {
    /// Where what lies in the place of a barcode should go, or what of a receipt still lies where it arrived.
    async fn suggest(
        &self,
        conn: &mut PgConnection,
        barcode: String,
        receipt: Option<Uuid>,
    ) -> Result<SuggestPutAwayResponse, Error> {
        let barcode = match receipt {
            None => barcode,
            Some(id) => {
                let arrival = queries::arrival(conn, id).await?;
                arrival.ok_or_else(|| Error::NotFound("receipt", id.to_string()))?
            }
        };
        let from = scan::bin(conn, &barcode).await?;
        let goods = queries::goods(conn, from.id, receipt, LOTS).await?;
        let skus: Vec<_> = goods.iter().map(|one| one.sku.as_str()).collect();
        let categories: Vec<_> = goods.iter().map(|one| one.category.as_str()).collect();
        let rules = queries::rules_for(conn, from.warehouse_id, &skus, &categories).await?;
        let zones: Vec<_> = rules.iter().map(|rule| rule.zone.as_str()).filter(|zone| !zone.is_empty()).collect();
        let places: Vec<_> = rules.iter().filter_map(|rule| rule.place).collect();
        let targets = queries::targets(conn, (from.warehouse_id, from.id), &zones, &places).await?;
        let mut there = There::default();
        for (place, sku, lot) in queries::there(conn, from.warehouse_id, &skus).await? {
            there.add(place, &sku, lot);
        }
        let wanted: Vec<_> = goods.iter().map(queries::GoodsView::goods).collect();
        let bins = targets.iter().map(queries::TargetView::bin).collect();
        let found = suggest(&wanted, &rules, bins, there);
        Ok(SuggestPutAwayResponse { suggestions: convert::suggestions(&goods, found, &targets) })
    }
}

#[tonic::async_trait]
impl PutAwayService for Api {
    async fn upsert_put_away_rules(
        &self,
        request: Request<UpsertPutAwayRulesRequest>,
    ) -> Result<Response<UpsertPutAwayRulesResponse>, Status> {
        const METHOD: &str = "UpsertPutAwayRules";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        let warehouse = check.text("warehouse", &request.warehouse, 1..=32);
        let rules = convert::rules(&mut check, &request.rules);
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            let all = rules.len() as i64;
            let created = commands::upsert_rules(tx, &warehouse, rules).await?;
            let count = |count| i32::try_from(count).unwrap_or(i32::MAX);
            Ok(UpsertPutAwayRulesResponse { created: count(created), changed: count(all - created) })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn delete_put_away_rules(
        &self,
        request: Request<DeletePutAwayRulesRequest>,
    ) -> Result<Response<DeletePutAwayRulesResponse>, Status> {
        const METHOD: &str = "DeletePutAwayRules";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        let warehouse = check.text("warehouse", &request.warehouse, 1..=32);
        check.len("codes", request.codes.len(), 1..=1000);
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            let deleted = commands::delete_rules(tx, &warehouse, &request.codes).await?;
            Ok(DeletePutAwayRulesResponse { deleted: i32::try_from(deleted).unwrap_or(i32::MAX) })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn list_put_away_rules(
        &self,
        request: Request<ListPutAwayRulesRequest>,
    ) -> Result<Response<ListPutAwayRulesResponse>, Status> {
        let request = request.into_inner();
        let page = Page::<String>::parse(&request.page).map_err(status::invalid)?;
        let mut check = Check::default();
        let warehouse = check.text("warehouse", &request.warehouse, 1..=32);
        check.done().map_err(status::invalid)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let rules = queries::rules(&mut conn, &warehouse, page.after.as_deref(), page.limit() + 1).await;
        let (rules, page) = page.finish(rules.map_err(status::from_sqlx)?, |rule| rule.code.clone());
        let rules = rules.into_iter().map(convert::rule).collect();
        Ok(Response::new(ListPutAwayRulesResponse { rules, page: Some(page) }))
    }

    async fn suggest_put_away(
        &self,
        request: Request<SuggestPutAwayRequest>,
    ) -> Result<Response<SuggestPutAwayResponse>, Status> {
        let request = request.into_inner();
        let mut check = Check::default();
        let barcode = check.optional_text("barcode", &request.barcode, 100);
        let receipt = check.optional_uuid("receipt_id", &request.receipt_id);
        check.require(barcode.is_empty() == receipt.is_some(), "barcode", "give either this or receipt_id");
        check.done().map_err(status::invalid)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        Ok(Response::new(self.suggest(&mut conn, barcode, receipt).await?))
    }

    async fn confirm_put_away(
        &self,
        request: Request<ConfirmPutAwayRequest>,
    ) -> Result<Response<ConfirmPutAwayResponse>, Status> {
        const METHOD: &str = "ConfirmPutAway";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        let scanned = convert::scanned(&mut check, &request);
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            let stamp = Stamp { now: self.deps.clock.now(), by: &caller.id, rules: &self.rules };
            let done = commands::confirm(tx, &scanned, &stamp).await?;
            let left = Some(quantity(done.left, &scanned.unit));
            Ok(ConfirmPutAwayResponse { transfer_id: done.id.to_string(), sku: done.sku, lot: done.lot, left })
        })
        .await?;
        Ok(done.into_response())
    }
}
