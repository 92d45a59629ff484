//! The RPCs of fulfilment.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use proto::erp::v1::{
    ConfirmPickRequest, ConfirmPickResponse, DeliverShipmentRequest, DeliverShipmentResponse, DeliverShipmentResult,
    DeliverShipmentsRequest, DeliverShipmentsResponse, FailShipmentRequest, FailShipmentResponse, GetShipmentRequest,
    GetShipmentResponse, ListFulfilmentQueueRequest, ListFulfilmentQueueResponse, ListShipmentsRequest,
    ListShipmentsResponse, PackShipmentRequest, PackShipmentResponse, ShipOrderResult, ShipOrdersRequest,
    ShipOrdersResponse, ShipShipmentRequest, ShipShipmentResponse, Shipment, StartPickingRequest, StartPickingResponse,
    fulfilment_service_server::FulfilmentService,
};
use rust_decimal::Decimal;
use service::{Check, Deps, idempotency, page::Page, status};
use sqlx::PgConnection;
use time::OffsetDateTime;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{commands, convert, queries};
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
        let (mut heads, lines) = queries::shipments(conn, Some(id), None).await.map_err(status::from_sqlx)?;
        let head = heads.pop().ok_or_else(|| status::not_found("shipment", id))?;
        Ok(convert::shipment(head, &lines, self.rules.currency))
    }
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
        check.require((1..=1000).contains(&request.places), "places", "must be 1 to 1000");
        let weight = (!request.weight_grams.is_empty()).then(|| check.decimal("weight_grams", &request.weight_grams));
        check.require(weight.is_none_or(|grams| grams > Decimal::ZERO), "weight_grams", "must be above zero");
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            commands::pack(tx, id, request.places, weight, &self.stamp(&caller.id)).await?;
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
        check.done().map_err(status::invalid)?;
        let done = idempotency::once(&self.deps.db, (&caller.id, METHOD, &request_id), &request, async |tx| {
            commands::fail(tx, id, reason, at, &stamp).await?;
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
        let (heads, lines) = queries::shipments(&mut conn, None, Some(order)).await.map_err(status::from_sqlx)?;
        let shipments = heads.into_iter().map(|head| convert::shipment(head, &lines, self.rules.currency)).collect();
        Ok(Response::new(ListShipmentsResponse { shipments }))
    }

    async fn list_fulfilment_queue(
        &self,
        request: Request<ListFulfilmentQueueRequest>,
    ) -> Result<Response<ListFulfilmentQueueResponse>, Status> {
        let request = request.into_inner();
        let page = Page::<(OffsetDateTime, Uuid)>::parse(&request.page).map_err(status::invalid)?;
        let mut check = Check::default();
        let states = convert::queue_states(&mut check, request.queue());
        check.done().map_err(status::invalid)?;
        let region = (!request.region.is_empty()).then_some(request.region.as_str());
        let mut conn = self.deps.db.acquire().await.map_err(status::from_sqlx)?;
        let rows = if states.is_empty() {
            queries::to_pick(&mut conn, region, page.after, page.limit() + 1).await
        } else {
            queries::in_states(&mut conn, &states, region, page.after, page.limit() + 1).await
        };
        let rows = rows.map_err(status::from_sqlx)?;
        let (rows, page) = page.finish(rows, |row| (row.since, row.shipment_id.unwrap_or(row.order_id)));
        let entries = rows.into_iter().map(convert::queue_entry).collect();
        Ok(Response::new(ListFulfilmentQueueResponse { entries, page: Some(page) }))
    }
}
