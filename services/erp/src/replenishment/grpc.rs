//! The RPCs of replenishment.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use proto::erp::v1::{
    CalculateSafetyStockRequest, CalculateSafetyStockResponse, DeleteReplenishmentPoliciesRequest,
    DeleteReplenishmentPoliciesResponse, GetStockLevelRequest, GetStockLevelResponse, ListDemandDaysRequest,
    ListDemandDaysResponse, ListReplenishmentPoliciesRequest, ListReplenishmentPoliciesResponse,
    ListStockLevelsRequest, ListStockLevelsResponse, RecalculateStockLevelsRequest, RecalculateStockLevelsResponse,
    StockLevel, UpsertReplenishmentPoliciesRequest, UpsertReplenishmentPoliciesResponse,
    replenishment_service_server::ReplenishmentService,
};
use service::{Check, Deps, idempotency, page::Page, status};
use sqlx::PgConnection;
use time::{Date, Duration};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{
    commands, convert, queries,
    statistics::{self, Shape},
    store::{self, Key},
    store_policies,
};
use crate::{
    config::{Rules, Stamp},
    demand_history,
    error::Error,
    warehouses::store as warehouses,
};

/// Days of demand that can be listed: three years.
const LISTED_DAYS: i64 = 1096;

/// Serves `ReplenishmentService`.
pub(crate) struct Api {
    pub(crate) deps: Deps,
    pub(crate) rules: Arc<Rules>,
}

impl Api {
    fn stamp<'a>(&'a self, by: &'a str) -> Stamp<'a> {
        Stamp { now: self.deps.clock.now(), by, rules: &self.rules }
    }

    /// Levels with their stock, in the order of the keys.
    async fn levels(&self, conn: &mut PgConnection, keys: &[Key], whole: bool) -> Result<Vec<StockLevel>, Error> {
        let stamp = self.stamp("");
        let skus: Vec<_> = keys.iter().map(|(sku, _)| sku.clone()).collect::<BTreeSet<_>>().into_iter().collect();
        let items: BTreeMap<_, _> =
            queries::items(conn, &skus).await?.into_iter().map(|item| (item.sku.clone(), item)).collect();
        let levels = store::levels(conn, &skus).await?;
        let stock = store::stock(conn, &skus, stamp.today(), self.rules.min_life_days).await?;
        let stock = commands::with_company(stock);
        let codes = commands::codes(conn, &stamp).await?;
        let shown = |key: &Key| {
            let code = codes.get(&key.1).map(String::as_str).unwrap_or_default();
            let level = levels.get(key).cloned().unwrap_or_default();
            let stock = stock.get(key).copied().unwrap_or_default();
            Some(convert::level(items.get(&key.0)?, code, &level, &stock, whole))
        };
        Ok(keys.iter().filter_map(shown).collect())
    }

    /// The warehouse of a code; an empty one is the company.
    async fn warehouse(&self, conn: &mut PgConnection, code: &str) -> Result<Uuid, Error> {
        if code.is_empty() {
            return Ok(super::domain::COMPANY);
        }
        let found = warehouses::by_code(conn, code).await?;
        Ok(found.ok_or_else(|| Error::NotFound("warehouse", code.to_owned()))?.id)
    }
}

/// What a caller hears when demand cannot be counted.
pub(crate) fn not_counted(error: anyhow::Error) -> Status {
    tracing::warn!(error = format!("{error:#}"), "demand could not be counted");
    status::unavailable("demand could not be counted; try again")
}

/// A sku and the code of a warehouse.
fn place(sku: &str, warehouse: &str) -> Result<(String, String), Status> {
    let mut check = Check::default();
    let place = (check.text("sku", sku, 1..=64), check.optional_text("warehouse", warehouse, 32));
    check.done().map_err(status::invalid)?;
    Ok(place)
}

