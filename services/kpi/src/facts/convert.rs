//! Events into changes. An event that cannot be read is an error: it goes to the dead letters, not into the figures.

use anyhow::{Context as _, anyhow};
use messaging::Event;
use proto::common::v1 as common;
use proto::orders::v1::{self as orders, orders_event::Event as OrdersFact};
use proto::{
    crm::v1::{self as crm, CrmEvent, crm_event::Event as CrmFact},
    erp::v1::{self as erp, ErpEvent, erp_event::Event as ErpFact},
    tasks::v1::{TasksEvent, tasks_event::Event as TasksFact},
};
use rust_decimal::Decimal;
use time::OffsetDateTime;
use uuid::Uuid;

use super::domain::{
    Calendar, Changes, CustomerLink, Movement, Part, Payment, PlacedLine, PlacedOrder, Product, ShippedOff,
    TaskClosing, TaskOpening, earliest,
};

type Read = anyhow::Result<()>;

/// Adds what an event changes.
///
/// # Errors
/// When the event is malformed.
pub fn absorb(changes: &mut Changes, event: &Event, calendar: &Calendar) -> anyhow::Result<()> {
    match event.source.as_str() {
        "orders" => orders_fact(changes, event, calendar),
        "erp" => erp_fact(changes, event, calendar),
        "crm" => crm_fact(changes, event),
        "tasks" => tasks_fact(changes, event, calendar),
        _ => Ok(()),
    }
    .with_context(|| format!("{} {} version {}", event.full_type(), event.aggregate_id, event.version))
}

fn orders_fact(changes: &mut Changes, event: &Event, calendar: &Calendar) -> Read {
    match event.decode::<orders::OrdersEvent>()?.event {
        Some(OrdersFact::ProductChanged(fact)) => {
            let product = Product {
                product_id: id(&fact.product_id)?,
                name: fact.name,
                category: fact.category,
                brand: fact.brand,
                unit: fact.unit,
                status: fact.status,
            };
            changes.products.entry(fact.sku).or_default().offer(event.version, product);
        }
        Some(OrdersFact::OrderPlaced(fact)) => placed(changes, event, &fact, calendar)?,
        Some(OrdersFact::OrderConfirmed(fact)) => {
            let at = moment(fact.confirmed_at.as_ref())?;
            let order = changes.order(id(&fact.order_id)?);
            order.order_state.offer(event.version, "confirmed".to_owned());
            earliest(&mut order.moments.confirmed, at);
            earliest(&mut order.moments.awaiting, event.time);
        }
        Some(OrdersFact::OrderCancelled(fact)) => {
            let (order_id, at) = (id(&fact.order_id)?, moment(fact.cancelled_at.as_ref())?);
            earliest(&mut changes.order(order_id).moments.cancelled, at);
            cancelled(changes, order_id, &fact.lines)?;
        }
        Some(OrdersFact::OrderLinesCancelled(fact)) => cancelled(changes, id(&fact.order_id)?, &fact.lines)?,
        Some(OrdersFact::OrderStateChanged(fact)) => moved(changes, event.version, fact)?,
        Some(OrdersFact::PaymentRecorded(fact)) => paid(changes, event, fact, calendar)?,
        Some(OrdersFact::OrderReturned(fact)) => {
            let (order_id, at) = (id(&fact.order_id)?, moment(fact.returned_at.as_ref())?);
            earliest(&mut changes.order(order_id).moments.returned, at);
            for line in &fact.lines {
                changes.line(order_id, line.line_no).returned.add(changed_part(line)?);
            }
        }
        // Its change of state says so too.
        Some(OrdersFact::OrderCompleted(_)) | None => {}
    }
    Ok(())
}

/// What the warehouse holds of an order is told by the order too: no need to hear it from both.
fn moved(changes: &mut Changes, version: i64, fact: orders::OrderStateChanged) -> Read {
    let machine = fact.machine();
    let order = changes.order(id(&fact.order_id)?);
    match machine {
        orders::StateMachine::Order => order.order_state.offer(version, fact.to_state),
        orders::StateMachine::Payment => order.payment_state.offer(version, fact.to_state),
        orders::StateMachine::Fulfilment => {
            let at = moment(fact.changed_at.as_ref())?;
            if !matches!(fact.to_state.as_str(), "none" | "cancelled") {
                earliest(&mut order.moments.allocated, at);
            }
            if fact.to_state == "reserved" {
                earliest(&mut order.moments.reserved, at);
            }
            order.fulfilment_state.offer(version, fact.to_state);
        }
        orders::StateMachine::Unspecified => {}
    }
    Ok(())
}

