//! The RPCs of slow movers.

use std::sync::Arc;

use proto::erp::v1::{
    DeleteSlowMoverRuleRequest, DeleteSlowMoverRuleResponse, EvaluateSlowMoversRequest, EvaluateSlowMoversResponse,
    ListSlowMoverRulesRequest, ListSlowMoverRulesResponse, ListSlowMoversRequest, ListSlowMoversResponse,
    PutSlowMoverRuleRequest, PutSlowMoverRuleResponse, SummarizeSlowMoversRequest, SummarizeSlowMoversResponse,
    slow_mover_service_server::SlowMoverService,
};
use service::{Caller, Check, Deps, idempotency, page::Page, status};
use tonic::{Request, Response, Status};
use types::Currency;

use super::{commands, convert, queries, store};
use crate::{
    config::{Rules, Stamp},
    replenishment,
};

/// Serves `SlowMoverService`.
pub(crate) struct Api {
    pub(crate) deps: Deps,
    pub(crate) rules: Arc<Rules>,
}

impl Api {
    /// The currency values are shown in, for callers who may see them.
    fn shown(&self, caller: &Caller) -> Option<Currency> {
        caller.may("erp.valuation.read").then_some(self.rules.currency)
    }
}

fn count(items: usize) -> i32 {
    i32::try_from(items).unwrap_or(i32::MAX)
}

#[tonic::async_trait]
impl SlowMoverService for Api {
    async fn put_slow_mover_rule(
        &self,
        request: Request<PutSlowMoverRuleRequest>,
    ) -> Result<Response<PutSlowMoverRuleResponse>, Status> {
        const METHOD: &str = "PutSlowMoverRule";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        let rule = convert::rule(&mut check, request.rule.as_ref(), self.rules.currency);
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            let stamp = Stamp { now: self.deps.clock.now(), by: &caller.id, rules: &self.rules };
            let stored = commands::put_rule(tx, rule, &stamp).await?;
            Ok(PutSlowMoverRuleResponse { rule: Some(convert::wire_rule(stored, self.rules.currency)) })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn delete_slow_mover_rule(
        &self,
        request: Request<DeleteSlowMoverRuleRequest>,
    ) -> Result<Response<DeleteSlowMoverRuleResponse>, Status> {
        let request = request.into_inner();
        let mut check = Check::default();
        check.require(convert::is_code(&request.code), "code", "must be 1 to 40 lower-case letters, digits or _");
        check.done().map_err(status::invalid)?;
        let mut tx = self.deps.db.begin().await.map_err(status::from_sqlx)?;
        commands::delete_rule(&mut tx, &request.code).await?;
        tx.commit().await.map_err(status::from_sqlx)?;
        Ok(Response::new(DeleteSlowMoverRuleResponse {}))
    }

    async fn list_slow_mover_rules(
        &self,
        _request: Request<ListSlowMoverRulesRequest>,
    ) -> Result<Response<ListSlowMoverRulesResponse>, Status> {
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let rules = store::rules(&mut conn).await.map_err(status::from_sqlx)?;
        let rules = rules.into_iter().map(|row| convert::wire_rule(row, self.rules.currency)).collect();
        Ok(Response::new(ListSlowMoverRulesResponse { rules }))
    }

    async fn evaluate_slow_movers(
        &self,
        request: Request<EvaluateSlowMoversRequest>,
    ) -> Result<Response<EvaluateSlowMoversResponse>, Status> {
        const METHOD: &str = "EvaluateSlowMovers";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        check.done().map_err(status::invalid)?;
        replenishment::jobs::count_demand(&self.deps, &self.rules).await.map_err(replenishment::grpc::not_counted)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            let stamp = Stamp { now: self.deps.clock.now(), by: &caller.id, rules: &self.rules };
            let outcome = commands::evaluate(tx, &stamp).await?;
            Ok(EvaluateSlowMoversResponse {
                slow: count(outcome.slow),
                became_slow: count(outcome.became_slow),
                moving_again: count(outcome.moving_again),
            })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn list_slow_movers(
        &self,
        request: Request<ListSlowMoversRequest>,
    ) -> Result<Response<ListSlowMoversResponse>, Status> {
        let shown = self.shown(&service::caller(&request)?);
        let request = request.into_inner();
        let page = Page::<String>::parse(&request.page).map_err(status::invalid)?;
        let mut check = Check::default();
        let rule = check.optional_text("rule", &request.rule, 40);
        let category = check.optional_text("category", &request.category, 200);
        check.done().map_err(status::invalid)?;
        let given = |text: &'_ String| (!text.is_empty()).then(|| text.clone());
        let (rule, category) = (given(&rule), given(&category));
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let filter = (rule.as_deref(), category.as_deref());
        let items = queries::list(&mut conn, page.after.as_deref(), filter, page.limit() + 1)
            .await
            .map_err(status::from_sqlx)?;
        let (items, page) = page.finish(items, |item| item.sku.clone());
        let items = items.into_iter().map(|item| convert::slow_mover(item, shown)).collect();
        Ok(Response::new(ListSlowMoversResponse { items, page: Some(page) }))
    }

    async fn summarize_slow_movers(
        &self,
        request: Request<SummarizeSlowMoversRequest>,
    ) -> Result<Response<SummarizeSlowMoversResponse>, Status> {
        let shown = self.shown(&service::caller(&request)?);
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let totals = queries::totals(&mut conn).await.map_err(status::from_sqlx)?;
        let last = store::evaluated_at(&mut conn).await.map_err(status::from_sqlx)?;
        Ok(Response::new(convert::summary(totals, shown, last.map(|at| self.rules.today(at)))))
    }
}
