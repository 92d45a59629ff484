//! Recording payments and refunds.

use sqlx::PgConnection;
use time::OffsetDateTime;
use types::{Currency, Money};
use uuid::Uuid;

use super::{
    domain::{NewPayment, pay},
    store::{self, PaymentRow},
};
use crate::{
    error::Error,
    life::{
        self,
        domain::{Machine, Refused},
    },
};

/// A payment or refund as asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Which order.
    pub order_id: Uuid,
    /// Id of the payment, should it be new.
    pub payment_id: Uuid,
    /// Method.
    pub method: String,
    /// Above zero.
    pub amount: Money,
    /// It goes back to the buyer.
    pub refund: bool,
    /// Provider.
    pub provider: String,
    /// The provider's id.
    pub provider_payment_id: String,
    /// Why, for a refund.
    pub reason: String,
    /// When the money moved.
    pub paid_at: OffsetDateTime,
}

/// A payment as stored.
pub(super) struct Recorded {
    pub(super) row: PaymentRow,
    pub(super) currency: Currency,
    pub(super) duplicate: bool,
}

/// Records a payment or refund once.
///
/// # Errors
/// Unknown order, other currency, refund above what was paid, provider's id known with other content; database errors.
pub(super) async fn record(
    conn: &mut PgConnection,
    asked: &Asked,
    who: &str,
    now: OffsetDateTime,
) -> Result<Recorded, Error> {
    let has_provider_id = !asked.provider_payment_id.is_empty();
    if has_provider_id {
        store::claim_provider_id(conn, &asked.provider, &asked.provider_payment_id).await?;
    }
    let mut order = life::commands::lock(conn, asked.order_id).await?;
    if asked.amount.currency != order.currency {
        return Err(Refused::OtherCurrency(order.currency).into());
    }
    let currency = order.currency;
    let amount = asked.amount.rounded().amount;
    let signed = if asked.refund { -amount } else { amount };
    if has_provider_id
        && let Some(row) = store::by_provider_id(conn, &asked.provider, &asked.provider_payment_id).await?
    {
        if (row.order_id, row.amount, row.method.as_str()) != (asked.order_id, signed, asked.method.as_str()) {
            let message = format!("{} knows {} with other content", asked.provider, asked.provider_payment_id);
            return Err(Error::Conflict { reason: "PROVIDER_PAYMENT_CONFLICT", message });
        }
        return Ok(Recorded { row, currency, duplicate: true });
    }
    let code = if asked.refund { "refund_recorded" } else { "payment_recorded" };
    let mut cause = life::commands::cause(code, who, &asked.reason, now);
    cause.params.insert("amount", Money::new(amount, currency).to_string());
    cause.params.insert("method", asked.method.clone());
    let payment = NewPayment {
        id: asked.payment_id,
        paid_at: asked.paid_at,
        method: asked.method.clone(),
        amount,
        refund: asked.refund,
    };
    pay(&mut order, &payment, &cause)?;
    let row = PaymentRow {
        id: asked.payment_id,
        order_id: asked.order_id,
        method: asked.method.clone(),
        amount: signed,
        provider: asked.provider.clone(),
        provider_payment_id: asked.provider_payment_id.clone(),
        reason: asked.reason.clone(),
        paid_at: asked.paid_at,
        recorded_by: who.to_owned(),
        paid_total: order.paid - order.refunded,
        payment_state: order.payment_state.code().to_owned(),
    };
    store::insert(conn, &row, now).await?;
    life::store::save(conn, &mut [order]).await?;
    Ok(Recorded { row, currency, duplicate: false })
}
