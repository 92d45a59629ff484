//! The order RPCs.

mod hub;
mod watch;

pub use hub::Hub;

use std::collections::HashMap;

use futures::FutureExt as _;
use proto::orders::v1::{self as wire, order_service_server::OrderService};
use service::{Check, Deps, Loader, caller, idempotency, page::Page, status};
use sqlx::PgConnection;
use time::OffsetDateTime;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{
    commands, convert,
    domain::{FulfilmentState, Machine, OrderState, PaymentState},
    queries,
};
use crate::{error::Error, intake};

/// The order RPCs.
pub struct OrderGrpc {
    deps: Deps,
    hub: Hub,
    orders: Loader<Uuid, wire::Order>,
}

impl OrderGrpc {
    /// With the hub that tells watchers of changes.
    #[must_use]
    pub fn new(deps: Deps, hub: Hub) -> Self {
        let orders =
            Loader::new(&deps.db, |conn, ids| async move { views(conn, &ids).await.map_err(Status::from) }.boxed());
        Self { deps, hub, orders }
    }
}

/// Reads orders for answers.
async fn views(conn: &mut PgConnection, ids: &[Uuid]) -> Result<HashMap<Uuid, wire::Order>, Error> {
    let orders = queries::whole(conn, ids).await?;
    Ok(orders.iter().map(|(head, lines, shipments)| (head.row.id, convert::order(head, lines, shipments))).collect())
}

/// Reads an order for an answer.
async fn view(conn: &mut PgConnection, id: Uuid) -> Result<wire::Order, Error> {
    views(conn, &[id]).await?.remove(&id).ok_or_else(|| Error::not_found("order", id))
}

/// The id of the order a write is about, its key, and why.
fn read_write(order_id: &str, request_id: &str, reason: &str) -> Result<(Uuid, String), Error> {
    let mut check = Check::new();
    let id = check.uuid("order_id", order_id);
    check.request_id(request_id);
    let reason = check.optional_text("reason", reason, 200);
    check.done()?;
    Ok((id, reason))
}

fn state<M: Machine>(check: &mut Check, field: &str, code: &str) -> Option<String> {
    if code.is_empty() {
        return None;
    }
    check.require(M::parse(code).is_some(), field, "is not a known state");
    Some(code.to_owned())
}

fn read_filter(request: &wire::ListOrdersRequest) -> Result<queries::Filter, Error> {
    let mut check = Check::new();
    let channel = check.optional_text("channel", &request.channel, 32);
    let number = match request.number.as_str() {
        "" => None,
        text => {
            let number = intake::convert::parse_number(text);
            check.require(number.is_some(), "number", "is not an order number such as W-000000001");
            number
        }
    };
    let filter = queries::Filter {
        state: state::<OrderState>(&mut check, "state", &request.state),
        payment_state: state::<PaymentState>(&mut check, "payment_state", &request.payment_state),
        fulfilment_state: state::<FulfilmentState>(&mut check, "fulfilment_state", &request.fulfilment_state),
        channel: (!channel.is_empty()).then_some(channel),
        customer_id: check.optional_uuid("customer_id", &request.customer_id),
        placed_from: check.optional_timestamp("placed_from", &request.placed_from),
        placed_before: check.optional_timestamp("placed_before", &request.placed_before),
        number,
    };
    check.done()?;
    Ok(filter)
}

#[tonic::async_trait]
impl OrderService for OrderGrpc {
    type WatchOrderStream = watch::Stream;

    async fn get_order(
        &self,
        request: Request<wire::GetOrderRequest>,
    ) -> Result<Response<wire::GetOrderResponse>, Status> {
        let mut check = Check::new();
        let id = check.uuid("order_id", &request.get_ref().order_id);
        check.done().map_err(status::invalid)?;
        let order = self.orders.get(id).await?.ok_or_else(|| Error::not_found("order", id))?;
        Ok(Response::new(wire::GetOrderResponse { order: Some(order) }))
    }

    async fn get_order_by_external_id(
        &self,
        request: Request<wire::GetOrderByExternalIdRequest>,
    ) -> Result<Response<wire::GetOrderByExternalIdResponse>, Status> {
        let request = request.into_inner();
        let mut check = Check::new();
        let channel = check.text("channel", &request.channel, 1..=32);
        let external_id = check.text("external_id", &request.external_id, 1..=64);
        check.done().map_err(status::invalid)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let found = queries::by_external_id(&mut conn, &channel, &external_id).await.map_err(status::from_sqlx)?;
        let id = found.ok_or_else(|| Error::not_found("order", format!("{channel}/{external_id}")))?;
        Ok(Response::new(wire::GetOrderByExternalIdResponse { order: Some(view(&mut conn, id).await?) }))
    }

    async fn list_orders(
        &self,
        request: Request<wire::ListOrdersRequest>,
    ) -> Result<Response<wire::ListOrdersResponse>, Status> {
        let page = Page::<(i64, i64, Uuid)>::parse(&request.get_ref().page).map_err(status::invalid)?;
        let filter = read_filter(request.get_ref())?;
        let before = match page.after {
            None => None,
            Some((seconds, micros, id)) => Some((moment(seconds, micros)?, id)),
        };
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let rows = queries::list(&mut conn, &filter, before, page.limit() + 1).await.map_err(status::from_sqlx)?;
        let (rows, info) = page.finish(rows, |head| {
            (head.row.placed_at.unix_timestamp(), i64::from(head.row.placed_at.microsecond()), head.row.id)
        });
        let orders = rows.iter().map(convert::summary).collect();
        Ok(Response::new(wire::ListOrdersResponse { orders, page: Some(info) }))
    }

