#![doc = "Shipping and delivering in batches, cancelling and returning order by order."]

use futures::{StreamExt as _, TryStreamExt as _};
use proto::erp::v1::{
    DeliverShipmentsRequest, DeliverShipmentsResponse, FailShipmentRequest, FailShipmentResponse, FailureReason,
    ShipOrdersRequest, ShipOrdersResponse,
};
use proto::orders::v1::{
    CancelOrderLinesRequest, CancelOrderLinesResponse, CancelOrderRequest, CancelOrderResponse, LinePart,
    RecordReturnRequest, RecordReturnResponse,
};
use rust_decimal::Decimal;
use time::{Duration, OffsetDateTime};

use super::{IN_FLIGHT, content_id, end_of_day, pieces};
use crate::client::api::{Api, ApiError};
use crate::say::Progress;

const BATCH: usize = 500;

/// What left, by order.
#[derive(Debug, Clone)]
pub struct Left {
    /// Order id.
    pub order_id: String,
    /// Shipments that left now.
    pub shipments: Vec<String>,
    /// True when nothing is open any more.
    pub complete: bool,
    /// Why nothing left; empty when something did.
    pub refusal: String,
}

/// Ships what the orders hold, each at the end of the day it was placed (never in the future). Orders come in the
/// order they were placed.
pub async fn ship(
    api: &Api,
    orders: &[(String, OffsetDateTime)],
    now: OffsetDateTime,
    progress: &mut Progress,
) -> anyhow::Result<Vec<Left>> {
    let mut answers = futures::stream::iter(by_day(orders))
        .map(|(day, order_ids)| async move {
            let request = ShipOrdersRequest {
                request_id: content_id("ship", order_ids.iter().map(String::as_str)),
                shipped_at: Some(proto::to_timestamp(day.min(now))),
                carrier: String::new(),
                order_ids,
            };
            let answer: ShipOrdersResponse =
                api.call("shopfloor.erp.v1.FulfilmentService/ShipOrders", &request).await?;
            anyhow::Ok(answer)
        })
        .buffered(IN_FLIGHT);
    let mut left = Vec::with_capacity(orders.len());
    while let Some(answer) = answers.try_next().await? {
        progress.add(answer.results.len() as u64)?;
        left.extend(answer.results.into_iter().map(|result| Left {
            order_id: result.order_id,
            shipments: result.shipment_ids,
            complete: result.r#final,
            refusal: result.refusal,
        }));
    }
    Ok(left)
}

fn by_day(orders: &[(String, OffsetDateTime)]) -> Vec<(OffsetDateTime, Vec<String>)> {
    let mut days: Vec<(OffsetDateTime, Vec<String>)> = Vec::new();
    for (order_id, placed_at) in orders {
        let day = end_of_day(*placed_at);
        match days.last_mut() {
            Some((last, ids)) if *last == day && ids.len() < BATCH => ids.push(order_id.clone()),
            _ => days.push((day, vec![order_id.clone()])),
        }
    }
    days
}

/// Delivers shipments two days after their orders were placed (never in the future).
pub async fn deliver(
    api: &Api,
    shipments: &[(String, OffsetDateTime)],
    now: OffsetDateTime,
    progress: &mut Progress,
) -> anyhow::Result<()> {
    let mut answers = futures::stream::iter(by_day(shipments))
        .map(|(day, shipment_ids)| async move {
            let request = DeliverShipmentsRequest {
                request_id: content_id("deliver", shipment_ids.iter().map(String::as_str)),
                delivered_at: Some(proto::to_timestamp((day + Duration::DAY).min(now))),
                shipment_ids,
            };
            let answer: DeliverShipmentsResponse =
                api.call("shopfloor.erp.v1.FulfilmentService/DeliverShipments", &request).await?;
            anyhow::Ok(answer.results.len())
        })
        .buffer_unordered(IN_FLIGHT);
    while let Some(count) = answers.try_next().await? {
        progress.add(count as u64)?;
    }
    Ok(())
}

