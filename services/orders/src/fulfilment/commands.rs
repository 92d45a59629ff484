//! Applying what other services tell of orders, many facts and orders at once.

use std::collections::{BTreeMap, BTreeSet, HashMap};

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

/// A reservation is told whole; all else that the warehouse tells changes what the lines say.
fn needs_lines(effect: &Effect) -> bool {
    match effect {
        Effect::Warehouse(Told::Allocated(_)) | Effect::Customer(_) | Effect::Note => false,
        Effect::Warehouse(_) => true,
    }
}

/// Applies facts in the order given: all orders are locked (in the order of their ids), read, changed and stored with
/// one statement each; lines are read only where they are needed. Facts of orders that are not here are nothing to us.
/// Returns the orders changed.
///
/// # Errors
/// Database errors.
pub async fn apply(conn: &mut PgConnection, facts: &[OrderFact]) -> Result<Vec<Uuid>, Error> {
    let ids = |facts: &mut dyn Iterator<Item = &OrderFact>| -> Vec<Uuid> {
        facts.map(|fact| fact.order_id).collect::<BTreeSet<_>>().into_iter().collect()
    };
    let whole = ids(&mut facts.iter().filter(|fact| needs_lines(&fact.effect)));
    let mut orders = life::store::lock_partly(conn, &ids(&mut facts.iter()), &whole).await?;
    let mut by_id: HashMap<Uuid, &mut Order> = orders.iter_mut().map(|order| (order.id, order)).collect();
    let (mut booked, mut identified) = (BTreeMap::new(), BTreeSet::new());
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
                if order.customer_id != Some(*customer) {
                    order.customer_id = Some(*customer);
                    identified.insert(order.id);
                }
                order.note(&fact.cause);
            }
            Effect::Note => order.note(&fact.cause),
        }
    }
    let changed = orders.iter().map(|order| order.id).collect();
    let identified: Vec<_> = orders.iter().filter(|order| identified.contains(&order.id)).collect();
    life::store::set_customers(conn, &identified).await?;
    life::store::save(conn, &mut orders).await?;
    returns::store::mark_booked(conn, &booked.into_iter().collect::<Vec<_>>()).await?;
    Ok(changed)
}