#[tonic::async_trait]
impl ReplenishmentService for Api {
    async fn upsert_replenishment_policies(
        &self,
        request: Request<UpsertReplenishmentPoliciesRequest>,
    ) -> Result<Response<UpsertReplenishmentPoliciesResponse>, Status> {
        const METHOD: &str = "UpsertReplenishmentPolicies";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        check.len("policies", request.policies.len(), 1..=500);
        let policies: Vec<_> = request
            .policies
            .iter()
            .take(500)
            .enumerate()
            .map(|(index, wire)| convert::policy(&mut check, index, wire))
            .collect();
        let targets: BTreeSet<_> = policies.iter().map(|(policy, code)| (&policy.target, code)).collect();
        check.require(targets.len() == policies.len(), "policies", "must name each target once");
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            let total = i32::try_from(policies.len()).unwrap_or(i32::MAX);
            let created = commands::upsert(tx, policies, &self.stamp(&caller.id)).await?;
            let created = i32::try_from(created).unwrap_or(total);
            Ok(UpsertReplenishmentPoliciesResponse { created, updated: total - created })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn delete_replenishment_policies(
        &self,
        request: Request<DeleteReplenishmentPoliciesRequest>,
    ) -> Result<Response<DeleteReplenishmentPoliciesResponse>, Status> {
        const METHOD: &str = "DeleteReplenishmentPolicies";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        check.len("targets", request.targets.len(), 1..=500);
        let targets: Vec<_> = request
            .targets
            .iter()
            .take(500)
            .enumerate()
            .map(|(index, wire)| convert::target(&mut check, &format!("targets[{index}]"), Some(wire)))
            .collect();
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            let deleted = commands::delete(tx, &targets, &self.stamp(&caller.id)).await?;
            Ok(DeleteReplenishmentPoliciesResponse { deleted: i32::try_from(deleted).unwrap_or(i32::MAX) })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn list_replenishment_policies(
        &self,
        request: Request<ListReplenishmentPoliciesRequest>,
    ) -> Result<Response<ListReplenishmentPoliciesResponse>, Status> {
        let request = request.into_inner();
        let page = Page::<(String, String, Uuid)>::parse(&request.page).map_err(status::invalid)?;
        let mut check = Check::default();
        let sku = check.optional_text("sku", &request.sku, 64);
        check.done().map_err(status::invalid)?;
        let sku = Some(sku.as_str()).filter(|sku| !sku.is_empty());
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let rows = store_policies::list(&mut conn, page.after.clone(), sku, page.limit() + 1)
            .await
            .map_err(status::from_sqlx)?;
        let codes = commands::codes(&mut conn, &self.stamp("")).await?;
        let (rows, page) = page.finish(rows, |row| {
            let policy = row.policy();
            (policy.target.kind().to_owned(), policy.target.name().to_owned(), policy.warehouse)
        });
        let policies = rows.into_iter().map(|row| {
            let policy = row.policy();
            let code = codes.get(&policy.warehouse).map(String::as_str).unwrap_or_default();
            convert::wire_policy(&policy, code, (row.updated_at, row.updated_by))
        });
        Ok(Response::new(ListReplenishmentPoliciesResponse { policies: policies.collect(), page: Some(page) }))
    }

    async fn get_stock_level(
        &self,
        request: Request<GetStockLevelRequest>,
    ) -> Result<Response<GetStockLevelResponse>, Status> {
        let request = request.into_inner();
        let (sku, code) = place(&request.sku, &request.warehouse)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let warehouse = self.warehouse(&mut conn, &code).await?;
        let level = self.levels(&mut conn, &[(sku.clone(), warehouse)], true).await?.pop();
        let level = level.ok_or_else(|| status::not_found("item", &sku))?;
        Ok(Response::new(GetStockLevelResponse { level: Some(level) }))
    }

    async fn list_stock_levels(
        &self,
        request: Request<ListStockLevelsRequest>,
    ) -> Result<Response<ListStockLevelsResponse>, Status> {
        let request = request.into_inner();
        let page = Page::<Key>::parse(&request.page).map_err(status::invalid)?;
        let filter = (request.below_only, convert::class_code(request.demand_class()));
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let keys = queries::watched(&mut conn, page.after.clone(), filter, page.limit() + 1)
            .await
            .map_err(status::from_sqlx)?;
        let (keys, page) = page.finish(keys, Key::clone);
        let levels = self.levels(&mut conn, &keys, false).await?;
        Ok(Response::new(ListStockLevelsResponse { levels, page: Some(page) }))
    }

    async fn recalculate_stock_levels(
        &self,
        request: Request<RecalculateStockLevelsRequest>,
    ) -> Result<Response<RecalculateStockLevelsResponse>, Status> {
        const METHOD: &str = "RecalculateStockLevels";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        check.len("skus", request.skus.len(), 1..=500);
        check.done().map_err(status::invalid)?;
        let skus: Vec<_> = request.skus.iter().cloned().collect::<BTreeSet<_>>().into_iter().collect();
        // A refused call changes nothing, not even how far demand is counted.
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        commands::all_known(&mut conn, &skus).await?;
        drop(conn);
        super::jobs::count_demand(&self.deps, &self.rules).await.map_err(not_counted)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            let watched = commands::calculate_levels(tx, &skus, &self.stamp(&caller.id)).await?;
            Ok(RecalculateStockLevelsResponse { watched: i32::try_from(watched).unwrap_or(i32::MAX) })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn calculate_safety_stock(
        &self,
        request: Request<CalculateSafetyStockRequest>,
    ) -> Result<Response<CalculateSafetyStockResponse>, Status> {
        let request = request.into_inner();
        let mut check = Check::default();
        let risk = convert::trial(&mut check, &request);
        check.done().map_err(status::invalid)?;
        let found = statistics::cover(&risk, Shape::Normal);
        let calculation = Some(convert::tried(request, &risk, &found));
        Ok(Response::new(CalculateSafetyStockResponse { calculation }))
    }

    async fn list_demand_days(
        &self,
        request: Request<ListDemandDaysRequest>,
    ) -> Result<Response<ListDemandDaysResponse>, Status> {
        let request = request.into_inner();
        let page = Page::<Date>::parse(&request.page).map_err(status::invalid)?;
        let (sku, code) = place(&request.sku, &request.warehouse)?;
        let today = self.rules.today(self.deps.clock.now());
        let span = (today - Duration::days(LISTED_DAYS), today);
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let warehouse = self.warehouse(&mut conn, &code).await?;
        let known = queries::items(&mut conn, std::slice::from_ref(&sku)).await.map_err(status::from_sqlx)?;
        if known.is_empty() {
            return Err(status::not_found("item", &sku));
        }
        let limit = (page.after, page.limit() + 1);
        let days = demand_history::queries::days(&mut conn, (&sku, warehouse), span, limit, &self.rules.zone)
            .await
            .map_err(status::from_sqlx)?;
        let (days, page) = page.finish(days, |day| day.day);
        Ok(Response::new(ListDemandDaysResponse {
            days: days.into_iter().map(convert::day).collect(),
            page: Some(page),
        }))
    }
}