    async fn confirm_order(
        &self,
        request: Request<wire::ConfirmOrderRequest>,
    ) -> Result<Response<wire::ConfirmOrderResponse>, Status> {
        const METHOD: &str = "orders.ConfirmOrder";
        let (who, request) = (caller(&request)?, request.into_inner());
        let (id, reason) = read_write(&request.order_id, &request.request_id, &request.reason)?;
        let done = idempotency::once(&self.deps.db, (&who.id, METHOD, &request.request_id), &request, async |tx| {
            commands::confirm(tx, id, &who.id, &reason, self.deps.clock.now()).await?;
            Ok(wire::ConfirmOrderResponse { order: Some(view(tx, id).await?) })
        })
        .await?;
        self.hub.poke(&[id]);
        Ok(done.into_response())
    }

    async fn cancel_order(
        &self,
        request: Request<wire::CancelOrderRequest>,
    ) -> Result<Response<wire::CancelOrderResponse>, Status> {
        const METHOD: &str = "orders.CancelOrder";
        let (who, request) = (caller(&request)?, request.into_inner());
        let mut check = Check::new();
        let id = check.uuid("order_id", &request.order_id);
        check.request_id(&request.request_id);
        let reason = convert::reason_code(&mut check, "reason", &request.reason);
        let now = self.deps.clock.now();
        let cancelled_at = check.optional_timestamp("cancelled_at", &request.cancelled_at).unwrap_or(now);
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&who.id, METHOD, &request.request_id), &request, async |tx| {
            let (order, lines) = commands::cancel(tx, id, &who.id, &reason, cancelled_at, now).await?;
            let cancelled = convert::changes(&lines, order.currency);
            Ok(wire::CancelOrderResponse { cancelled, order: Some(view(tx, id).await?) })
        })
        .await?;
        self.hub.poke(&[id]);
        Ok(done.into_response())
    }

    async fn cancel_order_lines(
        &self,
        request: Request<wire::CancelOrderLinesRequest>,
    ) -> Result<Response<wire::CancelOrderLinesResponse>, Status> {
        const METHOD: &str = "orders.CancelOrderLines";
        let (who, request) = (caller(&request)?, request.into_inner());
        let mut check = Check::new();
        let id = check.uuid("order_id", &request.order_id);
        check.request_id(&request.request_id);
        let reason = convert::reason_code(&mut check, "reason", &request.reason);
        let now = self.deps.clock.now();
        let cancelled_at = check.optional_timestamp("cancelled_at", &request.cancelled_at).unwrap_or(now);
        let parts = convert::parts(&mut check, &request.lines);
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&who.id, METHOD, &request.request_id), &request, async |tx| {
            let (order, lines) = commands::cancel_lines(tx, id, &parts, (&who.id, &reason), cancelled_at, now).await?;
            let cancelled = convert::changes(&lines, order.currency);
            Ok(wire::CancelOrderLinesResponse { cancelled, order: Some(view(tx, id).await?), duplicate: false })
        })
        .await?;
        self.hub.poke(&[id]);
        Ok(Response::new(wire::CancelOrderLinesResponse { duplicate: done.repeated, ..done.answer }))
    }

    async fn complete_order(
        &self,
        request: Request<wire::CompleteOrderRequest>,
    ) -> Result<Response<wire::CompleteOrderResponse>, Status> {
        const METHOD: &str = "orders.CompleteOrder";
        let (who, request) = (caller(&request)?, request.into_inner());
        let (id, reason) = read_write(&request.order_id, &request.request_id, &request.reason)?;
        let done = idempotency::once(&self.deps.db, (&who.id, METHOD, &request.request_id), &request, async |tx| {
            commands::complete(tx, id, &who.id, &reason, self.deps.clock.now()).await?;
            Ok(wire::CompleteOrderResponse { order: Some(view(tx, id).await?) })
        })
        .await?;
        self.hub.poke(&[id]);
        Ok(done.into_response())
    }

    async fn get_order_timeline(
        &self,
        request: Request<wire::GetOrderTimelineRequest>,
    ) -> Result<Response<wire::GetOrderTimelineResponse>, Status> {
        let request = request.into_inner();
        let page = Page::<i64>::parse(&request.page).map_err(status::invalid)?;
        let mut check = Check::new();
        let id = check.uuid("order_id", &request.order_id);
        check.done().map_err(status::invalid)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let known = queries::timeline(&mut conn, id, page.after.unwrap_or(0), page.limit() + 1)
            .await
            .map_err(status::from_sqlx)?;
        let (_, rows) = known.ok_or_else(|| Error::not_found("order", id))?;
        let (rows, info) = page.finish(rows, |row| row.id);
        let entries = rows.into_iter().map(convert::entry).collect();
        Ok(Response::new(wire::GetOrderTimelineResponse { entries, page: Some(info) }))
    }

    async fn watch_order(
        &self,
        request: Request<wire::WatchOrderRequest>,
    ) -> Result<Response<Self::WatchOrderStream>, Status> {
        watch::watch(&self.deps, &self.hub, request.get_ref()).await.map(Response::new)
    }
}

/// A moment out of a page token.
fn moment(seconds: i64, micros: i64) -> Result<OffsetDateTime, Error> {
    OffsetDateTime::from_unix_timestamp(seconds)
        .ok()
        .filter(|_| (0..1_000_000).contains(&micros))
        .and_then(|at| at.checked_add(time::Duration::microseconds(micros)))
        .ok_or_else(|| Error::invalid("page.page_token", "is not a token of this list"))
}
