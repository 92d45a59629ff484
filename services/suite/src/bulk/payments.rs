#![doc = "Money that came in for orders and went back, in registers, several on their way at once."]

use anyhow::bail;
use futures::{StreamExt as _, TryStreamExt as _};
use proto::orders::v1::payment_result::Outcome;
use proto::orders::v1::{PaymentEntry, RecordPaymentsRequest, RecordPaymentsResponse};
use rust_decimal::Decimal;
use time::OffsetDateTime;

use super::{IN_FLIGHT, content_id, money};
use crate::client::api::Api;
use crate::say::Progress;

const ENTRIES: usize = 500;

/// Money to record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movement {
    /// Order id.
    pub order_id: String,
    /// Payment method code.
    pub method: &'static str,
    /// How much, above zero.
    pub amount: Decimal,
    /// When the money moved.
    pub at: OffsetDateTime,
    /// Payment provider and its id of the payment; both empty when nobody stands between.
    pub provider: (&'static str, String),
    /// Why money goes back; empty for a payment.
    pub refund: &'static str,
}

/// Records payments and refunds, each of another order; the same again changes nothing. Returns how many there were.
pub async fn record(
    api: &Api,
    currency: &str,
    movements: Vec<Movement>,
    progress: &mut Progress,
) -> anyhow::Result<u64> {
    let registers: Vec<_> = movements.chunks(ENTRIES).map(|register| request(currency, register)).collect();
    let mut answers = futures::stream::iter(registers)
        .map(|register| async move {
            let answer: RecordPaymentsResponse =
                api.call("shopfloor.orders.v1.PaymentService/RecordPayments", &register).await?;
            anyhow::Ok(answer.results)
        })
        .buffer_unordered(IN_FLIGHT);
    let mut count = 0;
    while let Some(results) = answers.try_next().await? {
        progress.add(results.len() as u64)?;
        for result in results {
            match result.outcome {
                Some(Outcome::Recorded(_)) => count += 1,
                Some(Outcome::Refused(why)) => {
                    bail!("money of order {} was refused: {} {}", result.order_id, why.reason, why.message)
                }
                None => bail!("money of order {} has no result", result.order_id),
            }
        }
    }
    Ok(count)
}

fn request(currency: &str, register: &[Movement]) -> RecordPaymentsRequest {
    let entry = |movement: &Movement| PaymentEntry {
        order_id: movement.order_id.clone(),
        method: movement.method.to_owned(),
        amount: Some(money(currency, movement.amount)),
        refund: !movement.refund.is_empty(),
        provider: movement.provider.0.to_owned(),
        provider_payment_id: movement.provider.1.clone(),
        paid_at: Some(proto::to_timestamp(movement.at)),
        reason: movement.refund.to_owned(),
    };
    let content: Vec<_> =
        register.iter().map(|one| format!("{} {} {}", one.order_id, one.amount, one.refund)).collect();
    RecordPaymentsRequest {
        request_id: content_id("register", content.iter().map(String::as_str)),
        entries: register.iter().map(entry).collect(),
    }
}
