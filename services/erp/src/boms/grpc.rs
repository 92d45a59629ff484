//! The RPCs of bills of material.

use std::{collections::BTreeMap, sync::Arc};

use proto::erp::v1::{
    ActivateBomRequest, ActivateBomResponse, Bom, ExplodeBomRequest, ExplodeBomResponse, GetBomRequest, GetBomResponse,
    ListBomsRequest, ListBomsResponse, PutBomRequest, PutBomResponse, RollUpCostRequest, RollUpCostResponse,
    WhereUsedRequest, WhereUsedResponse, bom_service_server::BomService,
};
use service::{Check, Deps, idempotency, page::Page, status};
use sqlx::PgConnection;
use time::Date;
use tonic::{Request, Response, Status};

use super::{
    commands, convert,
    convert::Known,
    convert_structure::{self, Structure},
    domain::{self, MAX_ITEMS, Refusal, cost::Source, cost::UnitCost},
    queries,
};
use crate::{
    config::{Rules, Stamp},
    error::Error,
    items,
};

/// Serves `BomService`.
pub(crate) struct Api {
    pub(crate) deps: Deps,
    pub(crate) rules: Arc<Rules>,
}

impl Api {
    async fn read(&self, conn: &mut PgConnection, sku: &str, number: i32) -> Result<Bom, Status> {
        let found = queries::by_number(conn, sku, number).await.map_err(status::from_sqlx)?;
        let found = found.ok_or_else(|| none(sku, number))?;
        Ok(convert::whole(found, self.rules.currency))
    }

    /// The version asked for and everything below it that is in effect on the day.
    async fn structure(
        &self,
        conn: &mut PgConnection,
        (sku, number): (&str, i32),
        day: Date,
    ) -> Result<Structure, Error> {
        let root = if number == 0 {
            queries::in_effect(conn, sku, day).await?
        } else {
            queries::by_number(conn, sku, number).await?
        };
        let missing = || Error::NotFound("bill of material", format!("{sku} in effect on {day}"));
        let root = root.ok_or_else(missing)?;
        let below = queries::below(conn, &root.line_skus, day, MAX_ITEMS as i64 + 1).await?;
        if below.len() > MAX_ITEMS {
            return Err(Refusal::TooLarge(sku.to_owned()).into());
        }
        Structure::new(&root, &below)
    }

    /// What the bought components cost: as given, or as the stock knows.
    async fn bought(
        &self,
        conn: &mut PgConnection,
        structure: &Structure,
        given: BTreeMap<String, UnitCost>,
    ) -> Result<BTreeMap<String, UnitCost>, Error> {
        let open: Vec<&str> =
            structure.units.keys().map(String::as_str).filter(|sku| !given.contains_key(*sku)).collect();
        let mut costs = given;
        for found in queries::costs(conn, &open).await? {
            let average = found.value.checked_div(found.on_hand).map(|cost| UnitCost { cost, source: Source::Stock });
            let last = found.last_cost.map(|cost| UnitCost { cost, source: Source::LastLot });
            costs.extend(average.or(last).map(|cost| (found.sku, cost)));
        }
        Ok(costs)
    }
}

fn none(sku: &str, number: i32) -> Status {
    status::not_found("bill of material", format!("{sku} version {number}"))
}

