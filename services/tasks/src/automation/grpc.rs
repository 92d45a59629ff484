//! The rule RPCs.

use proto::tasks::v1::{
    self as wire,
    rule_service_server::{RuleService, RuleServiceServer},
};
use service::{Check, Deps, status};
use tonic::{Request, Response, Status};

use super::{
    commands,
    convert::{self, event},
    store,
};
use crate::projects::domain::is_code;

/// The server to be mounted.
pub(crate) fn server(deps: &Deps) -> RuleServiceServer<Rules> {
    RuleServiceServer::new(Rules { deps: deps.clone() })
}

/// The rule RPCs.
pub struct Rules {
    deps: Deps,
}

#[tonic::async_trait]
impl RuleService for Rules {
    async fn list_rules(
        &self,
        _: Request<wire::ListRulesRequest>,
    ) -> Result<Response<wire::ListRulesResponse>, Status> {
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let rules = store::rules(&mut conn).await.map_err(status::from_sqlx)?;
        Ok(Response::new(wire::ListRulesResponse { rules: rules.into_iter().map(convert::encode).collect() }))
    }

    async fn put_rule(
        &self,
        request: Request<wire::PutRuleRequest>,
    ) -> Result<Response<wire::PutRuleResponse>, Status> {
        let mut check = Check::new();
        let rule = convert::rule(&mut check, &request.into_inner(), self.deps.clock.now());
        check.done().map_err(status::invalid)?;
        let mut tx = self.deps.db.begin().await.map_err(status::from_sqlx)?;
        let rule = commands::put(&mut tx, rule).await?;
        tx.commit().await.map_err(status::from_sqlx)?;
        Ok(Response::new(wire::PutRuleResponse { rule: Some(convert::encode(rule)) }))
    }

    async fn set_rule_enabled(
        &self,
        request: Request<wire::SetRuleEnabledRequest>,
    ) -> Result<Response<wire::SetRuleEnabledResponse>, Status> {
        let request = request.into_inner();
        let mut check = Check::new();
        check.require(is_code(&request.code, 60), "code", "lower snake case, 1 to 60 characters");
        check.done().map_err(status::invalid)?;
        let mut tx = self.deps.db.begin().await.map_err(status::from_sqlx)?;
        let rule = commands::set_enabled(&mut tx, &request.code, request.enabled, self.deps.clock.now()).await?;
        tx.commit().await.map_err(status::from_sqlx)?;
        Ok(Response::new(wire::SetRuleEnabledResponse { rule: Some(convert::encode(rule)) }))
    }

    async fn list_rule_events(
        &self,
        _: Request<wire::ListRuleEventsRequest>,
    ) -> Result<Response<wire::ListRuleEventsResponse>, Status> {
        let mut events: Vec<wire::RuleEvent> = event::HEARD
            .iter()
            .flat_map(|(source, _, names)| names.iter().map(move |name| (source, name)))
            .map(|(source, name)| wire::RuleEvent {
                source: (*source).to_owned(),
                name: (*name).to_owned(),
                fields: event::fields(source, name).into_iter().collect(),
            })
            .collect();
        events.sort_by(|a, b| (&a.source, &a.name).cmp(&(&b.source, &b.name)));
        Ok(Response::new(wire::ListRuleEventsResponse { events }))
    }
}
