//! Events of orders and erp as changes of an order; an order fact on the wire.

use anyhow::{Context as _, anyhow, ensure};
use proto::common::v1::Money as WireMoney;
use proto::crm::v1 as wire;
use proto::erp::v1::{ErpEvent, erp_event};
use proto::orders::v1::{LineChange, LineKind, OrderLine, OrderPlaced, OrdersEvent, orders_event};
use rust_decimal::Decimal;
use types::{Currency, Money};
use uuid::Uuid;

use super::domain::{FactLine, LinePart, OrderChange, OrderFact, Placement};

fn order_id(text: &str) -> anyhow::Result<Uuid> {
    Uuid::parse_str(text).with_context(|| format!("order id {text:?}"))
}

/// An amount that may be left out, which means nothing.
fn amount(money: Option<&WireMoney>) -> anyhow::Result<Decimal> {
    let Some(money) = money else {
        return Ok(Decimal::ZERO);
    };
    Money::try_from(money).map(|money| money.amount).with_context(|| format!("amount {money:?}"))
}

fn parts(lines: &[LineChange]) -> anyhow::Result<Vec<LinePart>> {
    lines
        .iter()
        .map(|line| {
            Ok(LinePart {
                line_no: line.line_no,
                amount: amount(line.amount.as_ref())?,
                discount: amount(line.discount.as_ref())?,
                tax: amount(line.tax.as_ref())?,
            })
        })
        .collect()
}

fn goods_line(line: &OrderLine) -> Option<anyhow::Result<FactLine>> {
    (line.kind() == LineKind::Goods)
        .then(|| Ok(FactLine(line.line_no, line.category.clone(), amount(line.total.as_ref())?)))
}

fn placement(event: &OrderPlaced) -> anyhow::Result<Placement> {
    let stamp = event.placed_at.as_ref().ok_or_else(|| anyhow!("placed_at is missing"))?;
    let total = event.total.as_ref().ok_or_else(|| anyhow!("total is missing"))?;
    ensure!(!total.currency.is_empty(), "the currency is missing");
    Ok(Placement {
        placed_at: proto::from_timestamp(stamp).ok_or_else(|| anyhow!("placed_at is out of range"))?,
        channel: event.channel.clone(),
        region: event.region.clone(),
        currency: total.currency.clone(),
        gross: amount(event.gross.as_ref())?,
        discount: amount(event.discount.as_ref())?,
        tax: amount(event.tax.as_ref())?,
        total: amount(Some(total))?,
        lines: event.lines.iter().filter_map(goods_line).collect::<anyhow::Result<_>>()?,
    })
}

/// What an event of orders means here; `None` when it does not matter.
///
/// # Errors
/// When the event is malformed.
pub fn change_of_orders(event: &OrdersEvent) -> anyhow::Result<Option<(Uuid, OrderChange)>> {
    use orders_event::Event as E;
    let found = match &event.event {
        Some(E::OrderPlaced(event)) => (&event.order_id, OrderChange::Placed(placement(event)?)),
        Some(E::OrderCancelled(event)) => (&event.order_id, OrderChange::Cancelled(parts(&event.lines)?)),
        Some(E::OrderLinesCancelled(event)) => (&event.order_id, OrderChange::LinesCancelled(parts(&event.lines)?)),
        Some(E::OrderCompleted(event)) => (&event.order_id, OrderChange::Completed),
        Some(E::OrderReturned(event)) => {
            let defect = event.reason.contains("defect");
            (&event.order_id, OrderChange::Returned { parts: parts(&event.lines)?, defect })
        }
        _ => return Ok(None),
    };
    Ok(Some((order_id(found.0)?, found.1)))
}

/// What an event of erp means here; `None` when it does not matter.
///
/// # Errors
/// When the event is malformed.
pub fn change_of_erp(event: &ErpEvent) -> anyhow::Result<Option<(Uuid, OrderChange)>> {
    use erp_event::Event as E;
    let found = match &event.event {
        Some(E::ShipmentShipped(event)) => (&event.order_id, OrderChange::Shipped(amount(event.cost.as_ref())?)),
        Some(E::ShipmentFailed(event)) => (&event.order_id, OrderChange::ShipmentFailed(amount(event.cost.as_ref())?)),
        Some(E::StockReturned(event)) => (&event.order_id, OrderChange::StockReturned(amount(event.cost.as_ref())?)),
        _ => return Ok(None),
    };
    Ok(Some((order_id(found.0)?, found.1)))
}

/// An order on the wire.
pub(crate) fn order_to_wire(fact: &OrderFact, company: Currency) -> wire::CustomerOrder {
    let currency = Currency::parse(&fact.currency).unwrap_or(company);
    let money = |amount| Some(WireMoney::from(Money::new(amount, currency).rounded()));
    wire::CustomerOrder {
        order_id: fact.order_id.to_string(),
        customer_id: fact.customer_id.map(|id| id.to_string()).unwrap_or_default(),
        resolved: fact.resolved_at.is_some(),
        placed_at: fact.placed_at.map(proto::to_timestamp),
        channel: fact.channel.clone(),
        region: fact.region.clone(),
        total: money(fact.total),
        discount: money(fact.discount),
        cancelled_amount: money(fact.cancelled_amount),
        returned_amount: money(fact.returned_amount),
        net: money(fact.net()),
        cost: Some(Money::new(fact.cost, company).rounded().into()),
        state: fact.state().to_owned(),
        shipments: fact.shipments,
        failed_shipments: fact.failed_shipments,
        returns: fact.returns,
    }
}
