//! Facts of the orders service, and the commands they run.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use anyhow::Context as _;
use proto::orders::v1::{
    LineChange, LineKind, OrderLine, OrderPlaced, OrderReturned, OrdersEvent, ReturnOutcome,
    orders_event::Event as Fact,
};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    config::Stamp,
    demand::{
        self,
        domain::{NewDemand, NewLine},
    },
    error::Error,
    items::{self, domain::ItemChange},
    ledger::{
        self,
        commands::{Work, finish},
    },
    reservation::commands::{CancelledLine, cancel_lines, cancel_orders, place},
    returns::{
        self,
        domain::{Outcome, Return},
    },
};

/// Priorities beyond this are cut, so that they can be turned round.
const MOST_PRIORITY: i32 = 1_000_000;

/// A fact as far as erp needs it.
pub(super) enum Incoming {
    Product(ItemChange),
    Place(NewDemand),
    Cancel(Uuid),
    CancelLines(Uuid, Vec<CancelledLine>),
    Return(Return),
}

impl Incoming {
    fn order(&self) -> Option<Uuid> {
        match self {
            Self::Product(_) => None,
            Self::Place(demand) => Some(demand.order_id),
            Self::Cancel(order) | Self::CancelLines(order, _) => Some(*order),
            Self::Return(one) => Some(one.order),
        }
    }
}

/// Reads an event; none when it does not concern erp: an order that still waits for confirmation, or without goods.
pub(super) fn read(message: OrdersEvent, at: OffsetDateTime) -> anyhow::Result<Option<Incoming>> {
    Ok(match message.event {
        Some(Fact::ProductChanged(product)) => {
            (!product.sku.is_empty()).then(|| Incoming::Product(items::convert::product(product)))
        }
        Some(Fact::OrderPlaced(placed)) if placed.confirmed => goods(demand_of(placed, at)?),
        Some(Fact::OrderConfirmed(confirmed)) => {
            let placed = OrderPlaced {
                order_id: confirmed.order_id,
                number: confirmed.number,
                placed_at: confirmed.placed_at,
                region: confirmed.region,
                delivery_method: confirmed.delivery_method,
                lines: confirmed.lines,
                priority: confirmed.priority,
                warehouse: confirmed.warehouse,
                channel: confirmed.channel,
                hold_id: confirmed.hold_id,
                ..OrderPlaced::default()
            };
            goods(demand_of(placed, at)?)
        }
        Some(Fact::OrderCancelled(cancelled)) => Some(Incoming::Cancel(id(&cancelled.order_id)?)),
        Some(Fact::OrderLinesCancelled(cancelled)) => {
            let order = id(&cancelled.order_id)?;
            let lines = quantities(&cancelled.lines)?.into_iter();
            let lines = lines.map(|(line_no, quantity)| CancelledLine { order, line_no, quantity }).collect();
            Some(Incoming::CancelLines(order, lines))
        }
        Some(Fact::OrderReturned(returned)) => Some(Incoming::Return(return_of(returned, at)?)),
        _ => None,
    })
}

fn goods(demand: NewDemand) -> Option<Incoming> {
    (!demand.lines.is_empty()).then_some(Incoming::Place(demand))
}

fn id(text: &str) -> anyhow::Result<Uuid> {
    Uuid::try_parse(text).with_context(|| format!("{text:?} is not a UUID"))
}

fn moment(stamp: Option<prost_types::Timestamp>, otherwise: OffsetDateTime) -> OffsetDateTime {
    stamp.as_ref().and_then(proto::from_timestamp).unwrap_or(otherwise)
}

fn demand_of(placed: OrderPlaced, at: OffsetDateTime) -> anyhow::Result<NewDemand> {
    let goods = placed.lines.iter().filter(|line| line.kind() != LineKind::Charge);
    Ok(NewDemand {
        order_id: id(&placed.order_id)?,
        hold: false,
        lines: goods.map(line_of).collect::<anyhow::Result<_>>()?,
        number: placed.number,
        warehouse: placed.warehouse,
        region: placed.region,
        delivery_method: placed.delivery_method,
        channel: placed.channel,
        takes_over: Uuid::try_parse(&placed.hold_id).ok(),
        priority: placed.priority.clamp(-MOST_PRIORITY, MOST_PRIORITY),
        placed_at: moment(placed.placed_at, at),
        expires_at: None,
    })
}

fn line_of(line: &OrderLine) -> anyhow::Result<NewLine> {
    let quantity = line.quantity.as_ref().with_context(|| format!("line {} has no quantity", line.line_no))?;
    let value = types::parse_decimal(&quantity.value)
        .filter(|value| *value > Decimal::ZERO)
        .with_context(|| format!("line {} has no quantity above zero", line.line_no))?;
    let (sku, unit) = (line.sku.clone(), quantity.unit.clone());
    Ok(NewLine { line_no: line.line_no, sku, unit, quantity: value, min_life_days: 0 })
}

