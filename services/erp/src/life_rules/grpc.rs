//! The RPCs of the rules.

use std::{collections::BTreeSet, sync::Arc};

use proto::erp::v1::{
    LifeRule, ListLifeRulesRequest, ListLifeRulesResponse, PutLifeRulesRequest, PutLifeRulesResponse,
    life_rule_service_server::LifeRuleService,
};
use service::{Check, Deps, status};
use sqlx::PgConnection;
use tonic::{Request, Response, Status};

use super::{commands, domain::Rule, store};
use crate::config::{Rules, Stamp};

/// Serves `LifeRuleService`.
pub(crate) struct Api {
    pub(crate) deps: Deps,
    pub(crate) rules: Arc<Rules>,
}

async fn read(conn: &mut PgConnection) -> Result<Vec<LifeRule>, Status> {
    let rules = store::all(conn).await.map_err(status::from_sqlx)?;
    let rule = |rule: Rule| LifeRule {
        channel: rule.channel,
        delivery_method: rule.delivery_method,
        category: rule.category,
        days: rule.days,
    };
    Ok(rules.into_iter().map(rule).collect())
}

fn new_rule(check: &mut Check, index: usize, rule: &LifeRule) -> Rule {
    let at = |field: &str| format!("rules[{index}].{field}");
    check.require((0..=3650).contains(&rule.days), at("days"), "must be 0 to 3650");
    Rule {
        channel: check.optional_text(&at("channel"), &rule.channel, 32),
        delivery_method: check.optional_text(&at("delivery_method"), &rule.delivery_method, 32),
        category: check.optional_text(&at("category"), &rule.category, 200),
        days: rule.days,
    }
}

#[tonic::async_trait]
impl LifeRuleService for Api {
    async fn put_life_rules(
        &self,
        request: Request<PutLifeRulesRequest>,
    ) -> Result<Response<PutLifeRulesResponse>, Status> {
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::default();
        check.len("rules", request.rules.len(), 1..=500);
        let rules = request.rules.iter().take(500).enumerate();
        let rules: Vec<_> = rules.map(|(index, rule)| new_rule(&mut check, index, rule)).collect();
        let keys: BTreeSet<_> =
            rules.iter().map(|rule| (&rule.channel, &rule.delivery_method, &rule.category)).collect();
        check.require(keys.len() == rules.len() || !check.is_clean(), "rules", "must name each rule once");
        check.done().map_err(status::invalid)?;
        let mut tx = self.deps.db.begin().await.map_err(status::from_sqlx)?;
        let stamp = Stamp { now: self.deps.clock.now(), by: &caller.id, rules: &self.rules };
        commands::put(&mut tx, &rules, &stamp).await?;
        let rules = read(&mut tx).await?;
        tx.commit().await.map_err(status::from_sqlx)?;
        Ok(Response::new(PutLifeRulesResponse { rules }))
    }

    async fn list_life_rules(
        &self,
        _request: Request<ListLifeRulesRequest>,
    ) -> Result<Response<ListLifeRulesResponse>, Status> {
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        Ok(Response::new(ListLifeRulesResponse { rules: read(&mut conn).await? }))
    }
}
