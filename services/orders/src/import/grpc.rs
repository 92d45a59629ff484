//! The import RPCs of the product service.

use proto::orders::v1 as wire;
use rust_decimal::Decimal;
use service::{Check, Deps, caller, new_id, page::Page, status};
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;
use tonic::{Request, Response, Status};

use super::{
    commands::{self, Part, Staged},
    domain, store,
};
use crate::error::Error;

/// Bytes of a part at most.
const LARGEST_PART: usize = 4 * 1024 * 1024;
/// Parts of a file at most.
const MOST_PARTS: i32 = 24;
/// Rejected rows in the answer at most.
const SHOWN_REJECTIONS: i64 = 200;

/// `ImportProducts`.
pub(crate) async fn import_products(
    deps: &Deps,
    vat_rate: Decimal,
    request: Request<wire::ImportProductsRequest>,
) -> Result<Response<wire::ImportProductsResponse>, Status> {
    let (who, request) = (caller(&request)?, request.into_inner());
    let mut check = Check::new();
    let job_id = check.text("job_id", &request.job_id, 1..=128);
    let price_list = check.optional_text("price_list", &request.price_list, 64);
    check.require((1..=MOST_PARTS).contains(&request.parts), "parts", format!("must be 1 to {MOST_PARTS}"));
    check.require((1..=request.parts.max(1)).contains(&request.part), "part", "must be 1 to the number of parts");
    check.require(!request.data.is_empty(), "data", "is missing");
    check.require(request.data.len() <= LARGEST_PART, "data", "must be 4 MiB at most");
    check.done().map_err(status::invalid)?;

    let hash = Sha256::digest(&request.data);
    let part = Part {
        job_id: &job_id,
        part: request.part,
        parts: request.parts,
        price_list: &price_list,
        content_hash: &hash,
        data: &request.data,
    };
    let mut tx = deps.db.begin().await.map_err(status::from_sqlx)?;
    let staged = commands::stage(&mut tx, &who.id, &part, deps.clock.now()).await?;
    if let Staged::Finished = staged {
        let answer = report(&mut tx, &job_id).await?;
        return Ok(Response::new(answer));
    }
    tx.commit().await.map_err(status::from_sqlx)?;
    if let Staged::Waiting = staged {
        return Ok(Response::new(wire::ImportProductsResponse::default()));
    }
    apply(deps, vat_rate, &job_id).await.map(Response::new)
}

async fn apply(deps: &Deps, vat_rate: Decimal, job_id: &str) -> Result<wire::ImportProductsResponse, Status> {
    let mut conn = deps.db.acquire().await.map_err(status::from_sqlx)?;
    let bytes = store::data(&mut conn, job_id).await.map_err(status::from_sqlx)?;
    drop(conn);
    let parsed = tokio::task::spawn_blocking(move || domain::parse(&bytes));
    let parsed = parsed.await.map_err(|error| status::internal(&error))?;
    let file = parsed.map_err(|reason| Error::invalid("data", reason))?;
    let mut tx = deps.db.begin().await.map_err(status::from_sqlx)?;
    commands::apply(&mut tx, job_id, file, vat_rate, new_id, deps.clock.now()).await?;
    let answer = report(&mut tx, job_id).await?;
    tx.commit().await.map_err(status::from_sqlx)?;
    Ok(answer)
}

async fn report(conn: &mut PgConnection, job_id: &str) -> Result<wire::ImportProductsResponse, Status> {
    let job = store::lock(conn, job_id).await.map_err(status::from_sqlx)?;
    let job = job.ok_or_else(|| Error::not_found("import", job_id))?;
    let rejections = store::rejections(conn, job_id, 0, SHOWN_REJECTIONS).await.map_err(status::from_sqlx)?;
    Ok(wire::ImportProductsResponse {
        finished: job.finished_at.is_some(),
        rows: job.rows,
        created: job.created,
        changed: job.changed,
        unchanged: job.unchanged,
        rejected: job.rejected,
        prices: job.prices,
        rejections: rejections.into_iter().map(rejection).collect(),
    })
}

fn rejection(row: store::RejectionRow) -> wire::ImportRejection {
    wire::ImportRejection { row: row.row_no, sku: row.sku, column: row.column_name, reason: row.reason }
}

/// `ListImportRejections`.
pub(crate) async fn list_rejections(
    deps: &Deps,
    request: Request<wire::ListImportRejectionsRequest>,
) -> Result<Response<wire::ListImportRejectionsResponse>, Status> {
    let request = request.into_inner();
    let page = Page::<i64>::parse(&request.page).map_err(status::invalid)?;
    let mut check = Check::new();
    let job_id = check.text("job_id", &request.job_id, 1..=128);
    check.done().map_err(status::invalid)?;
    let mut tx = deps.db.begin().await.map_err(status::from_sqlx)?;
    let job = store::lock(&mut tx, &job_id).await.map_err(status::from_sqlx)?;
    job.ok_or_else(|| Error::not_found("import", &job_id))?;
    let rows = store::rejections(&mut tx, &job_id, page.after.unwrap_or(0), page.limit() + 1)
        .await
        .map_err(status::from_sqlx)?;
    let (rows, info) = page.finish(rows, |row| row.seq);
    let rejections = rows.into_iter().map(rejection).collect();
    Ok(Response::new(wire::ListImportRejectionsResponse { rejections, page: Some(info) }))
}
