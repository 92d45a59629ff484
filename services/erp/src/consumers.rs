//! What erp listens to: products, orders that may be fulfilled, are cancelled or come back, and what their buyers owe.
//!
//! A batch is applied by rounds in which each order occurs once, so that the order of an order's events is kept and
//! everything else is set-based: hundreds of orders are reserved with the same dozen statements as one.

mod cash;
mod orders;

use std::sync::Arc;

use async_trait::async_trait;
use messaging::{Event, Handler};
use proto::orders::v1::OrdersEvent;
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
    "payment_recorded",
];

/// Listens to the orders service.
pub(crate) struct Orders {
    pub(crate) clock: Clock,
    pub(crate) rules: Arc<Rules>,
}

#[async_trait]
impl Handler for Orders {
    async fn apply(&self, conn: &mut PgConnection, events: &[Event]) -> anyhow::Result<()> {
        let (mut owed, mut facts) = (Vec::new(), Vec::new());
        for event in events {
            let message: OrdersEvent = event.decode()?;
            owed.extend(cash::read(&message, self.rules.currency)?);
            facts.extend(orders::read(message, event.time)?);
        }
        crate::cash::commands::note(conn, owed).await?;
        let stamp = Stamp { now: self.clock.now(), by: "orders", rules: &self.rules };
        orders::apply(conn, facts, &stamp).await?;
        Ok(())
    }
}
