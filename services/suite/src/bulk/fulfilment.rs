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
    /// Shipments that left.
    pub shipments: Vec<String>,
    /// True when they had left before this call.
    pub duplicate: bool,
    /// True when nothing is open any more.
    pub complete: bool,
    /// Why nothing left; empty when something did.
    pub refusal: String,
}

/// Ships what the orders hold, at the end of the day they were placed, or of the last of `days` days when the warehouse
/// collects over several (never in the future). Orders come in the order they were placed.
pub async fn ship(
    api: &Api,
    orders: &[(String, OffsetDateTime)],
    days: i64,
    now: OffsetDateTime,
    progress: &mut Progress,
) -> anyhow::Result<Vec<Left>> {
    let mut answers = futures::stream::iter(collect(orders, days))
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
        let duplicate = answer.duplicate;
        left.extend(answer.results.into_iter().map(|result| Left {
            duplicate,
            order_id: result.order_id,
            shipments: result.shipment_ids,
            complete: result.r#final,
            refusal: result.refusal,
        }));
    }
    Ok(left)
}

/// Cuts orders into batches of `days` days and at most 500, each with the end of its last day.
fn collect(orders: &[(String, OffsetDateTime)], days: i64) -> Vec<(OffsetDateTime, Vec<String>)> {
    let mut batches: Vec<(OffsetDateTime, Vec<String>)> = Vec::new();
    let mut until = OffsetDateTime::UNIX_EPOCH;
    for (order_id, placed_at) in orders {
        match batches.last_mut() {
            Some((end, ids)) if *placed_at < until && ids.len() < BATCH => {
                *end = end_of_day(*placed_at).max(*end);
                ids.push(order_id.clone());
            }
            _ => {
                until = end_of_day(*placed_at) + Duration::days(days - 1);
                batches.push((end_of_day(*placed_at), vec![order_id.clone()]));
            }
        }
    }
    batches
}

/// Delivers shipments a day after they were shipped (never in the future).
pub async fn deliver(
    api: &Api,
    shipments: &[(String, OffsetDateTime)],
    days: i64,
    now: OffsetDateTime,
    progress: &mut Progress,
) -> anyhow::Result<()> {
    let mut answers = futures::stream::iter(collect(shipments, days))
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
        ..FailShipmentRequest::default()
    };
    let _: FailShipmentResponse = api.call("shopfloor.erp.v1.FulfilmentService/FailShipment", &request).await?;
    Ok(())
}

/// Cancels what is left of an order; `at` is when the buyer called it off.
pub async fn cancel(api: &Api, order_id: &str, reason: &str, at: OffsetDateTime) -> anyhow::Result<()> {
    let request = CancelOrderRequest {
        order_id: order_id.to_owned(),
        request_id: content_id("cancel", [order_id]),
        reason: reason.to_owned(),
        cancelled_at: Some(proto::to_timestamp(at)),
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
    /// True for a return, false for a cancellation.
    pub shipped: bool,
    /// When the buyer called it off, or the goods came back.
    pub at: OffsetDateTime,
}

/// What was taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TakenBack {
    /// What it was worth.
    pub amount: Decimal,
    /// True when it had been taken back before this call.
    pub duplicate: bool,
}

impl TakeBack {
    /// Carries it out; a refusal comes back as its text.
    pub async fn run(&self, api: &Api) -> anyhow::Result<Result<TakenBack, String>> {
        let lines = self
            .lines
            .iter()
            .map(|(line_no, quantity)| {
                anyhow::Ok(LinePart {
                    line_no: i32::try_from(*line_no)?,
                    quantity: Some(pieces(*quantity)),
                    amount: None,
                })
            })
            .collect::<Result<_, _>>()?;
        let (order_id, request_id, reason) = (self.order_id.clone(), self.request_id.clone(), self.reason.to_owned());
        let at = Some(proto::to_timestamp(self.at));
        let changes = if self.shipped {
            let request = RecordReturnRequest { order_id, request_id, lines, reason, outcome: 0, returned_at: at };
            let answer: anyhow::Result<RecordReturnResponse> =
                api.call("shopfloor.orders.v1.ReturnService/RecordReturn", &request).await;
            answer.map(|a| (a.order_return.unwrap_or_default().lines, a.duplicate))
        } else {
            let request = CancelOrderLinesRequest { order_id, request_id, reason, lines, cancelled_at: at };
            let answer: anyhow::Result<CancelOrderLinesResponse> =
                api.call("shopfloor.orders.v1.OrderService/CancelOrderLines", &request).await;
            answer.map(|a| (a.cancelled, a.duplicate))
        };
        match changes {
            Ok((changes, duplicate)) => {
                let amounts = changes.iter().filter_map(|c| c.amount.as_ref()).map(|m| m.amount.parse::<Decimal>());
                Ok(Ok(TakenBack { amount: amounts.sum::<Result<Decimal, _>>()?, duplicate }))
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
    fn orders_are_collected_by_days() {
        let orders = [
            ("a".to_owned(), datetime!(2011-01-01 08:00 UTC)),
            ("b".to_owned(), datetime!(2011-01-01 20:00 UTC)),
            ("c".to_owned(), datetime!(2011-01-02 00:00 UTC)),
            ("d".to_owned(), datetime!(2011-01-04 00:00 UTC)),
        ];
        let batches = |days| {
            let batches = collect(&orders, days).into_iter();
            batches.map(|(end, ids)| (end.date().day(), ids.concat())).collect::<Vec<_>>()
        };
        assert_eq!(batches(1), [(2, "ab".to_owned()), (3, "c".to_owned()), (5, "d".to_owned())]);
        assert_eq!(batches(2), [(3, "abc".to_owned()), (5, "d".to_owned())]);
    }
}
