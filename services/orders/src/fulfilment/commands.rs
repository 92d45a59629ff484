//! Applying what other services tell of orders, many facts and orders at once.

use std::collections::{BTreeMap, HashMap};

use sqlx::PgConnection;
use uuid::Uuid;

use super::domain::{self, Told};
use crate::{
    error::Error,
    life::{
        self,
        domain::{Cause, Order},
    },
    returns,
};

/// What a fact of another service does to an order.
pub enum Effect {
    /// The warehouse told something.
    Warehouse(Told),
    /// The order belongs to a customer.
    Customer(Uuid),
    /// Only the history grows.
    Note,
}

/// A fact of another service about an order.
pub struct OrderFact {
    /// Which order.
    pub order_id: Uuid,
    /// What it does.
    pub effect: Effect,
    /// Who, when, why.
    pub cause: Cause,
}

/// Applies facts in the order given: all orders are locked (in the order of their ids), read, changed and stored with
/// one statement each. Facts of orders that are not here are nothing to us. Returns the orders changed.
///
/// # Errors
/// Database errors.
pub async fn apply(conn: &mut PgConnection, facts: &[OrderFact]) -> Result<Vec<Uuid>, Error> {
    let ids: Vec<_> =
        facts.iter().map(|fact| fact.order_id).collect::<std::collections::BTreeSet<_>>().into_iter().collect();
    let mut orders = life::store::lock(conn, &ids).await?;
    let mut by_id: HashMap<Uuid, &mut Order> = orders.iter_mut().map(|order| (order.id, order)).collect();
    let mut booked = BTreeMap::new();
    for fact in facts {
        let Some(order) = by_id.get_mut(&fact.order_id) else {
            tracing::warn!(order = %fact.order_id, code = fact.cause.code, "a fact about an unknown order");
            continue;
        };
        match &fact.effect {
            Effect::Warehouse(told) => {
                domain::apply(order, told, &fact.cause);
                if let Told::Booked(return_id) = told {
                    booked.insert(*return_id, fact.cause.at);
                }
            }
            Effect::Customer(customer) => {
                order.customer_id = Some(*customer);
                order.note(&fact.cause);
            }
            Effect::Note => order.note(&fact.cause),
        }
    }
    let changed = orders.iter().map(|order| order.id).collect();
    life::store::save(conn, &mut orders).await?;
    returns::store::mark_booked(conn, &booked.into_iter().collect::<Vec<_>>()).await?;
    Ok(changed)
}
