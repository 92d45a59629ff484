//! The RPCs of valuation.

use std::sync::Arc;

use proto::{
    common::v1::Money,
    erp::v1::{
        ClosePeriodRequest, ClosePeriodResponse, CorrectReceiptCostRequest, CorrectReceiptCostResponse,
        GetPeriodRequest, GetPeriodResponse, GetStockAsOfRequest, GetStockAsOfResponse, ListValuationRequest,
        ListValuationResponse, ReopenPeriodRequest, ReopenPeriodResponse, SetStandardCostsRequest,
        SetStandardCostsResponse, SetValuationMethodRequest, SetValuationMethodResponse,
        valuation_service_server::ValuationService,
    },
};
use rust_decimal::Decimal;
use service::{Check, Deps, idempotency, page::Page, status};
use time::OffsetDateTime;
use tonic::{Request, Response, Status};

use super::{
    commands::{correct, methods, periods},
    convert, queries,
};
use crate::{
    config::{Rules, Stamp},
    ledger::convert::money,
};

/// Serves `ValuationService`.
pub(crate) struct Api {
    pub(crate) deps: Deps,
    pub(crate) rules: Arc<Rules>,
}

impl Api {
    fn stamp<'a>(&'a self, by: &'a str) -> Stamp<'a> {
        Stamp { now: self.deps.clock.now(), by, rules: &self.rules }
    }

    /// A moment that is not to come; now when none is named.
    fn past(&self, check: &mut Check, at: &Option<prost_types::Timestamp>) -> OffsetDateTime {
        let now = self.deps.clock.now();
        let at = check.optional_timestamp("at", at).unwrap_or(now);
        check.require(at <= now, "at", "must not lie in the future");
        at
    }

    fn cost(&self, check: &mut Check, field: &str, cost: &Option<Money>, digits: u32) -> Decimal {
        let cost = check.money(field, cost);
        let currency = self.rules.currency;
        check.require(cost.currency == currency, field, format!("must be in {}", currency.code()));
        check.require(!cost.is_negative(), field, "must not be negative");
        check.require(cost.amount.normalize().scale() <= digits, field, "has too many decimals");
        check.require(cost.amount < Decimal::from(10_i64.pow(15)), field, "is too much");
        cost.amount
    }
}