#[tonic::async_trait]
impl BomService for Api {
    async fn put_bom(&self, request: Request<PutBomRequest>) -> Result<Response<PutBomResponse>, Status> {
        const METHOD: &str = "PutBom";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        let sku = check.text("sku", &request.sku, 1..=64);
        check.require(request.number >= 0, "number", "must not be negative");
        let content = convert::content(&mut check, &sku, request.content.as_ref(), self.rules.currency);
        check.done().map_err(status::invalid)?;
        if request.activate && !caller.may("erp.bom.activate") {
            return Err(status::permission_denied("PERMISSION_DENIED", "activating needs erp.bom.activate"));
        }
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            let stamp = Stamp { now: self.deps.clock.now(), by: &caller.id, rules: &self.rules };
            let number = commands::put(tx, &sku, (request.number, request.version), &content, &stamp).await?;
            if request.activate {
                commands::activate(tx, &sku, (number, 0), &stamp).await?;
            }
            Ok(PutBomResponse { bom: Some(self.read(tx, &sku, number).await?) })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn activate_bom(
        &self,
        request: Request<ActivateBomRequest>,
    ) -> Result<Response<ActivateBomResponse>, Status> {
        const METHOD: &str = "ActivateBom";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        let sku = check.text("sku", &request.sku, 1..=64);
        check.require(request.number >= 1, "number", "must be at least 1");
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            let stamp = Stamp { now: self.deps.clock.now(), by: &caller.id, rules: &self.rules };
            commands::activate(tx, &sku, (request.number, request.version), &stamp).await?;
            Ok(ActivateBomResponse { bom: Some(self.read(tx, &sku, request.number).await?) })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn get_bom(&self, request: Request<GetBomRequest>) -> Result<Response<GetBomResponse>, Status> {
        let request = request.into_inner();
        let mut check = Check::default();
        let sku = check.text("sku", &request.sku, 1..=64);
        let day = check.optional_date("date", &request.date);
        check.require(request.number >= 0, "number", "must not be negative");
        check.require(request.number == 0 || day.is_none(), "date", "cannot be combined with a number");
        check.done().map_err(status::invalid)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        if request.number > 0 {
            let bom = Some(self.read(&mut conn, &sku, request.number).await?);
            return Ok(Response::new(GetBomResponse { bom }));
        }
        let day = day.unwrap_or_else(|| self.rules.today(self.deps.clock.now()));
        let found = queries::in_effect(&mut conn, &sku, day).await.map_err(status::from_sqlx)?;
        let found = found.ok_or_else(|| status::not_found("bill of material", format!("{sku} in effect on {day}")))?;
        Ok(Response::new(GetBomResponse { bom: Some(convert::whole(found, self.rules.currency)) }))
    }

    async fn list_boms(&self, request: Request<ListBomsRequest>) -> Result<Response<ListBomsResponse>, Status> {
        let request = request.into_inner();
        let page = Page::<(String, i32)>::parse(&request.page).map_err(status::invalid)?;
        let mut check = Check::default();
        let sku = check.optional_text("sku", &request.sku, 64);
        check.done().map_err(status::invalid)?;
        let filter = (Some(sku.as_str()).filter(|sku| !sku.is_empty()), convert::state_code(request.state()));
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let boms =
            queries::list(&mut conn, filter, page.after.clone(), page.limit() + 1).await.map_err(status::from_sqlx)?;
        let (boms, page) = page.finish(boms, |bom| (bom.sku.clone(), bom.number));
        Ok(Response::new(ListBomsResponse { boms: boms.into_iter().map(convert::head).collect(), page: Some(page) }))
    }

    async fn where_used(&self, request: Request<WhereUsedRequest>) -> Result<Response<WhereUsedResponse>, Status> {
        let request = request.into_inner();
        let page = Page::<(String, i32)>::parse(&request.page).map_err(status::invalid)?;
        let mut check = Check::default();
        let sku = check.text("component_sku", &request.component_sku, 1..=64);
        check.done().map_err(status::invalid)?;
        let state = convert::state_code(request.state());
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let item = items::queries::item(&mut conn, &sku).await.map_err(status::from_sqlx)?;
        let item = item.ok_or_else(|| status::not_found("item", &sku))?;
        let uses = queries::uses(&mut conn, (&sku, state), page.after.clone(), page.limit() + 1)
            .await
            .map_err(status::from_sqlx)?;
        let (uses, page) = page.finish(uses, |one| (one.sku.clone(), one.number));
        let unit = item.unit.unwrap_or_default();
        let uses = uses.into_iter().map(|one| convert::use_of(&sku, &unit, one)).collect::<Result<_, _>>()?;
        Ok(Response::new(WhereUsedResponse { uses, page: Some(page) }))
    }

    async fn explode_bom(&self, request: Request<ExplodeBomRequest>) -> Result<Response<ExplodeBomResponse>, Status> {
        let request = request.into_inner();
        let mut check = Check::default();
        let sku = check.text("sku", &request.sku, 1..=64);
        check.require(request.number >= 0, "number", "must not be negative");
        let day = check.optional_date("date", &request.date);
        let known = convert::known(&mut check, request.known.as_ref());
        check.done().map_err(status::invalid)?;
        let day = day.unwrap_or_else(|| self.rules.today(self.deps.clock.now()));
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let structure = self.structure(&mut conn, (&sku, request.number), day).await?;
        drop(conn);
        let wanted = match known {
            Known::Wanted(quantity) => convert::in_unit(&sku, quantity, structure.unit.code())?,
            Known::Input(component, quantity) => structure.made_of(&component, quantity)?,
        };
        Ok(Response::new(structure.explode(wanted, day)?))
    }

    async fn roll_up_cost(&self, request: Request<RollUpCostRequest>) -> Result<Response<RollUpCostResponse>, Status> {
        let request = request.into_inner();
        let mut check = Check::default();
        let sku = check.text("sku", &request.sku, 1..=64);
        check.require(request.number >= 0, "number", "must not be negative");
        let day = check.optional_date("date", &request.date);
        let given = convert::given(&mut check, &sku, &request.costs, self.rules.currency);
        check.done().map_err(status::invalid)?;
        let day = day.unwrap_or_else(|| self.rules.today(self.deps.clock.now()));
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let mut structure = self.structure(&mut conn, (&sku, request.number), day).await?;
        structure.boms.retain(|sku, _| !given.contains_key(sku));
        let bought = self.bought(&mut conn, &structure, given).await?;
        drop(conn);
        let costs = domain::cost::roll_up(&structure.boms, &structure.root, &bought).map_err(Error::from)?;
        let cost = |cost| convert_structure::cost(cost, &structure, self.rules.currency);
        let products = costs.into_iter().map(cost).collect();
        Ok(Response::new(RollUpCostResponse { date: day.to_string(), products }))
    }
}
