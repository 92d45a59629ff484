//! Recording payments and refunds.

use std::collections::{BTreeMap, HashMap};

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
        domain::{Machine, Order, Refused},
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

/// Records payments and refunds, each once, in their sequence. Those a rule refuses change nothing: unknown order, other
/// currency, refund above what was paid, provider's id known with other content.
///
/// # Errors
/// Database errors.
pub(super) async fn record(
    conn: &mut PgConnection,
    asked: &[Asked],
    who: &str,
    now: OffsetDateTime,
) -> Result<Vec<Result<Recorded, Error>>, Error> {
    let named = asked.iter().filter(|one| !one.provider_payment_id.is_empty());
    let named: Vec<_> = named.map(|one| (one.provider.as_str(), one.provider_payment_id.as_str())).collect();
    let mut ids: Vec<Uuid> = asked.iter().map(|one| one.order_id).collect();
    ids.sort_unstable();
    ids.dedup();
    if !named.is_empty() {
        store::claim_provider_ids(conn, &named).await?;
    }
    let orders = life::store::lock(conn, &ids).await?;
    let mut orders: BTreeMap<Uuid, Order> = orders.into_iter().map(|order| (order.id, order)).collect();
    let rows = if named.is_empty() { Vec::new() } else { store::by_provider_ids(conn, &named).await? };
    let mut known: HashMap<_, _> = rows.into_iter().map(|row| (provider_id(&row), row)).collect();
    let mut results = Vec::with_capacity(asked.len());
    for one in asked {
        let recorded = decide(&mut orders, &known, one, who, now);
        if let Ok(Recorded { row, duplicate: false, .. }) = &recorded
            && !row.provider_payment_id.is_empty()
        {
            known.insert(provider_id(row), row.clone());
        }
        results.push(recorded);
    }
    let new = results.iter().flatten().filter(|recorded| !recorded.duplicate);
    let new: Vec<_> = new.map(|recorded| recorded.row.clone()).collect();
    if !new.is_empty() {
        store::insert(conn, &new, now).await?;
        orders.retain(|id, _| new.iter().any(|row| row.order_id == *id));
        life::store::save(conn, &mut orders.into_values().collect::<Vec<_>>()).await?;
    }
    Ok(results)
}

fn provider_id(row: &PaymentRow) -> (String, String) {
    (row.provider.clone(), row.provider_payment_id.clone())
}

/// What one payment or refund does to its order.
fn decide(
    orders: &mut BTreeMap<Uuid, Order>,
    known: &HashMap<(String, String), PaymentRow>,
    asked: &Asked,
    who: &str,
    now: OffsetDateTime,
) -> Result<Recorded, Error> {
    let order = orders.get_mut(&asked.order_id).ok_or_else(|| Error::not_found("order", asked.order_id))?;
    if asked.amount.currency != order.currency {
        return Err(Refused::OtherCurrency(order.currency).into());
    }
    let currency = order.currency;
    let amount = asked.amount.rounded().amount;
    let signed = if asked.refund { -amount } else { amount };
    if let Some(row) = known.get(&(asked.provider.clone(), asked.provider_payment_id.clone())) {
        if (row.order_id, row.amount, row.method.as_str()) != (asked.order_id, signed, asked.method.as_str()) {
            let message = format!("{} knows {} with other content", asked.provider, asked.provider_payment_id);
            return Err(Error::Conflict { reason: "PROVIDER_PAYMENT_CONFLICT", message });
        }
        return Ok(Recorded { row: row.clone(), currency, duplicate: true });
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
    pay(order, &payment, &cause)?;
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
    Ok(Recorded { row, currency, duplicate: false })
}
