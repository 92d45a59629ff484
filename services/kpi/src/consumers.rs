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
        )
        .gathering(),
        Subscription::new(
            "kpi_erp",
            "erp",
            &[
                "picking_started",
                "shipment_packed",
                "shipment_shipped",
                "shipment_delivered",
                "shipment_failed",
                "stock_returned",
                "goods_received",
                "stock_depleted",
                "stock_replenished",
                "cost_of_sales_revised",
            ],
            facts(),
        )
        .gathering(),
        Subscription::new("kpi_crm", "crm", &["customer_created", "customer_identified", "customer_scored"], facts())
            .gathering(),
        Subscription::new("kpi_tasks", "tasks", &["task_opened", "task_moved", "task_closed"], facts()).gathering(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::common::v1::Money;
    use proto::orders::v1::{OrderPlaced, OrdersEvent, orders_event};

    fn placed(number: u128, at: OffsetDateTime) -> Event {
        let id = Uuid::from_u128(number);
        let fact = OrderPlaced {
            order_id: id.to_string(),
            channel: "web".to_owned(),
            placed_at: Some(proto::to_timestamp(at)),
            total: Some(Money { currency: "RUB".to_owned(), amount: "12.50".to_owned() }),
            ..OrderPlaced::default()
        };
        testkit::event_at(id, 1, at, &OrdersEvent { event: Some(orders_event::Event::OrderPlaced(fact)) })
    }

    #[test]
    fn live_orders_are_counted_and_replayed_history_is_not() {
        let calendar = Calendar { zone: "UTC".to_owned(), cutoff_hour: 0 };
        let now = testkit::START;
        let events = [placed(1, now), placed(2, now - Duration::minutes(59)), placed(3, now - Duration::hours(2))];
        let mut changes = Changes::default();
        for event in &events {
            crate::facts::convert::absorb(&mut changes, event, &calendar).unwrap();
        }
        let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
        metrics::with_local_recorder(&recorder, || count_live(&events, &changes, now));
        let shown = recorder.handle().render();
        assert!(shown.contains("kpi_orders_total{channel=\"web\"} 2"), "{shown}");
        assert!(shown.contains("kpi_placed_minor_units_total{channel=\"web\",currency=\"RUB\"} 2500"), "{shown}");
    }
}
