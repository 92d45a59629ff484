//! `ScoreService`.

use proto::crm::v1::score_service_server::ScoreService;
use proto::crm::v1::{
    GetScoreModelRequest, GetScoreModelResponse, GetScoreRequest, GetScoreResponse, ListScoreHistoryRequest,
    ListScoreHistoryResponse, PutScoreModelRequest, PutScoreModelResponse, RescoreAllRequest, RescoreAllResponse,
};
use service::page::Page;
use service::{Check, Deps, idempotency, status};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::commands::{self, NewModel, PAGE};
use super::{convert, queries};
use crate::config::Settings;
use crate::customers;
use crate::error::Error;

/// The service.
pub struct Scores {
    deps: Deps,
    settings: Settings,
}

impl Scores {
    /// The service over its database.
    #[must_use]
    pub fn new(deps: Deps, settings: Settings) -> Self {
        Self { deps, settings }
    }
}

#[tonic::async_trait]
impl ScoreService for Scores {
    async fn get_score(&self, request: Request<GetScoreRequest>) -> Result<Response<GetScoreResponse>, Status> {
        let mut check = Check::default();
        let customer_id = check.uuid("customer_id", &request.get_ref().customer_id);
        check.done().map_err(status::invalid)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let kept = queries::kept(&mut conn, customer_id).await?.ok_or(Error::CustomerUnknown(customer_id))?;
        let score = convert::score_to_wire(&kept).ok_or(Error::NotScoredYet)?;
        Ok(Response::new(GetScoreResponse { score: Some(score) }))
    }

    async fn list_score_history(
        &self,
        request: Request<ListScoreHistoryRequest>,
    ) -> Result<Response<ListScoreHistoryResponse>, Status> {
        let request = request.get_ref();
        let mut check = Check::default();
        let customer_id = check.uuid("customer_id", &request.customer_id);
        check.done().map_err(status::invalid)?;
        let page = Page::<i64>::parse(&request.page).map_err(status::invalid)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        customers::queries::require(&mut conn, customer_id).await?;
        let rows = queries::history(&mut conn, customer_id, page.after, page.limit() + 1).await?;
        let (rows, info) = page.finish(rows, |row| row.change_id);
        let changes = rows.iter().map(convert::change_to_wire).collect();
        Ok(Response::new(ListScoreHistoryResponse { changes, page: Some(info) }))
    }

    async fn get_score_model(
        &self,
        request: Request<GetScoreModelRequest>,
    ) -> Result<Response<GetScoreModelResponse>, Status> {
        let version = request.get_ref().version;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let found = match version {
            0 => Some(queries::current_model(&mut conn).await?),
            version => queries::model(&mut conn, version).await?,
        };
        let (origin, version, model) = found.ok_or(Error::ModelUnknown(version))?;
        let model = convert::model_to_wire(&origin, version, &model);
        Ok(Response::new(GetScoreModelResponse { model: Some(model) }))
    }

    async fn put_score_model(
        &self,
        request: Request<PutScoreModelRequest>,
    ) -> Result<Response<PutScoreModelResponse>, Status> {
        const METHOD: &str = "PutScoreModel";
        let caller = service::caller(&request)?;
        let request = request.get_ref();
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        check.require(request.based_on_version >= 0, "based_on_version", "must not be negative");
        let (model, comment) = convert::model_from_wire(&mut check, request.model.as_ref());
        check.done().map_err(status::invalid)?;

        let now = self.deps.clock.now();
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), request, async |tx| {
            let based_on_version = request.based_on_version;
            let new = NewModel { based_on_version, model, comment, author: caller.id.clone() };
            let version = commands::put_model(tx, &new, now).await?;
            let origin =
                queries::Origin { comment: new.comment.clone(), created_at: Some(now), created_by: new.author.clone() };
            Ok(PutScoreModelResponse { model: Some(convert::model_to_wire(&origin, version, &new.model)) })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn rescore_all(&self, request: Request<RescoreAllRequest>) -> Result<Response<RescoreAllResponse>, Status> {
        let request = request.get_ref();
        let mut check = Check::default();
        let mut after = check.optional_uuid("after_customer_id", &request.after_customer_id).unwrap_or(Uuid::nil());
        check.require(request.max_customers >= 0, "max_customers", "must not be negative");
        check.done().map_err(status::invalid)?;

        let now = self.deps.clock.now();
        let mut left = if request.max_customers == 0 { i64::MAX } else { request.max_customers };
        let mut answer = RescoreAllResponse::default();
        let began = tokio::time::Instant::now();
        while left > 0 && began.elapsed() < self.settings.rescore_budget {
            let mut tx = self.deps.db.begin().await.map_err(status::from_sqlx)?;
            let done = commands::rescore_page(&mut tx, after, PAGE.min(left), &self.settings, now).await?;
            tx.commit().await.map_err(status::from_sqlx)?;
            answer.customers += done.customers;
            answer.changed_scores += done.changed_scores;
            answer.corrected_figures += done.corrected_figures;
            left -= done.customers;
            let Some(last) = done.last else {
                return Ok(Response::new(answer));
            };
            after = last;
        }
        answer.next_after_customer_id = after.to_string();
        Ok(Response::new(answer))
    }
}
