//! The RPCs of cut-off times.

use std::{collections::HashSet, sync::Arc};

use proto::erp::v1::{
    CutOffDay, CutOffs, ListCutOffsRequest, ListCutOffsResponse, SetCutOffsRequest, SetCutOffsResponse,
    cut_off_service_server::CutOffService,
};
use service::{Check, Deps, status};
use tonic::{Request, Response, Status};

use super::{
    domain::{Week, parse_time, write_time},
    store,
};
use crate::{config::Rules, error::Error, warehouses::store as warehouses};

/// Serves `CutOffService`.
pub(crate) struct Api {
    pub(crate) deps: Deps,
    pub(crate) rules: Arc<Rules>,
}

fn week(check: &mut Check, wire: &CutOffs, rules: &Rules) -> Week {
    let warehouse = check.optional_text("cut_offs.warehouse", &wire.warehouse, 32);
    check.len("cut_offs.days", wire.days.len(), 0..=7);
    let mut named = HashSet::new();
    let mut days = Vec::new();
    for (index, day) in wire.days.iter().take(7).enumerate() {
        let field = |name: &str| format!("cut_offs.days[{index}].{name}");
        check.require((1..=7).contains(&day.weekday), field("weekday"), "must be 1 (Monday) to 7 (Sunday)");
        check.require(named.insert(day.weekday), field("weekday"), "is named twice");
        match parse_time(&day.time) {
            Some(time) => days.push((day.weekday, time)),
            None => check.wrong(field("time"), "is not a time HH:MM"),
        }
    }
    Week {
        warehouse: if warehouse.is_empty() { rules.default_warehouse.clone() } else { warehouse },
        delivery_method: check.optional_text("cut_offs.delivery_method", &wire.delivery_method, 64),
        region: check.optional_text("cut_offs.region", &wire.region, 64),
        days,
    }
}

fn wire(week: Week) -> CutOffs {
    let day = |(weekday, time)| CutOffDay { weekday, time: write_time(time) };
    CutOffs {
        warehouse: week.warehouse,
        delivery_method: week.delivery_method,
        region: week.region,
        days: week.days.into_iter().map(day).collect(),
    }
}

#[tonic::async_trait]
impl CutOffService for Api {
    async fn set_cut_offs(&self, request: Request<SetCutOffsRequest>) -> Result<Response<SetCutOffsResponse>, Status> {
        let request = request.into_inner();
        let mut check = Check::default();
        check.require(request.cut_offs.is_some(), "cut_offs", "is missing");
        let mut week = week(&mut check, &request.cut_offs.unwrap_or_default(), &self.rules);
        check.done().map_err(status::invalid)?;
        week.days.sort_unstable();
        let mut tx = self.deps.db.begin().await.map_err(status::from_sqlx)?;
        let found = warehouses::by_code(&mut tx, &week.warehouse).await.map_err(status::from_sqlx)?;
        let warehouse = found.ok_or_else(|| Error::UnknownWarehouse(week.warehouse.clone()))?;
        store::replace(&mut tx, warehouse.id, &week).await.map_err(status::from_sqlx)?;
        tx.commit().await.map_err(status::from_sqlx)?;
        Ok(Response::new(SetCutOffsResponse { cut_offs: Some(wire(week)) }))
    }

    async fn list_cut_offs(
        &self,
        _request: Request<ListCutOffsRequest>,
    ) -> Result<Response<ListCutOffsResponse>, Status> {
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let rows = store::all(&mut conn).await.map_err(status::from_sqlx)?;
        let mut weeks: Vec<Week> = Vec::new();
        for (warehouse, delivery_method, region, weekday, time) in rows {
            let same = |week: &&mut Week| {
                (&week.warehouse, &week.delivery_method, &week.region) == (&warehouse, &delivery_method, &region)
            };
            match weeks.last_mut().filter(same) {
                Some(week) => week.days.push((weekday, time)),
                None => weeks.push(Week { warehouse, delivery_method, region, days: vec![(weekday, time)] }),
            }
        }
        Ok(Response::new(ListCutOffsResponse { cut_offs: weeks.into_iter().map(wire).collect() }))
    }
}
