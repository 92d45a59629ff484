#![doc = "Money that came in for orders and went back, several requests in flight."]

use futures::{StreamExt as _, TryStreamExt as _};
use proto::orders::v1::{RecordPaymentRequest, RecordPaymentResponse, RecordRefundRequest, RecordRefundResponse};
use rust_decimal::Decimal;
use time::OffsetDateTime;

use super::{content_id, money};
use crate::client::api::Api;
use crate::say::Progress;

/// Payments on their way at once: each is a transaction of its own that waits for the disk, and many share one wait.
const IN_FLIGHT: usize = 16;

/// Money to record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movement {
    /// Order id.
    pub order_id: String,
    /// What sets it apart from the order's other movements.
    pub purpose: &'static str,
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

/// Records payments and refunds; the same again changes nothing. Returns how many there were.
pub async fn record(
    api: &Api,
    currency: &str,
    movements: impl IntoIterator<Item = Movement>,
    progress: &mut Progress,
) -> anyhow::Result<u64> {
    let mut answers =
        futures::stream::iter(movements).map(|movement| one(api, currency, movement)).buffer_unordered(IN_FLIGHT);
    let mut count = 0;
    while let Some(()) = answers.try_next().await? {
        count += 1;
        progress.add(1)?;
    }
    Ok(count)
}

async fn one(api: &Api, currency: &str, movement: Movement) -> anyhow::Result<()> {
    let Movement { order_id, purpose, method, amount, at, provider: (provider, provider_payment_id), refund } =
        movement;
    let request_id = content_id(purpose, [order_id.as_str()]);
    let (method, provider) = (method.to_owned(), provider.to_owned());
    let (amount, paid_at) = (Some(money(currency, amount)), Some(proto::to_timestamp(at)));
    if refund.is_empty() {
        let request =
            RecordPaymentRequest { order_id, request_id, method, amount, provider, provider_payment_id, paid_at };
        let _: RecordPaymentResponse = api.call("shopfloor.orders.v1.PaymentService/RecordPayment", &request).await?;
    } else {
        let reason = refund.to_owned();
        let request = RecordRefundRequest {
            order_id,
            request_id,
            method,
            amount,
            provider,
            provider_payment_id,
            paid_at,
            reason,
        };
        let _: RecordRefundResponse = api.call("shopfloor.orders.v1.PaymentService/RecordRefund", &request).await?;
    }
    Ok(())
}
