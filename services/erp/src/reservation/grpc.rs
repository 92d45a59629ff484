//! The RPCs of reservations.

use std::sync::Arc;

use proto::erp::v1::{
    CloseReservationRequest, CloseReservationResponse, ExtendHoldRequest, ExtendHoldResponse, GetReservationRequest,
    GetReservationResponse, ListBackordersRequest, ListBackordersResponse, ReopenReservationRequest,
    ReopenReservationResponse, Reservation, ReserveStockRequest, ReserveStockResponse,
    reservation_service_server::ReservationService,
};
use service::{Check, Deps, idempotency, page::Page, status};
use sqlx::PgConnection;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{
    commands, convert,
    queries::{self, BackorderKey},
};
use crate::{
    config::{Rules, Stamp},
    demand, promises,
};

/// Serves `ReservationService`.
pub(crate) struct Api {
    pub(crate) deps: Deps,
    pub(crate) rules: Arc<Rules>,
}

impl Api {
    fn stamp<'a>(&'a self, by: &'a str) -> Stamp<'a> {
        Stamp { now: self.deps.clock.now(), by, rules: &self.rules }
    }
}

/// What an order or hold has, and when what it waits for is expected.
pub(crate) async fn read(conn: &mut PgConnection, order: Uuid, stamp: &Stamp<'_>) -> Result<Reservation, Status> {
    let head = queries::demand(conn, order).await.map_err(status::from_sqlx)?;
    let head = head.ok_or_else(|| status::not_found("reservation", order))?;
    let lines = demand::store::lines(conn, &[order]).await.map_err(status::from_sqlx)?;
    let held = queries::held(conn, order).await.map_err(status::from_sqlx)?;
    let days = promises::commands::days_of_order(conn, order, stamp).await?;
    Ok(convert::reservation(head, lines, held, &days))
}

fn order_id(text: &str) -> Result<Uuid, Status> {
    let mut check = Check::default();
    let id = check.uuid("order_id", text);
    check.done().map_err(status::invalid)?;
    Ok(id)
}

#[tonic::async_trait]
impl ReservationService for Api {
    async fn reserve_stock(
        &self,
        request: Request<ReserveStockRequest>,
    ) -> Result<Response<ReserveStockResponse>, Status> {
        const METHOD: &str = "ReserveStock";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let stamp = self.stamp(&caller.id);
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        let id = service::new_id();
        let hold = convert::hold(&mut check, &request, id, stamp.now);
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            commands::reserve(tx, hold, request.all_lines, &stamp).await?;
            Ok(ReserveStockResponse { reservation: Some(read(tx, id, &stamp).await?) })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn extend_hold(&self, request: Request<ExtendHoldRequest>) -> Result<Response<ExtendHoldResponse>, Status> {
        const METHOD: &str = "ExtendHold";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let stamp = self.stamp(&caller.id);
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        let id = check.uuid("order_id", &request.order_id);
        let until = check.timestamp("expires_at", &request.expires_at);
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            commands::extend(tx, id, until, &stamp).await?;
            Ok(ExtendHoldResponse { reservation: Some(read(tx, id, &stamp).await?) })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn get_reservation(
        &self,
        request: Request<GetReservationRequest>,
    ) -> Result<Response<GetReservationResponse>, Status> {
        let id = order_id(&request.into_inner().order_id)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        Ok(Response::new(GetReservationResponse { reservation: Some(read(&mut conn, id, &self.stamp("")).await?) }))
    }

    async fn close_reservation(
        &self,
        request: Request<CloseReservationRequest>,
    ) -> Result<Response<CloseReservationResponse>, Status> {
        let caller = service::caller(&request)?;
        let id = order_id(&request.into_inner().order_id)?;
        let mut tx = self.deps.db.begin().await.map_err(status::from_sqlx)?;
        let stamp = self.stamp(&caller.id);
        commands::close(&mut tx, id, &stamp).await?;
        let reservation = read(&mut tx, id, &stamp).await?;
        tx.commit().await.map_err(status::from_sqlx)?;
        Ok(Response::new(CloseReservationResponse { reservation: Some(reservation) }))
    }

    async fn reopen_reservation(
        &self,
        request: Request<ReopenReservationRequest>,
    ) -> Result<Response<ReopenReservationResponse>, Status> {
        let caller = service::caller(&request)?;
        let id = order_id(&request.into_inner().order_id)?;
        let mut tx = self.deps.db.begin().await.map_err(status::from_sqlx)?;
        let stamp = self.stamp(&caller.id);
        commands::reopen(&mut tx, id, &stamp).await?;
        let reservation = read(&mut tx, id, &stamp).await?;
        tx.commit().await.map_err(status::from_sqlx)?;
        Ok(Response::new(ReopenReservationResponse { reservation: Some(reservation) }))
    }

    async fn list_backorders(
        &self,
        request: Request<ListBackordersRequest>,
    ) -> Result<Response<ListBackordersResponse>, Status> {
        let request = request.into_inner();
        let page = Page::<BackorderKey>::parse(&request.page).map_err(status::invalid)?;
        let mut check = Check::new();
        let sku = check.optional_text("sku", &request.sku, 64);
        check.done().map_err(status::invalid)?;
        let sku = (!sku.is_empty()).then_some(sku.as_str());
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let rows = queries::backorders(&mut conn, sku, page.after.as_ref(), page.limit() + 1)
            .await
            .map_err(status::from_sqlx)?;
        let (rows, page) =
            page.finish(rows, |row| (row.sku.clone(), -row.priority, row.placed_at, row.order_id, row.line_no));
        let backorders = rows.into_iter().map(convert::backorder).collect();
        Ok(Response::new(ListBackordersResponse { backorders, page: Some(page) }))
    }
}