fn placed(changes: &mut Changes, event: &Event, fact: &orders::OrderPlaced, calendar: &Calendar) -> Read {
    let order_id = id(&fact.order_id)?;
    let placed_at = moment(fact.placed_at.as_ref())?;
    let total = money(fact.total.as_ref())?;
    for line in &fact.lines {
        let placed = placed_line(line)?;
        changes.line(order_id, line.line_no).placed = Some(placed);
    }
    let order = changes.order(order_id);
    order.placed = Some(PlacedOrder {
        number: fact.number.clone(),
        channel: fact.channel.clone(),
        region: fact.region.clone(),
        delivery_method: fact.delivery_method.clone(),
        payment_method: fact.payment_method.clone(),
        currency: total.currency.code().to_owned(),
        placed_at,
        business_day: calendar.day(placed_at)?,
        total: total.amount,
    });
    let state = if fact.confirmed { "confirmed" } else { "new" };
    order.order_state.offer(event.version, state.to_owned());
    if fact.confirmed {
        earliest(&mut order.moments.confirmed, placed_at);
        earliest(&mut order.moments.awaiting, event.time);
    }
    Ok(())
}

fn placed_line(line: &orders::OrderLine) -> anyhow::Result<PlacedLine> {
    let (total, discount) = (money(line.total.as_ref())?, money(line.discount.as_ref())?.amount);
    Ok(PlacedLine {
        goods: line.kind() == orders::LineKind::Goods,
        sku: line.sku.clone(),
        category: line.category.clone(),
        brand: line.brand.clone(),
        digits: total.currency.minor_digits(),
        quantity: quantity(line.quantity.as_ref())?,
        gross: total.amount.checked_add(discount).context("gross out of range")?,
        discount,
        tax: money(line.tax.as_ref())?.amount,
        total: total.amount,
    })
}

fn cancelled(changes: &mut Changes, order_id: Uuid, lines: &[orders::LineChange]) -> Read {
    for line in lines {
        changes.line(order_id, line.line_no).cancelled.add(changed_part(line)?);
    }
    Ok(())
}

fn changed_part(line: &orders::LineChange) -> anyhow::Result<Part> {
    Ok(Part {
        quantity: quantity(line.quantity.as_ref())?,
        amount: money(line.amount.as_ref())?.amount,
        tax: line.tax.as_ref().map_or(Ok(Decimal::ZERO), |tax| money(Some(tax)).map(|tax| tax.amount))?,
    })
}

fn paid(changes: &mut Changes, event: &Event, fact: orders::PaymentRecorded, calendar: &Calendar) -> Read {
    let (order_id, at) = (id(&fact.order_id)?, moment(fact.paid_at.as_ref())?);
    let amount = money(fact.amount.as_ref())?;
    let order = changes.order(order_id);
    order.paid += amount.amount;
    if matches!(fact.payment_state.as_str(), "paid" | "overpaid") {
        earliest(&mut order.moments.paid, at);
    }
    order.payment_state.offer(event.version, fact.payment_state);
    let payment = Payment {
        order_id,
        method: fact.method,
        currency: amount.currency.code().to_owned(),
        amount: amount.amount,
        at,
        day: calendar.day(at)?,
    };
    changes.payments.insert(id(&fact.payment_id)?, payment);
    Ok(())
}