/// Marks a shipment as refused at the door.
pub async fn refuse(api: &Api, shipment_id: &str) -> anyhow::Result<()> {
    let request = FailShipmentRequest {
        request_id: content_id("refuse", [shipment_id]),
        shipment_id: shipment_id.to_owned(),
        reason: FailureReason::Refused.into(),
        failed_at: None,
    };
    let _: FailShipmentResponse = api.call("shopfloor.erp.v1.FulfilmentService/FailShipment", &request).await?;
    Ok(())
}

/// Cancels what is left of an order.
pub async fn cancel(api: &Api, order_id: &str, reason: &str) -> anyhow::Result<()> {
    let request = CancelOrderRequest {
        order_id: order_id.to_owned(),
        request_id: content_id("cancel", [order_id]),
        reason: reason.to_owned(),
    };
    let _: CancelOrderResponse = api.call("shopfloor.orders.v1.OrderService/CancelOrder", &request).await?;
    Ok(())
}

/// Takes part of an order back: a cancellation before shipping, a return afterwards.
#[derive(Debug, Clone)]
pub struct TakeBack {
    /// Idempotency key.
    pub request_id: String,
    /// Order id.
    pub order_id: String,
    /// Line numbers and pieces.
    pub lines: Vec<(u32, i64)>,
    /// Reason code.
    pub reason: &'static str,
    /// For a return: when the goods came back.
    pub returned_at: Option<OffsetDateTime>,
}

impl TakeBack {
    /// Carries it out and returns the amount it was worth; a refusal comes back as its text.
    pub async fn run(&self, api: &Api) -> anyhow::Result<Result<Decimal, String>> {
        let lines = self
            .lines
            .iter()
            .map(|(line_no, quantity)| {
                anyhow::Ok(LinePart { line_no: i32::try_from(*line_no)?, quantity: Some(pieces(*quantity)), amount: None })
            })
            .collect::<Result<_, _>>()?;
        let (order_id, request_id, reason) = (self.order_id.clone(), self.request_id.clone(), self.reason.to_owned());
        let changes = if let Some(at) = self.returned_at {
            let returned_at = Some(proto::to_timestamp(at));
            let request = RecordReturnRequest { order_id, request_id, lines, reason, outcome: 0, returned_at };
            let answer: anyhow::Result<RecordReturnResponse> =
                api.call("shopfloor.orders.v1.ReturnService/RecordReturn", &request).await;
            answer.map(|a| a.order_return.unwrap_or_default().lines)
        } else {
            let request = CancelOrderLinesRequest { order_id, request_id, reason, lines };
            let answer: anyhow::Result<CancelOrderLinesResponse> =
                api.call("shopfloor.orders.v1.OrderService/CancelOrderLines", &request).await;
            answer.map(|a| a.cancelled)
        };
        match changes {
            Ok(changes) => {
                let amounts = changes.iter().filter_map(|c| c.amount.as_ref()).map(|m| m.amount.parse::<Decimal>());
                Ok(Ok(amounts.sum::<Result<Decimal, _>>()?))
            }
            Err(error) => match error.downcast_ref::<ApiError>() {
                Some(refusal) if (400..500).contains(&refusal.status) => Ok(Err(refusal.to_string())),
                _ => Err(error),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn orders_are_grouped_by_day() {
        let order = |id: &str, at| (id.to_owned(), at);
        let days = by_day(&[
            order("a", datetime!(2011-01-01 08:00 UTC)),
            order("b", datetime!(2011-01-01 20:00 UTC)),
            order("c", datetime!(2011-01-02 00:00 UTC)),
        ]);
        assert_eq!(
            days,
            [
                (datetime!(2011-01-02 00:00 UTC), vec!["a".to_owned(), "b".to_owned()]),
                (datetime!(2011-01-03 00:00 UTC), vec!["c".to_owned()])
            ]
        );
    }
}
