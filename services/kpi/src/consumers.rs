//! Which events make facts. One handler for all services: facts do not care who says what first.

use std::collections::HashSet;

use async_trait::async_trait;
use messaging::{Event, Handler, Subscription};
use rust_decimal::prelude::ToPrimitive as _;
use service::{Clock, Deps};
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use types::Currency;
use uuid::Uuid;

use crate::{
    config::Config,
    facts::{
        commands,
        domain::{Calendar, Changes, PlacedOrder},
    },
};

/// Services whose events make facts.
pub(crate) const SOURCES: [&str; 4] = ["orders", "erp", "crm", "tasks"];

/// The live counters show what happens; an order that was placed longer ago is history being told again.
const LIVE: Duration = Duration::hours(1);

struct Facts {
    clock: Clock,
    calendar: Calendar,
}

#[async_trait]
impl Handler for Facts {
    async fn apply(&self, conn: &mut PgConnection, events: &[Event]) -> anyhow::Result<()> {
        let now = self.clock.now();
        let changes = commands::apply(conn, events, &self.calendar, now).await?;
        count_live(events, &changes, now);
        Ok(())
    }
}

fn count_live(events: &[Event], changes: &Changes, now: OffsetDateTime) {
    let live = events.iter().filter(|event| event.name == "order_placed" && event.time > now - LIVE);
    let live: HashSet<Uuid> = live.filter_map(|event| event.aggregate_id.parse().ok()).collect();
    for (order_id, order) in &changes.orders {
        if let Some(placed) = order.placed.as_ref().filter(|_| live.contains(order_id)) {
            count_order(placed);
        }
    }
}

fn count_order(placed: &PlacedOrder) {
    let (channel, currency) = (placed.channel.clone(), placed.currency.clone());
    metrics::counter!("kpi_orders_total", "channel" => channel.clone()).increment(1);
    let digits = Currency::parse(&currency).map_or(2, Currency::minor_digits);
    let minor = placed.total.checked_mul(10_u64.pow(digits).into()).and_then(|minor| minor.to_u64());
    metrics::counter!("kpi_placed_minor_units_total", "channel" => channel, "currency" => currency)
        .increment(minor.unwrap_or(0));
}

/// What kpi listens to.
pub(crate) fn subscriptions(deps: &Deps, config: &Config) -> Vec<Subscription> {
    let facts = || Facts { clock: deps.clock.clone(), calendar: config.calendar() };
    vec![
        Subscription::new(
            "kpi_orders",
            "orders",
            &[
                "product_changed",
                "order_placed",
                "order_confirmed",
                "order_cancelled",
                "order_lines_cancelled",
                "order_state_changed",
                "payment_recorded",
                "order_returned",
            ],
            facts(),
        ),
        Subscription::new(
            "kpi_erp",
            "erp",
            &[
                "order_allocated",
                "picking_started",
                "shipment_packed",
                "shipment_shipped",
                "shipment_delivered",
                "shipment_failed",
                "stock_returned",
                "goods_received",
                "stock_depleted",
                "stock_replenished",
            ],
            facts(),
        ),
        Subscription::new("kpi_crm", "crm", &["customer_created", "customer_identified", "customer_scored"], facts()),
        Subscription::new("kpi_tasks", "tasks", &["task_opened", "task_moved", "task_closed"], facts()),
    ]
}