#[tonic::async_trait]
impl ValuationService for Api {
    async fn correct_receipt_cost(
        &self,
        request: Request<CorrectReceiptCostRequest>,
    ) -> Result<Response<CorrectReceiptCostResponse>, Status> {
        const METHOD: &str = "CorrectReceiptCost";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::new();
        let request_id = check.request_id(&request.request_id);
        let receipt = check.uuid("receipt_id", &request.receipt_id);
        check.require(request.line_no > 0, "line_no", "must be above zero");
        let cost = self.cost(&mut check, "line_cost", &request.line_cost, self.rules.digits());
        let reason = check.text("reason", &request.reason, 1..=300);
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            let key = (receipt, request.line_no);
            let stamp = self.stamp(&caller.id);
            let (id, difference) = correct::correct_receipt_cost(tx, key, cost, &reason, &stamp).await?;
            let difference = Some(money(difference, self.rules.currency));
            Ok(CorrectReceiptCostResponse { correction_id: id.to_string(), difference })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn close_period(
        &self,
        request: Request<ClosePeriodRequest>,
    ) -> Result<Response<ClosePeriodResponse>, Status> {
        const METHOD: &str = "ClosePeriod";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::new();
        let request_id = check.request_id(&request.request_id);
        let through = check.date("through", &request.through);
        let reason = check.optional_text("reason", &request.reason, 300);
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            let through = periods::close(tx, through, &reason, &self.stamp(&caller.id)).await?;
            Ok(ClosePeriodResponse { closed_through: through.to_string() })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn reopen_period(
        &self,
        request: Request<ReopenPeriodRequest>,
    ) -> Result<Response<ReopenPeriodResponse>, Status> {
        const METHOD: &str = "ReopenPeriod";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::new();
        let request_id = check.request_id(&request.request_id);
        let from = check.date("from", &request.from);
        let reason = check.text("reason", &request.reason, 1..=300);
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            let through = periods::reopen(tx, from, &reason, &self.stamp(&caller.id)).await?;
            Ok(ReopenPeriodResponse { closed_through: through.to_string() })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn get_period(&self, _request: Request<GetPeriodRequest>) -> Result<Response<GetPeriodResponse>, Status> {
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let closed_before = queries::period(&mut conn).await.map_err(status::from_sqlx)?;
        let through = closed_before.and_then(|at| self.rules.today(at).previous_day());
        Ok(Response::new(GetPeriodResponse { closed_through: through.map(|day| day.to_string()).unwrap_or_default() }))
    }

    async fn get_stock_as_of(
        &self,
        request: Request<GetStockAsOfRequest>,
    ) -> Result<Response<GetStockAsOfResponse>, Status> {
        let request = request.into_inner();
        let mut check = Check::new();
        let sku = check.text("sku", &request.sku, 1..=64);
        let at = self.past(&mut check, &request.at);
        check.done().map_err(status::invalid)?;
        let mut tx = self.deps.db.begin().await.map_err(status::from_sqlx)?;
        queries::one_picture(&mut tx).await.map_err(status::from_sqlx)?;
        let unit = queries::unit(&mut tx, &sku).await.map_err(status::from_sqlx)?;
        let unit = unit.ok_or_else(|| status::not_found("item", &sku))?;
        let warehouses = queries::warehouses_at(&mut tx, &sku, at).await.map_err(status::from_sqlx)?;
        let lots = queries::lots_at(&mut tx, &sku, at).await.map_err(status::from_sqlx)?;
        Ok(Response::new(convert::stock_as_of(sku, unit, warehouses, lots, self.rules.currency)))
    }

    async fn list_valuation(
        &self,
        request: Request<ListValuationRequest>,
    ) -> Result<Response<ListValuationResponse>, Status> {
        let request = request.into_inner();
        let page = Page::<String>::parse(&request.page).map_err(status::invalid)?;
        let mut check = Check::new();
        let at = self.past(&mut check, &request.at);
        check.done().map_err(status::invalid)?;
        let mut tx = self.deps.db.begin().await.map_err(status::from_sqlx)?;
        queries::one_picture(&mut tx).await.map_err(status::from_sqlx)?;
        let rows = queries::worth_at(&mut tx, at, page.after.as_deref(), page.limit() + 1).await;
        let rows = rows.map_err(status::from_sqlx)?;
        let total = match page.after {
            None => Some(queries::total_at(&mut tx, at).await.map_err(status::from_sqlx)?),
            Some(_) => None,
        };
        let (rows, page) = page.finish(rows, |row| row.sku.clone());
        let items = rows.into_iter().map(|row| convert::item_valuation(row, self.rules.currency)).collect();
        let total_value = total.map(|total| money(total, self.rules.currency));
        Ok(Response::new(ListValuationResponse { items, page: Some(page), total_value }))
    }

    async fn set_valuation_method(
        &self,
        request: Request<SetValuationMethodRequest>,
    ) -> Result<Response<SetValuationMethodResponse>, Status> {
        const METHOD: &str = "SetValuationMethod";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::new();
        let request_id = check.request_id(&request.request_id);
        let category = check.optional_text("category", &request.category, 200);
        let method = convert::method(&mut check, request.method());
        let at = self.past(&mut check, &request.at);
        let reason = check.text("reason", &request.reason, 1..=300);
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            let stamp = self.stamp(&caller.id);
            let (count, remaining) = methods::set_method(tx, (&category, method), at, &reason, &stamp).await?;
            Ok(SetValuationMethodResponse { revalued: i32::try_from(count).unwrap_or(i32::MAX), remaining })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn set_standard_costs(
        &self,
        request: Request<SetStandardCostsRequest>,
    ) -> Result<Response<SetStandardCostsResponse>, Status> {
        const METHOD: &str = "SetStandardCosts";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::new();
        let request_id = check.request_id(&request.request_id);
        check.len("costs", request.costs.len(), 1..=500);
        let mut costs = Vec::new();
        for (index, one) in request.costs.iter().take(500).enumerate() {
            let sku = check.text(&format!("costs[{index}].sku"), &one.sku, 1..=64);
            let cost = self.cost(&mut check, &format!("costs[{index}].unit_cost"), &one.unit_cost, 8);
            costs.push((sku, cost));
        }
        let skus: std::collections::HashSet<_> = costs.iter().map(|(sku, _)| sku).collect();
        check.require(skus.len() == costs.len(), "costs", "must name each sku once");
        let at = self.past(&mut check, &request.at);
        let reason = check.text("reason", &request.reason, 1..=300);
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            let count = methods::set_standards(tx, &costs, at, &reason, &self.stamp(&caller.id)).await?;
            Ok(SetStandardCostsResponse { revalued: i32::try_from(count).unwrap_or(i32::MAX) })
        })
        .await?;
        Ok(done.into_response())
    }
}
