//! The events of other services that automation rules may use.

use async_trait::async_trait;
use messaging::{Event, Handler, Subscription};
use service::{Clock, Deps};
use sqlx::PgConnection;

use crate::automation::{
    commands,
    convert::event::{ERP, ORDERS, read},
};

/// What is listened to.
pub(crate) fn subscriptions(deps: &Deps) -> Vec<Subscription> {
    vec![
        Subscription::new("tasks_orders", "orders", ORDERS, Automation { clock: deps.clock.clone() }).gathering(),
        Subscription::new("tasks_erp", "erp", ERP, Automation { clock: deps.clock.clone() }).gathering(),
    ]
}

struct Automation {
    clock: Clock,
}

#[async_trait]
impl Handler for Automation {
    async fn apply(&self, conn: &mut PgConnection, events: &[Event]) -> anyhow::Result<()> {
        let mut facts = Vec::with_capacity(events.len());
        for event in events {
            facts.extend(read(event)?);
        }
        Ok(commands::apply(conn, &facts, self.clock.now()).await?)
    }
}
