//! What crm listens to: the life of orders from orders, shipments from erp. Both become changes of order facts. Of erp also
//! which orders a recall concerns.

use async_trait::async_trait;
use messaging::{Event, Handler, Subscription};
use proto::erp::v1::ErpEvent;
use proto::orders::v1::OrdersEvent;
use service::Clock;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::config::Settings;
use crate::orders::commands::{Change, apply_changes};
use crate::orders::domain::OrderChange;
use crate::orders::{change_of_erp, change_of_orders};
use crate::recalls;
use crate::scoring::commands::Cause;

/// How an event is read; `None` when it does not matter here.
type Read = fn(&Event) -> anyhow::Result<Option<(Uuid, OrderChange)>>;

/// Takes events of one service into the order facts.
struct OrderFacts {
    settings: Settings,
    clock: Clock,
    read: Read,
}

#[async_trait]
impl Handler for OrderFacts {
    async fn apply(&self, conn: &mut PgConnection, events: &[Event]) -> anyhow::Result<()> {
        let mut changes = Vec::with_capacity(events.len());
        for event in events {
            if let Some((order_id, change)) = (self.read)(event)? {
                let kind = format!("{}.{}", event.source, event.name);
                changes.push(Change { order_id, change, cause: Cause { kind, id: event.id.to_string() } });
            }
        }
        apply_changes(conn, &changes, &self.settings, self.clock.now()).await?;
        Ok(())
    }
}

/// Takes events of erp into the order facts, and recalls into their book.
struct Erp(OrderFacts);

#[async_trait]
impl Handler for Erp {
    async fn apply(&self, conn: &mut PgConnection, events: &[Event]) -> anyhow::Result<()> {
        self.0.apply(conn, events).await?;
        recalls::commands::apply(conn, events).await
    }
}

/// The subscriptions.
pub(crate) fn subscriptions(settings: Settings, clock: &Clock) -> Vec<Subscription> {
    let handler = |read: Read| OrderFacts { settings, clock: clock.clone(), read };
    vec![
        Subscription::new(
            "crm_orders",
            "orders",
            &["order_placed", "order_cancelled", "order_lines_cancelled", "order_completed", "order_returned"],
            handler(|event| change_of_orders(&event.decode::<OrdersEvent>()?)),
        )
        .gathering(),
        Subscription::new(
            "crm_erp",
            "erp",
            &["shipment_shipped", "shipment_failed", "stock_returned", "recall_opened", "recall_closed"],
            Erp(handler(|event| change_of_erp(&event.decode::<ErpEvent>()?))),
        )
        .gathering(),
    ]
}
