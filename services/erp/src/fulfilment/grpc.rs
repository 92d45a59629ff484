//! The RPCs of fulfilment.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use proto::erp::v1::{
    ConfirmPickRequest, ConfirmPickResponse, DeliverShipmentRequest, DeliverShipmentResponse, DeliverShipmentResult,
    DeliverShipmentsRequest, DeliverShipmentsResponse, DismantleShipmentRequest, DismantleShipmentResponse,
    FailShipmentRequest, FailShipmentResponse, GetShipmentRequest, GetShipmentResponse, ListFulfilmentQueueRequest,
    ListFulfilmentQueueResponse, ListShipmentsRequest, ListShipmentsResponse, PackShipmentRequest,
    PackShipmentResponse, ShipOrderResult, ShipOrdersRequest, ShipOrdersResponse, ShipShipmentRequest,
    ShipShipmentResponse, Shipment, StartPickingRequest, StartPickingResponse,
    fulfilment_service_server::FulfilmentService,
};
use service::{Check, Deps, idempotency, page::Page, status};
use sqlx::PgConnection;
use time::OffsetDateTime;
use tonic::{Request, Response, Status};
use types::Currency;
use uuid::Uuid;

use super::{
    commands, convert,
    convert::Queue,
    convert_comeback, convert_parcels, queries,
    queries_queue::{self, Filter, Key, QueueView},
};
use crate::{
    config::{Rules, Stamp},
    error::Error,
    ledger::convert::money,
};

/// Serves `FulfilmentService`.
pub(crate) struct Api {
    pub(crate) deps: Deps,
    pub(crate) rules: Arc<Rules>,
}

impl Api {
    fn stamp<'a>(&'a self, by: &'a str) -> Stamp<'a> {
        Stamp { now: self.deps.clock.now(), by, rules: &self.rules }
    }

    async fn read(&self, conn: &mut PgConnection, id: Uuid) -> Result<Shipment, Status> {
        read(conn, id, self.rules.currency).await
    }
}

/// A shipment in wire form.
pub(crate) async fn read(conn: &mut PgConnection, id: Uuid, currency: Currency) -> Result<Shipment, Status> {
    let found = read_all(conn, Some(id), None, currency).await.map_err(status::from_sqlx)?.pop();
    found.ok_or_else(|| status::not_found("shipment", id))
}

/// One shipment, or an order's, with all that belongs to them.
async fn read_all(
    conn: &mut PgConnection,
    id: Option<Uuid>,
    order: Option<Uuid>,
    currency: Currency,
) -> sqlx::Result<Vec<Shipment>> {
    let (heads, lines) = queries::shipments(conn, id, order).await?;
    let ids: Vec<_> = heads.iter().map(|head| head.id).collect();
    let parcels = queries::parcels(conn, &ids).await?;
    let comebacks = queries::comebacks(conn, &ids).await?;
    let whole = |head: queries::ShipmentView| {
        let id = head.id;
        let of_it: Vec<_> = parcels.iter().filter(|row| row.shipment_id == id).cloned().collect();
        let back = comebacks.iter().filter(|row| row.shipment_id == id);
        Shipment {
            parcels: convert_parcels::parcels(&of_it),
            came_back: back.map(|row| convert_comeback::piece(row, currency)).collect(),
            ..convert::shipment(head, &lines, currency)
        }
    };
    Ok(heads.into_iter().map(whole).collect())
}

