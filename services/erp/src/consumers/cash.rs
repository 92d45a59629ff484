//! What facts of the orders service say of cash on delivery.

use anyhow::Context as _;
use proto::{
    common::v1::Money,
    orders::v1::{LineChange, OrdersEvent, orders_event::Event as Fact},
};
use rust_decimal::Decimal;
use types::Currency;
use uuid::Uuid;

use crate::cash::domain::Change;

/// Payment methods where the courier collects.
const ON_DELIVERY: [&str; 2] = ["cod", "cash"];

/// Reads an event; none when it says nothing of cash in the company currency.
pub(super) fn read(message: &OrdersEvent, currency: Currency) -> anyhow::Result<Option<Change>> {
    let change = match &message.event {
        Some(Fact::OrderPlaced(placed)) if ON_DELIVERY.contains(&placed.payment_method.as_str()) => {
            Change::Owes(id(&placed.order_id)?, amount(&placed.total, currency)?)
        }
        Some(Fact::OrderCancelled(cancelled)) => {
            Change::Less(id(&cancelled.order_id)?, sum(&cancelled.lines, currency)?)
        }
        Some(Fact::OrderLinesCancelled(cancelled)) => {
            Change::Less(id(&cancelled.order_id)?, sum(&cancelled.lines, currency)?)
        }
        // What is collected on delivery is recorded by the orders service later, and is what was owed.
        Some(Fact::PaymentRecorded(paid)) if !ON_DELIVERY.contains(&paid.method.as_str()) => {
            Change::Less(id(&paid.order_id)?, amount(&paid.amount, currency)?)
        }
        _ => return Ok(None),
    };
    let (Change::Owes(_, amount) | Change::Less(_, amount)) = &change;
    Ok((!amount.is_zero()).then_some(change))
}

fn id(text: &str) -> anyhow::Result<Uuid> {
    Uuid::try_parse(text).with_context(|| format!("{text:?} is not a UUID"))
}

/// An amount in the company currency; nothing in another one.
fn amount(money: &Option<Money>, currency: Currency) -> anyhow::Result<Decimal> {
    let Some(money) = money else { return Ok(Decimal::ZERO) };
    let money = types::Money::try_from(money).context("an amount that is none")?;
    Ok(if money.currency == currency { money.amount } else { Decimal::ZERO })
}

fn sum(lines: &[LineChange], currency: Currency) -> anyhow::Result<Decimal> {
    lines.iter().map(|line| amount(&line.amount, currency)).sum()
}
