//! The search RPC.

use proto::knowledge::v1::{
    self as wire,
    search_service_server::{SearchService, SearchServiceServer},
};
use service::{Check, Deps, page::Page, status};
use time::OffsetDateTime;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{
    domain,
    queries::{self, Hit, Wanted},
};
use crate::{
    pages::grpc::reads::known_moment,
    spaces::{convert::key, domain::Reader},
};

/// The server to be mounted.
pub(crate) fn server(deps: &Deps) -> SearchServiceServer<Search> {
    SearchServiceServer::new(Search { deps: deps.clone() })
}

/// The search RPC.
pub struct Search {
    deps: Deps,
}

/// Most words of a query that are corrected.
const MOST_CORRECTED: usize = 10;

/// Where a list goes on: from when freshness counts, whether words were corrected, score and id of the last hit.
type Position = (OffsetDateTime, bool, i64, Uuid);

fn encode(hit: Hit) -> wire::PageHit {
    wire::PageHit {
        page_id: hit.id.to_string(),
        space_key: hit.space_key,
        title_html: domain::title(&hit.title_marked),
        title: hit.title,
        fragments_html: domain::fragments(&hit.marked),
        version: hit.version,
        saved_at: Some(proto::to_timestamp(hit.saved_at)),
    }
}

#[tonic::async_trait]
impl SearchService for Search {
    async fn search_pages(
        &self,
        request: Request<wire::SearchPagesRequest>,
    ) -> Result<Response<wire::SearchPagesResponse>, Status> {
        let reader = Reader::from(&service::caller(&request)?);
        let request = request.into_inner();
        let mut check = Check::new();
        let query = check.text("query", &request.query, 1..=200);
        check.len("space_keys", request.space_keys.len(), 0..=50);
        let keys = request.space_keys.iter().take(50);
        let spaces: Vec<String> = keys.map(|space| key(&mut check, "space_keys", space)).collect();
        check.done().map_err(status::invalid)?;
        let page = Page::<Position>::parse(&request.page).map_err(status::invalid)?;
        known_moment(page.after.map(|(at, ..)| at))?;

        let spaces = (!spaces.is_empty()).then_some(spaces.as_slice());
        let as_of = page.after.map_or_else(|| self.deps.clock.now(), |(as_of, ..)| as_of);
        let after = page.after.map(|(_, _, score, id)| (score, id));
        let mut corrected = page.after.is_some_and(|(_, corrected, ..)| corrected);
        let limit = page.limit() + 1;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let mut hits = Vec::new();
        if !corrected {
            let wanted = Wanted { words: &query, corrected, spaces, as_of, after, limit };
            hits = queries::find(&mut conn, &wanted, &reader).await.map_err(status::from_sqlx)?;
        }
        if corrected || (hits.is_empty() && page.after.is_none()) {
            let asked = domain::correctable(&query, MOST_CORRECTED);
            let similar = queries::similar(&mut conn, &asked).await.map_err(status::from_sqlx)?;
            if let Some(words) = domain::corrected(&asked, &similar) {
                let wanted = Wanted { words: &words, corrected: true, spaces, as_of, after, limit };
                hits = queries::find(&mut conn, &wanted, &reader).await.map_err(status::from_sqlx)?;
                corrected = !hits.is_empty();
            }
        }
        let (hits, page) = page.finish(hits, |hit| (as_of, corrected, hit.score, hit.id));
        let hits = hits.into_iter().map(encode).collect();
        Ok(Response::new(wire::SearchPagesResponse { hits, page: Some(page), corrected }))
    }
}