fn erp_fact(changes: &mut Changes, event: &Event, calendar: &Calendar) -> Read {
    match event.decode::<ErpEvent>()?.event {
        Some(ErpFact::PickingStarted(fact)) => {
            earliest(&mut changes.order(id(&fact.order_id)?).moments.picking, moment(fact.started_at.as_ref())?);
        }
        Some(ErpFact::ShipmentPacked(fact)) => {
            earliest(&mut changes.order(id(&fact.order_id)?).moments.packed, moment(fact.packed_at.as_ref())?);
        }
        Some(ErpFact::ShipmentShipped(fact)) => shipped(changes, &fact, calendar)?,
        Some(ErpFact::ShipmentDelivered(fact)) => {
            let (order_id, at) = (id(&fact.order_id)?, moment(fact.delivered_at.as_ref())?);
            if fact.r#final {
                earliest(&mut changes.order(order_id).moments.delivered, at);
            }
            earliest(&mut changes.shipment(id(&fact.shipment_id)?, order_id).delivered_at, at);
        }
        Some(ErpFact::ShipmentFailed(fact)) => {
            let (order_id, at) = (id(&fact.order_id)?, moment(fact.failed_at.as_ref())?);
            earliest(&mut changes.order(order_id).moments.failed, at);
            changes.shipment(id(&fact.shipment_id)?, order_id).failed = Some((at, fact.reason));
            for line in &fact.lines {
                let part = cost_part(line)?;
                changes.line(order_id, line.line_no).failed.add(part);
                changes.stock(calendar.day(at)?, &line.sku, Movement::Back, part);
            }
        }
        Some(ErpFact::StockReturned(fact)) => came_back(changes, &fact, calendar)?,
        Some(ErpFact::CostOfSalesRevised(fact)) => cost_revised(changes, &fact, calendar)?,
        Some(ErpFact::GoodsReceived(fact)) => {
            let day = calendar.day(moment(fact.received_at.as_ref())?)?;
            for line in &fact.lines {
                let amount = money(line.cost.as_ref())?.amount;
                let part = Part { quantity: quantity(line.quantity.as_ref())?, amount, tax: Decimal::ZERO };
                changes.stock(day, &line.sku, Movement::Received, part);
            }
        }
        Some(ErpFact::StockDepleted(fact)) => {
            let at = moment(fact.depleted_at.as_ref())?;
            changes.crossings.insert((fact.sku, event.version), (at, true));
        }
        Some(ErpFact::StockReplenished(fact)) => {
            let at = moment(fact.replenished_at.as_ref())?;
            changes.crossings.insert((fact.sku, event.version), (at, false));
        }
        Some(ErpFact::OrderAllocated(_) | ErpFact::ReservationReleased(_)) | None => {}
    }
    Ok(())
}

fn shipped(changes: &mut Changes, fact: &erp::ShipmentShipped, calendar: &Calendar) -> Read {
    let (order_id, at) = (id(&fact.order_id)?, moment(fact.shipped_at.as_ref())?);
    let day = calendar.day(at)?;
    earliest(&mut changes.order(order_id).moments.shipped, at);
    changes.shipment(id(&fact.shipment_id)?, order_id).shipped =
        Some(ShippedOff { carrier: fact.carrier.clone(), warehouse: fact.warehouse.clone(), at, day });
    for line in &fact.lines {
        let part = cost_part(line)?;
        changes.line(order_id, line.line_no).shipped.add(part);
        changes.stock(day, &line.sku, Movement::Shipped, part);
    }
    Ok(())
}

/// What was sent cost more or less than was said: the order's margin changes, and the cost of what left on that day.
fn cost_revised(changes: &mut Changes, fact: &erp::CostOfSalesRevised, calendar: &Calendar) -> Read {
    let (order_id, day) = (id(&fact.order_id)?, calendar.day(moment(fact.effective_at.as_ref())?)?);
    for line in &fact.lines {
        let amount = money(line.difference.as_ref())?.amount;
        let part = Part { quantity: Decimal::ZERO, amount, tax: Decimal::ZERO };
        changes.line(order_id, line.line_no).shipped.add(part);
        changes.stock(day, &line.sku, Movement::Shipped, part);
    }
    Ok(())
}

fn came_back(changes: &mut Changes, fact: &erp::StockReturned, calendar: &Calendar) -> Read {
    let (order_id, at) = (id(&fact.order_id)?, moment(fact.returned_at.as_ref())?);
    let written_off = fact.outcome == "write_off";
    let movement = if written_off { Movement::WrittenOff } else { Movement::Back };
    for line in &fact.lines {
        let part = cost_part(line)?;
        let change = changes.line(order_id, line.line_no);
        if written_off {
            change.written_off.add(part)
        } else {
            change.back.add(part)
        }
        changes.stock(calendar.day(at)?, &line.sku, movement, part);
    }
    Ok(())
}

