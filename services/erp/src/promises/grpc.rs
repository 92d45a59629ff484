//! The RPC of promises.

use std::{collections::BTreeSet, sync::Arc};

use proto::erp::v1::{PromiseDatesRequest, PromiseDatesResponse, promise_service_server::PromiseService};
use service::{Check, Deps, status};
use sqlx::PgConnection;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{commands::text, convert, domain, queries};
use crate::{
    config::Rules,
    error::Error,
    life_rules::{self, domain::least_life},
    reservation::{
        domain::{Need, Pool, good_until},
        store::free_lots,
    },
    units::{self, domain::Entered},
    warehouses::{domain::Warehouse, store as warehouses},
};

/// Serves `PromiseService`.
pub(crate) struct Api {
    pub(crate) deps: Deps,
    pub(crate) rules: Arc<Rules>,
}

/// Furthest an order can stand before or behind others.
const MOST_PRIORITY: i32 = 1_000_000;

#[tonic::async_trait]
impl PromiseService for Api {
    async fn promise_dates(
        &self,
        request: Request<PromiseDatesRequest>,
    ) -> Result<Response<PromiseDatesResponse>, Status> {
        let request = request.into_inner();
        let mut check = Check::default();
        let lines = convert::lines(&mut check, &request);
        check.optional_text("warehouse", &request.warehouse, 32);
        check.optional_text("channel", &request.channel, 32);
        check.optional_text("delivery_method", &request.delivery_method, 32);
        let good = (-MOST_PRIORITY..=MOST_PRIORITY).contains(&request.priority);
        check.require(good, "priority", "must be -1000000 to 1000000");
        check.done().map_err(status::invalid)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        Ok(Response::new(self.answer(&mut conn, &request, &lines).await?))
    }
}

impl Api {
    async fn answer(
        &self,
        conn: &mut PgConnection,
        request: &PromiseDatesRequest,
        lines: &[Entered],
    ) -> Result<PromiseDatesResponse, Error> {
        let (now, today) = (self.deps.clock.now(), self.rules.today(self.deps.clock.now()));
        let skus: Vec<_> = lines.iter().map(|line| line.sku.clone()).collect::<BTreeSet<_>>().into_iter().collect();
        let units = units::store::base_units(conn, &skus).await?;
        let (known, unknown): (Vec<_>, Vec<_>) =
            lines.iter().cloned().enumerate().partition(|(_, line)| units.contains_key(&line.sku));
        let (at, known): (Vec<usize>, Vec<Entered>) = known.into_iter().unzip();
        let unit_of = |sku: &str| units.get(sku).map(String::as_str);
        let amounts = units::commands::in_units_of(conn, unit_of, &known).await?;

        let houses = warehouses::all(conn, &self.rules).await?;
        let named = named(&houses, &request.warehouse)?;
        let lives = self.lives(conn, request, &known).await?;
        let mut needs = Vec::with_capacity(known.len());
        for ((line, (_, quantity)), (line_no, days)) in known.iter().zip(&amounts).zip((1..).zip(lives)) {
            needs.push(Need {
                order: Uuid::nil(),
                line_no,
                sku: line.sku.clone(),
                warehouse: named.map(|house| house.id),
                quantity: *quantity,
                priority: request.priority,
                placed_at: now,
                good_until: good_until(today, days),
            });
        }
        let mut pool = Pool::new(free_lots(conn, &skus, today, self.rules.min_life_days).await?);
        let incoming = queries::incoming(conn, &skus, today).await?;
        let ahead = queries::ahead(conn, &skus, request.priority).await?;
        let ids: Vec<_> = houses.iter().map(|house| house.id).collect();
        let (from, promises) = domain::promise(&mut pool, needs, &ids, &incoming, &ahead, today);

        let complete = if unknown.is_empty() && promises.iter().all(|line| line.day.is_some()) {
            promises.iter().filter_map(|line| line.day).max()
        } else {
            None
        };
        let told = known.iter().zip(&amounts).zip(&promises);
        let told = told.map(|((line, amount), promise)| convert::promised(&line.sku, amount, promise));
        let mut answer: Vec<_> = at.into_iter().zip(told).collect();
        answer.extend(unknown.iter().map(|(at, line)| (*at, convert::unknown(line))));
        answer.sort_by_key(|(at, _)| *at);
        let house = houses.iter().find(|house| Some(house.id) == from).or(houses.first());
        Ok(PromiseDatesResponse {
            lines: answer.into_iter().map(|(_, line)| line).collect(),
            warehouse: house.map(|house| house.code.clone()).unwrap_or_default(),
            complete_on: text(complete),
            unknown_skus: unknown.into_iter().map(|(_, line)| line.sku).collect::<BTreeSet<_>>().into_iter().collect(),
        })
    }

    /// Days a lot must have left for each line.
    async fn lives(
        &self,
        conn: &mut PgConnection,
        request: &PromiseDatesRequest,
        lines: &[Entered],
    ) -> Result<Vec<i32>, Error> {
        let rules = life_rules::store::all(conn).await?;
        let skus: Vec<_> = lines.iter().map(|line| line.sku.as_str()).collect();
        let categories = match rules.as_slice() {
            [] => Default::default(),
            _ => life_rules::store::categories(conn, &skus).await?,
        };
        let life = |sku: &str| {
            let category = categories.get(sku).map_or("", String::as_str);
            least_life(&rules, &request.channel, &request.delivery_method, category)
        };
        Ok(skus.into_iter().map(life).collect())
    }
}

/// The warehouse a cart names, if it does.
fn named<'a>(houses: &'a [Warehouse], code: &str) -> Result<Option<&'a Warehouse>, Error> {
    if code.is_empty() {
        return Ok(None);
    }
    let found = houses.iter().find(|house| house.code == code);
    found.map(Some).ok_or_else(|| Error::UnknownWarehouse(code.to_owned()))
}