fn quantities(lines: &[LineChange]) -> anyhow::Result<Vec<(i32, Decimal)>> {
    let goods = lines.iter().filter(|line| line.kind() != LineKind::Charge);
    goods
        .map(|line| {
            let text = line.quantity.as_ref().map(|quantity| quantity.value.as_str()).unwrap_or_default();
            let value = types::parse_decimal(text).with_context(|| format!("line {} has no quantity", line.line_no))?;
            Ok((line.line_no, value))
        })
        .collect()
}

fn return_of(returned: OrderReturned, at: OffsetDateTime) -> anyhow::Result<Return> {
    Ok(Return {
        id: id(&returned.return_id)?,
        order: id(&returned.order_id)?,
        lines: quantities(&returned.lines)?,
        outcome: match returned.outcome() {
            ReturnOutcome::WriteOff => Outcome::WriteOff,
            ReturnOutcome::Repair => Outcome::Repair,
            ReturnOutcome::Restock | ReturnOutcome::Unspecified => Outcome::Restock,
        },
        reason: returned.reason,
        returned_at: moment(returned.returned_at, at),
    })
}

/// Applies facts, in order, in one transaction: locks everything they touch, then round by round.
pub(super) async fn apply(conn: &mut PgConnection, facts: Vec<Incoming>, stamp: &Stamp<'_>) -> Result<(), Error> {
    if facts.is_empty() {
        return Ok(());
    }
    let skus = touched(conn, &facts).await?;
    let mut work = ledger::commands::lock(conn, skus, true).await?;
    let mut round = Round::default();
    for fact in facts {
        if fact.order().is_some_and(|order| !round.orders.insert(order)) {
            std::mem::take(&mut round).apply(conn, &mut work, stamp).await?;
            round.orders.extend(fact.order());
        }
        round.add(fact);
    }
    round.apply(conn, &mut work, stamp).await?;
    finish(conn, work, stamp).await
}

/// All items the facts can touch: those they name, and those of the orders and holds they name.
async fn touched(conn: &mut PgConnection, facts: &[Incoming]) -> Result<BTreeSet<String>, Error> {
    let mut skus = BTreeSet::new();
    let mut orders = Vec::new();
    for fact in facts {
        match fact {
            Incoming::Product(change) => {
                skus.insert(change.sku.clone());
            }
            Incoming::Place(demand) => {
                skus.extend(demand.lines.iter().map(|line| line.sku.clone()));
                orders.extend(demand.takes_over);
            }
            Incoming::Cancel(order) | Incoming::CancelLines(order, _) => orders.push(*order),
            Incoming::Return(one) => orders.push(one.order),
        }
    }
    if !orders.is_empty() {
        skus.extend(demand::store::skus(conn, &orders).await?);
    }
    Ok(skus)
}

/// Facts in which each order occurs once.
#[derive(Default)]
struct Round {
    orders: HashSet<Uuid>,
    products: Vec<ItemChange>,
    placed: Vec<NewDemand>,
    cancelled: Vec<Uuid>,
    lines: Vec<CancelledLine>,
    returns: Vec<Return>,
}

impl Round {
    fn add(&mut self, fact: Incoming) {
        match fact {
            Incoming::Product(change) => self.products.push(change),
            Incoming::Place(demand) => self.placed.push(merged(demand)),
            Incoming::Cancel(order) => self.cancelled.push(order),
            Incoming::CancelLines(_, lines) => self.lines.extend(lines),
            Incoming::Return(one) => self.returns.push(one),
        }
    }

    /// What frees stock comes first, then one service of all who want it.
    async fn apply(self, conn: &mut PgConnection, work: &mut Work, stamp: &Stamp<'_>) -> Result<(), Error> {
        items::commands::take_over(conn, work, self.products, stamp.now).await?;
        if !self.cancelled.is_empty() {
            cancel_orders(conn, work, &self.cancelled, stamp).await?;
        }
        if !self.lines.is_empty() {
            cancel_lines(conn, work, &self.lines, stamp).await?;
        }
        returns::commands::book(conn, work, self.returns, stamp).await?;
        place(conn, work, self.placed, stamp).await
    }
}

/// Adds up lines of the same number: their numbers are the key of what we keep.
fn merged(mut demand: NewDemand) -> NewDemand {
    let mut lines: BTreeMap<i32, NewLine> = BTreeMap::new();
    for line in demand.lines {
        match lines.get_mut(&line.line_no) {
            Some(first) if first.sku == line.sku && first.unit == line.unit => first.quantity += line.quantity,
            Some(_) => {}
            None => {
                lines.insert(line.line_no, line);
            }
        }
    }
    demand.lines = lines.into_values().collect();
    demand
}
