//! The RPCs of traces.

use proto::erp::v1::{
    SetLotFactsRequest, SetLotFactsResponse, TraceLotRequest, TraceLotResponse, trace_service_server::TraceService,
};
use service::{Check, Deps, idempotency, page::Page, status};
use sqlx::PgConnection;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{
    commands, convert,
    domain::{Relation, Selection, arrange, levels},
    queries::{self, LinkView},
};
use crate::error::Error;

/// Serves `TraceService`.
pub(crate) struct Api(pub(crate) Deps);

/// Links of one trace at most.
const MOST_LINKS: usize = 1000;

/// Receipts shown of one lot at most.
const MOST_RECEIPTS: i64 = 100;

/// The links of both directions, oldest first, each once; true when some are left out.
fn merged(mut links: Vec<LinkView>) -> (Vec<LinkView>, bool) {
    links.sort_by_key(|link| (link.output_move, link.input_move));
    links.dedup_by_key(|link| (link.output_move, link.input_move));
    let truncated = links.len() > MOST_LINKS;
    links.truncate(MOST_LINKS);
    (links, truncated)
}

async fn trace(
    conn: &mut PgConnection,
    selection: &Selection,
    page: &Page<(Uuid, Uuid)>,
) -> Result<TraceLotResponse, Error> {
    let roots: Vec<Uuid> = commands::selected(conn, selection).await?.into_iter().map(|lot| lot.id).collect();
    let most = MOST_LINKS as i64 + 1;
    let forward = queries::links_forward(conn, &roots, most).await?;
    let backward = queries::links_backward(conn, &roots, most).await?;
    let down: Vec<_> = forward.iter().map(|link| (link.input_lot, link.output_lot)).collect();
    let up: Vec<_> = backward.iter().map(|link| (link.output_lot, link.input_lot)).collect();
    let (order, lots_left_out) = arrange(&levels(&roots, &up), &levels(&roots, &down));
    let (links, links_left_out) = merged(forward.into_iter().chain(backward).collect());
    let ids: Vec<_> = order.iter().map(|(lot, ..)| *lot).collect();
    let views = queries::traced(conn, &ids).await?;
    let places = queries::places(conn, &ids).await?;
    let receipts = queries::receipts(conn, &ids, MOST_RECEIPTS).await?;
    let went: Vec<_> = order.iter().filter(|(_, is, _)| *is != Relation::Input).map(|(lot, ..)| *lot).collect();
    let orders = queries::orders(conn, &went, page.after, page.limit() + 1).await?;
    let (orders, info) = page.finish(orders, |order| (order.order_id, order.lot_id));
    Ok(TraceLotResponse {
        links: convert::links(links, &views),
        balanced: convert::balanced(&views),
        lots: convert::lots(&order, views, places, receipts),
        orders: orders.into_iter().map(convert::order).collect(),
        page: Some(info),
        truncated: lots_left_out || links_left_out,
    })
}

#[tonic::async_trait]
impl TraceService for Api {
    async fn trace_lot(&self, request: Request<TraceLotRequest>) -> Result<Response<TraceLotResponse>, Status> {
        let request = request.into_inner();
        let page = Page::<(Uuid, Uuid)>::parse(&request.page).map_err(status::invalid)?;
        let mut check = Check::default();
        let selection = convert::selection(&mut check, &request);
        check.done().map_err(status::invalid)?;
        let mut conn = self.0.db.acquire().await.map_err(status::from_sqlx)?;
        Ok(Response::new(trace(&mut conn, &selection, &page).await?))
    }

    async fn set_lot_facts(
        &self,
        request: Request<SetLotFactsRequest>,
    ) -> Result<Response<SetLotFactsResponse>, Status> {
        const METHOD: &str = "SetLotFacts";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        let sku = check.text("sku", &request.sku, 1..=64);
        let lot = check.text("lot", &request.lot, 1..=64);
        let facts = convert::facts(&mut check, request.facts.as_ref());
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.0.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            let id = commands::set_facts(tx, (&sku, &lot), &facts).await?;
            let views = queries::traced(tx, &[id]).await.map_err(status::from_sqlx)?;
            Ok(SetLotFactsResponse { facts: views.first().map(convert::facts_of) })
        })
        .await?;
        Ok(done.into_response())
    }
}
