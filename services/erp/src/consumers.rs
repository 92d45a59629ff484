//! What erp listens to: products, and orders that may be fulfilled, are cancelled or come back.
//!
//! A batch is applied by rounds in which each order occurs once, so that the order of an order's events is kept and
//! everything else is set-based: hundreds of orders are reserved with the same dozen statements as one.

mod orders;

use std::sync::Arc;

use async_trait::async_trait;
use messaging::{Event, Handler};
use service::Clock;
use sqlx::PgConnection;

use crate::config::{Rules, Stamp};

/// Names of the facts of the orders service that matter here.
pub(crate) const ORDERS: &[&str] = &[
    "product_changed",
    "order_placed",
    "order_confirmed",
    "order_cancelled",
    "order_lines_cancelled",
    "order_returned",
];

/// Listens to the orders service.
pub(crate) struct Orders {
    pub(crate) clock: Clock,
    pub(crate) rules: Arc<Rules>,
}

#[async_trait]
impl Handler for Orders {
    async fn apply(&self, conn: &mut PgConnection, events: &[Event]) -> anyhow::Result<()> {
        let facts = events.iter().map(orders::read).collect::<anyhow::Result<Vec<_>>>()?;
        let facts: Vec<_> = facts.into_iter().flatten().collect();
        let stamp = Stamp { now: self.clock.now(), by: "orders", rules: &self.rules };
        orders::apply(conn, facts, &stamp).await?;
        Ok(())
    }
}
