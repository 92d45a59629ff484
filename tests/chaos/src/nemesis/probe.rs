//! Does everything work again? An order of the shop is stored, reserved, its buyer known, and counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rust_decimal::Decimal;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::history::{Kind, Outcome};
use crate::load::bodies::{Draft, money};
use crate::load::door::Who;
use crate::load::player::{Manner, Player};
use crate::load::world::{CURRENCY, PROBE};

/// How long one order may take before the next one is sent.
const ONE: Duration = Duration::from_secs(12);
const LOOK: Duration = Duration::from_millis(25);

/// Sends orders of its own.
#[derive(Clone)]
pub(crate) struct Probe {
    /// Sends and writes down.
    pub(crate) player: Player,
    /// The shop's channel.
    pub(crate) channel: String,
    /// First part of its keys.
    pub(crate) prefix: String,
    /// How many were sent.
    pub(crate) sent: Arc<AtomicU64>,
}

impl Probe {
    /// True as soon as an order went through the whole company.
    pub(crate) async fn until_it_works(&self, patience: Duration) -> anyhow::Result<bool> {
        let begun = Instant::now();
        while begun.elapsed() < patience {
            if self.once(patience.saturating_sub(begun.elapsed()).min(ONE)).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn once(&self, patience: Duration) -> anyhow::Result<bool> {
        let begun = Instant::now();
        let number = self.sent.fetch_add(1, Ordering::Relaxed);
        let key = format!("{}-probe-{number}", self.prefix);
        let draft = order(&self.channel, &key);
        let done = self.player.play(&draft, None, Manner { gateway: number, ..Manner::default() }).await?;
        let Some(order_id) = done.answer.as_ref().and_then(|answer| answer["order_id"].as_str()) else {
            tokio::time::sleep(LOOK).await;
            return Ok(false);
        };
        let mut gateway = number;
        while begun.elapsed() < patience {
            gateway += 1;
            if self.went_through(gateway, order_id, &key).await {
                return Ok(true);
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(false)
    }

    async fn went_through(&self, gateway: u64, order_id: &str, key: &str) -> bool {
        let doors = &self.player.doors;
        let Some(held) = doors.look(gateway, &format!("/v1/erp/reservations/{order_id}")).await else { return false };
        if held["reservation"]["lines"][0]["reserved"].as_str().and_then(types::parse_decimal) != Some(Decimal::ONE) {
            return false;
        }
        let Some(order) = doors.look(gateway, &format!("/v1/orders/{order_id}")).await else { return false };
        let summary = &order["order"]["summary"];
        if summary["customer_id"] == "" || summary["fulfilment_state"] != "reserved" {
            return false;
        }
        let today = OffsetDateTime::now_utc().date();
        let (from, to) = (today - time::Duration::DAY, today + time::Duration::DAY);
        let question = json!({
            "period": {"from": from.to_string(), "to": to.to_string()},
            "filter": {"regions": [format!("R-{key}")]},
        });
        let answer = doors.send(gateway, Who::Staff, "POST", "/v1/kpi/reports/summary", &question).await;
        answer.outcome == Outcome::Ok && counted(&answer.body)
    }
}

fn counted(summary: &Value) -> bool {
    summary["figures"]["orders"] == "1" && summary["anonymous_orders"] == "0"
}

fn order(channel: &str, key: &str) -> Draft {
    let order = json!({
        "channel": channel,
        "external_id": key,
        "currency": CURRENCY,
        "lines": [{
            "kind": "LINE_KIND_GOODS", "sku": PROBE, "quantity": {"value": "1", "unit": "pcs"}, "unit_price": money(10_000),
        }],
        "delivery": {"method": "pickup", "region": format!("R-{key}")},
        "payment_method": "cash",
        "buyer": {"name": "Probe", "email": "probe@example.com"},
        "prices_include_tax": true,
    });
    let body = json!({"order": order, "request_id": key});
    Draft { who: Who::Shop, ..Draft::post(Kind::Push, key, "/v1/orders".to_owned(), body) }
}