fn cost_part(line: &erp::ShipmentLine) -> anyhow::Result<Part> {
    let amount = money(line.cost.as_ref())?.amount;
    Ok(Part { quantity: quantity(line.quantity.as_ref())?, amount, tax: Decimal::ZERO })
}

fn crm_fact(changes: &mut Changes, event: &Event) -> Read {
    match event.decode::<CrmEvent>()?.event {
        Some(CrmFact::CustomerCreated(fact)) => customer_created(changes, fact)?,
        Some(CrmFact::CustomerIdentified(fact)) => {
            let at = moment(fact.identified_at.as_ref())?;
            let customer_id = id(&fact.customer_id)?;
            let link = CustomerLink { at, customer_id, first_order: fact.first_order };
            changes.order(id(&fact.order_id)?).link(link);
            fact.created.map_or(Ok(()), |created| customer_created(changes, created))?;
            fact.scored.map_or(Ok(()), |scored| customer_scored(changes, event.version, scored))?;
        }
        Some(CrmFact::CustomerScored(fact)) => customer_scored(changes, event.version, fact)?,
        Some(CrmFact::CustomerTagged(_)) | None => {}
    }
    Ok(())
}

fn customer_created(changes: &mut Changes, fact: crm::CustomerCreated) -> Read {
    let at = moment(fact.created_at.as_ref())?;
    changes.customers.entry(id(&fact.customer_id)?).or_default().created = Some((fact.region, at));
    Ok(())
}

fn customer_scored(changes: &mut Changes, version: i64, fact: crm::CustomerScored) -> Read {
    let total = types::parse_decimal(&fact.total).context("total score is not a number")?;
    let customer = changes.customers.entry(id(&fact.customer_id)?).or_default();
    customer.score.offer(version, (fact.grade, total));
    Ok(())
}

fn tasks_fact(changes: &mut Changes, event: &Event, calendar: &Calendar) -> Read {
    match event.decode::<TasksEvent>()?.event {
        Some(TasksFact::TaskOpened(fact)) => {
            let at = moment(fact.opened_at.as_ref())?;
            changes.tasks.entry(id(&fact.task_id)?).or_default().opened = Some(TaskOpening {
                task_type: fact.task_type,
                rule: fact.rule,
                subject_kind: fact.subject_kind,
                subject_id: fact.subject_id,
                at,
                day: calendar.day(at)?,
            });
        }
        Some(TasksFact::TaskMoved(fact)) => {
            let task = changes.tasks.entry(id(&fact.task_id)?).or_default();
            task.state.offer(event.version, fact.to_state);
        }
        Some(TasksFact::TaskClosed(fact)) => {
            let at = moment(fact.closed_at.as_ref())?;
            let task = changes.tasks.entry(id(&fact.task_id)?).or_default();
            let closing = TaskClosing { state: fact.state.clone(), by: fact.closed_by, at, day: calendar.day(at)? };
            task.closed.offer(event.version, Some(closing));
            task.state.offer(event.version, fact.state);
        }
        None => {}
    }
    Ok(())
}

fn id(text: &str) -> anyhow::Result<Uuid> {
    Uuid::parse_str(text).with_context(|| format!("{text:?} is not an id"))
}

fn moment(stamp: Option<&prost_types::Timestamp>) -> anyhow::Result<OffsetDateTime> {
    stamp.and_then(proto::from_timestamp).ok_or_else(|| anyhow!("a moment is missing or out of range"))
}

fn money(money: Option<&common::Money>) -> anyhow::Result<types::Money> {
    Ok(types::Money::try_from(money.context("an amount is missing")?)?)
}

fn quantity(quantity: Option<&common::Quantity>) -> anyhow::Result<Decimal> {
    let quantity = quantity.context("a quantity is missing")?;
    types::parse_decimal(&quantity.value).with_context(|| format!("{:?} is not a quantity", quantity.value))
}
