//! Takes what happened to orders into the facts and on into the figures and scores of their customers.
//!
//! Locks: facts, then customers in order of customer id. Identification does the same.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::domain::OrderChange;
use super::store;
use crate::config::Settings;
use crate::error::Error;
use crate::scoring::commands::{Cause, Touch, rescore};

/// A change of an order and the event it came with.
#[derive(Clone, Debug)]
pub struct Change {
    /// The order.
    pub order_id: Uuid,
    /// What happened.
    pub change: OrderChange,
    /// The event.
    pub cause: Cause,
}

/// Applies changes in the order given: a handful of statements, however many there are.
///
/// # Errors
/// Database errors.
pub async fn apply_changes(
    conn: &mut PgConnection,
    changes: &[Change],
    settings: &Settings,
    now: OffsetDateTime,
) -> Result<(), Error> {
    if changes.is_empty() {
        return Ok(());
    }
    let order_ids: Vec<Uuid> = changes.iter().map(|change| change.order_id).collect();
    let mut facts = store::lock_facts(conn, &order_ids).await?;
    let mut touched: BTreeMap<Uuid, Touch> = BTreeMap::new();
    for change in changes {
        let Some(fact) = facts.get_mut(&change.order_id) else {
            continue;
        };
        let before = fact.figures(settings.currency);
        fact.apply(&change.change);
        if let Some(customer) = fact.customer_id {
            let touch = touched.entry(customer).or_insert_with(|| Touch::because(change.cause.clone()));
            touch.cause = change.cause.clone();
            touch.difference.subtract(&before);
            touch.difference.add(&fact.figures(settings.currency));
        }
    }
    let facts: Vec<_> = facts.into_values().collect();
    store::save_facts(conn, &facts).await?;
    rescore(conn, touched, settings, now).await?;
    Ok(())
}