/// A filter, if there is one.
fn given(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// Reads a list of ids, each once.
fn ids(check: &mut Check, field: &str, texts: &[String]) -> Vec<Uuid> {
    check.len(field, texts.len(), 1..=500);
    let ids: Vec<_> =
        texts.iter().take(500).enumerate().map(|(n, text)| check.uuid(&format!("{field}[{n}]"), text)).collect();
    let distinct: HashSet<_> = ids.iter().collect();
    check.require(distinct.len() == ids.len(), field, "must name each once");
    ids
}

/// Reads a moment that must not lie in the future.
fn past(
    check: &mut Check,
    field: &str,
    value: &Option<prost_types::Timestamp>,
    now: OffsetDateTime,
) -> Option<OffsetDateTime> {
    let at = check.optional_timestamp(field, value);
    check.require(at.is_none_or(|at| at <= now), field, "must not lie in the future");
    at
}

#[tonic::async_trait]
impl FulfilmentService for Api {
    async fn start_picking(
        &self,
        request: Request<StartPickingRequest>,
    ) -> Result<Response<StartPickingResponse>, Status> {
        const METHOD: &str = "StartPicking";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        let order = check.uuid("order_id", &request.order_id);
        check.len("lines", request.lines.len(), 0..=1000);
        let mut parts = BTreeMap::new();
        for (index, line) in request.lines.iter().take(1000).enumerate() {
            let quantity = check.positive_quantity(&format!("lines[{index}].quantity"), &line.quantity);
            let again = parts.insert(line.line_no, (quantity.value, quantity.unit.code().to_owned())).is_some();
            check.require(!again, format!("lines[{index}].line_no"), "is named twice");
        }
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            let id = commands::start_picking(tx, order, &parts, &self.stamp(&caller.id)).await?;
            Ok(StartPickingResponse { shipment: Some(self.read(tx, id).await?) })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn confirm_pick(
        &self,
        request: Request<ConfirmPickRequest>,
    ) -> Result<Response<ConfirmPickResponse>, Status> {
        const METHOD: &str = "ConfirmPick";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        let id = check.uuid("shipment_id", &request.shipment_id);
        check.len("lines", request.lines.len(), 0..=1000);
        let lines = request.lines.iter().take(1000).enumerate();
        let found: Vec<_> = lines.map(|(index, line)| convert::found(&mut check, index, line)).collect();
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            commands::confirm_pick(tx, id, &found, &self.stamp(&caller.id)).await?;
            Ok(ConfirmPickResponse { shipment: Some(self.read(tx, id).await?) })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn pack_shipment(
        &self,
        request: Request<PackShipmentRequest>,
    ) -> Result<Response<PackShipmentResponse>, Status> {
        const METHOD: &str = "PackShipment";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        let id = check.uuid("shipment_id", &request.shipment_id);
        let packing = convert_parcels::packing(&mut check, &request);
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            commands::pack(tx, id, &packing, &self.stamp(&caller.id)).await?;
            Ok(PackShipmentResponse { shipment: Some(self.read(tx, id).await?) })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn ship_shipment(
        &self,
        request: Request<ShipShipmentRequest>,
    ) -> Result<Response<ShipShipmentResponse>, Status> {
        const METHOD: &str = "ShipShipment";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        let id = check.uuid("shipment_id", &request.shipment_id);
        let carrier = check.optional_text("carrier", &request.carrier, 64);
        let tracking = check.optional_text("tracking_number", &request.tracking_number, 64);
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            commands::ship(tx, id, &carrier, &tracking, &self.stamp(&caller.id)).await?;
            Ok(ShipShipmentResponse { shipment: Some(self.read(tx, id).await?) })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn deliver_shipment(
        &self,
        request: Request<DeliverShipmentRequest>,
    ) -> Result<Response<DeliverShipmentResponse>, Status> {
        const METHOD: &str = "DeliverShipment";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        let id = check.uuid("shipment_id", &request.shipment_id);
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            let results = commands::deliver(tx, &[id], None, &self.stamp(&caller.id)).await?;
            if let Some(refusal) = results.into_iter().find_map(|result| result.refusal) {
                return Err(refusal.into());
            }
            Ok(DeliverShipmentResponse { shipment: Some(self.read(tx, id).await?) })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn fail_shipment(
        &self,
        request: Request<FailShipmentRequest>,
    ) -> Result<Response<FailShipmentResponse>, Status> {
        const METHOD: &str = "FailShipment";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let stamp = self.stamp(&caller.id);
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        let id = check.uuid("shipment_id", &request.shipment_id);
        let reason = convert::failure(&mut check, request.reason());
        let at = past(&mut check, "failed_at", &request.failed_at, stamp.now);
        check.len("lines", request.lines.len(), 0..=1000);
        let lines = request.lines.iter().take(1000).enumerate();
        let lines: Vec<_> = lines.map(|(index, piece)| convert_comeback::came_back(&mut check, index, piece)).collect();
        let rest_delivered = request.rest_delivered;
        check.require(!rest_delivered || !lines.is_empty(), "rest_delivered", "needs lines that say what came back");
        let comeback = commands::Comeback { reason, at, lines, rest_delivered };
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            commands::fail(tx, id, &comeback, &stamp).await?;
            Ok(FailShipmentResponse { shipment: Some(self.read(tx, id).await?) })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn ship_orders(&self, request: Request<ShipOrdersRequest>) -> Result<Response<ShipOrdersResponse>, Status> {
        const METHOD: &str = "ShipOrders";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let stamp = self.stamp(&caller.id);
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        let orders = ids(&mut check, "order_ids", &request.order_ids);
        let at = past(&mut check, "shipped_at", &request.shipped_at, stamp.now);
        let carrier = check.optional_text("carrier", &request.carrier, 64);
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            let results = commands::ship_orders(tx, &orders, at, &carrier, &stamp).await?;
            let result = |result: super::domain::ShipResult| ShipOrderResult {
                order_id: result.order.to_string(),
                shipment_ids: result.shipments.iter().map(Uuid::to_string).collect(),
                r#final: result.is_final,
                refusal: result.refusal.to_owned(),
                cost: Some(money(result.cost, self.rules.currency)),
            };
            Ok(ShipOrdersResponse { results: results.into_iter().map(result).collect(), duplicate: false })
        })
        .await?;
        Ok(Response::new(ShipOrdersResponse { duplicate: done.repeated, ..done.answer }))
    }

    async fn deliver_shipments(
        &self,
        request: Request<DeliverShipmentsRequest>,
    ) -> Result<Response<DeliverShipmentsResponse>, Status> {
        const METHOD: &str = "DeliverShipments";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let stamp = self.stamp(&caller.id);
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        let shipments = ids(&mut check, "shipment_ids", &request.shipment_ids);
        let at = past(&mut check, "delivered_at", &request.delivered_at, stamp.now);
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            let results = commands::deliver(tx, &shipments, at, &stamp).await?;
            let result = |result: commands::Delivered| DeliverShipmentResult {
                shipment_id: result.id.to_string(),
                delivered: result.refusal.is_none(),
                refusal: match result.refusal {
                    None => "",
                    Some(Error::NotFound(..)) => "UNKNOWN_SHIPMENT",
                    Some(Error::TimeOrder(_)) => "TIME_BEFORE_SHIPMENT",
                    Some(_) => "SHIPMENT_STATE",
                }
                .to_owned(),
            };
            Ok(DeliverShipmentsResponse { results: results.into_iter().map(result).collect() })
        })
        .await?;
        Ok(done.into_response())
    }

    async fn get_shipment(
        &self,
        request: Request<GetShipmentRequest>,
    ) -> Result<Response<GetShipmentResponse>, Status> {
        let mut check = Check::default();
        let id = check.uuid("shipment_id", &request.into_inner().shipment_id);
        check.done().map_err(status::invalid)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        Ok(Response::new(GetShipmentResponse { shipment: Some(self.read(&mut conn, id).await?) }))
    }

    async fn list_shipments(
        &self,
        request: Request<ListShipmentsRequest>,
    ) -> Result<Response<ListShipmentsResponse>, Status> {
        let mut check = Check::default();
        let order = check.uuid("order_id", &request.into_inner().order_id);
        check.done().map_err(status::invalid)?;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let shipments = read_all(&mut conn, None, Some(order), self.rules.currency).await.map_err(status::from_sqlx)?;
        Ok(Response::new(ListShipmentsResponse { shipments }))
    }

    async fn list_fulfilment_queue(
        &self,
        request: Request<ListFulfilmentQueueRequest>,
    ) -> Result<Response<ListFulfilmentQueueResponse>, Status> {
        let request = request.into_inner();
        let page = Page::<Key>::parse(&request.page).map_err(status::invalid)?;
        let mut check = Check::default();
        let queue = convert::queue(&mut check, request.queue());
        let leaves_before = check.optional_timestamp("leaves_before", &request.leaves_before);
        check.done().map_err(status::invalid)?;
        let filter = Filter {
            region: given(&request.region),
            delivery_method: given(&request.delivery_method),
            warehouse: given(&request.warehouse),
            leaves_before,
            complete_only: request.complete_only,
            zone: &self.rules.zone,
        };
        let limit = page.limit() + 1;
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let rows = match queue {
            Queue::ToPick => queries_queue::to_pick(&mut conn, &filter, None, page.after, limit).await,
            Queue::Shipments(states, at_counter) => {
                queries_queue::in_states(&mut conn, &filter, (states, at_counter), page.after, limit).await
            }
            Queue::ToDismantle => queries_queue::to_dismantle(&mut conn, &filter, page.after, limit).await,
        };
        let (rows, page) = page.finish(rows.map_err(status::from_sqlx)?, QueueView::key);
        let entries = rows.into_iter().map(convert::queue_entry).collect();
        Ok(Response::new(ListFulfilmentQueueResponse { entries, page: Some(page) }))
    }

    async fn dismantle_shipment(
        &self,
        request: Request<DismantleShipmentRequest>,
    ) -> Result<Response<DismantleShipmentResponse>, Status> {
        const METHOD: &str = "DismantleShipment";
        let caller = service::caller(&request)?;
        let request = request.into_inner();
        let mut check = Check::default();
        let request_id = check.request_id(&request.request_id);
        let id = check.uuid("shipment_id", &request.shipment_id);
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            commands::dismantle(tx, id, &self.stamp(&caller.id)).await?;
            Ok(DismantleShipmentResponse { shipment: Some(self.read(tx, id).await?) })
        })
        .await?;
        Ok(done.into_response())
    }
}
