//! What a payment does to an order.

use rust_decimal::Decimal;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::life::domain::{Cause, Fact, Machine, Order, Refused};

/// Money that moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPayment {
    /// Its id.
    pub id: Uuid,
    /// When the money moved.
    pub paid_at: OffsetDateTime,
    /// Method.
    pub method: String,
    /// Amount, above zero.
    pub amount: Decimal,
    /// It went back to the buyer.
    pub refund: bool,
}

/// Applies a payment or refund: sums, payment machine, completion.
///
/// # Errors
/// [`Refused::RefundExceedsPaid`].
pub fn pay(order: &mut Order, payment: &NewPayment, cause: &Cause) -> Result<(), Refused> {
    let amount = if payment.refund {
        let left = order.paid - order.refunded;
        if payment.amount > left {
            return Err(Refused::RefundExceedsPaid { left });
        }
        order.refunded += payment.amount;
        -payment.amount
    } else {
        order.paid += payment.amount;
        payment.amount
    };
    let before = order.payment_state;
    order.settle_payment(cause);
    if order.payment_state == before {
        order.note(cause);
    }
    let fact = Fact::Paid {
        paid_at: payment.paid_at,
        payment_id: payment.id,
        method: payment.method.clone(),
        amount,
        paid_total: order.paid - order.refunded,
        state: order.payment_state.code(),
    };
    order.tell(cause.at, fact);
    order.complete_if_done(cause);
    Ok(())
}
