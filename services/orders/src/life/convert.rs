//! Orders, facts and history between wire and domain.

use proto::orders::v1 as wire;
use rust_decimal::Decimal;
use serde_json::Value;
use service::Check;
use time::OffsetDateTime;
use types::{Currency, Money, Quantity, Unit};

use super::{
    domain::{
        Fact, FulfilmentState, Line, LineChange, LineKind, Machine, Order, OrderState, Part, PaymentState, Shipment,
    },
    queries::{Head, TimelineRow},
};
use crate::intake::convert::number;

/// An amount with the minor unit's digits: the database forgets those of a zero.
fn money(amount: Decimal, currency: Currency) -> Option<proto::common::v1::Money> {
    Some(Money::new(amount, currency).rounded().into())
}

/// A unit price, which may have more digits than the minor unit.
fn price(amount: Decimal, currency: Currency) -> Option<proto::common::v1::Money> {
    Some(Money::new(amount, currency).into())
}

fn quantity(value: Decimal, unit: Unit) -> Option<proto::common::v1::Quantity> {
    Some(Quantity { value, unit }.into())
}

fn kind(kind: LineKind) -> i32 {
    match kind {
        LineKind::Goods => wire::LineKind::Goods.into(),
        LineKind::Charge => wire::LineKind::Charge.into(),
    }
}

fn machine(name: &str) -> wire::StateMachine {
    match name {
        OrderState::NAME => wire::StateMachine::Order,
        PaymentState::NAME => wire::StateMachine::Payment,
        FulfilmentState::NAME => wire::StateMachine::Fulfilment,
        _ => wire::StateMachine::Unspecified,
    }
}

/// A line for the wire, as ordered.
fn line(line: &Line, currency: Currency) -> wire::OrderLine {
    wire::OrderLine {
        line_no: line.line_no,
        kind: kind(line.kind),
        sku: line.sku.clone(),
        quantity: quantity(line.quantity, line.unit),
        unit_price: price(line.unit_price, currency),
        discount: money(line.worth.discount, currency),
        tax: money(line.worth.tax, currency),
        total: money(line.worth.amount, currency),
        category: line.category.clone(),
        brand: line.brand.clone(),
    }
}

/// A line as it still stands: what was cancelled is gone. `None` when all of it is.
fn standing_line(whole: &Line, currency: Currency) -> Option<wire::OrderLine> {
    let left = whole.quantity - whole.cancelled;
    (left > Decimal::ZERO).then(|| wire::OrderLine {
        quantity: quantity(left, whole.unit),
        discount: money(whole.worth.discount - whole.cancelled_worth.discount, currency),
        tax: money(whole.worth.tax - whole.cancelled_worth.tax, currency),
        total: money(whole.worth.amount - whole.cancelled_worth.amount, currency),
        ..line(whole, currency)
    })
}

/// What was cancelled or returned, for the wire.
pub(crate) fn changes(changes: &[LineChange], currency: Currency) -> Vec<wire::LineChange> {
    let change = |change: &LineChange| wire::LineChange {
        line_no: change.line_no,
        sku: change.sku.clone(),
        quantity: quantity(change.quantity, change.unit),
        amount: money(change.worth.amount, currency),
        discount: money(change.worth.discount, currency),
        kind: kind(change.kind),
        tax: money(change.worth.tax, currency),
    };
    changes.iter().map(change).collect()
}

/// A fact for the outbox.
pub(super) fn event(order: &Order, at: OffsetDateTime, fact: &Fact) -> wire::OrdersEvent {
    use wire::orders_event::Event;
    let (order_id, currency) = (order.id.to_string(), order.currency);
    let stamp = Some(proto::to_timestamp(at));
    let event = match fact {
        Fact::Confirmed => Event::OrderConfirmed(wire::OrderConfirmed {
            order_id,
            lines: order.lines.iter().filter_map(|line| standing_line(line, currency)).collect(),
            priority: order.priority,
            warehouse: order.warehouse.clone(),
            region: order.region.clone(),
            delivery_method: order.delivery_method.clone(),
            confirmed_at: stamp,
            number: number(order.number),
            placed_at: Some(proto::to_timestamp(order.placed_at)),
            channel: order.channel.clone(),
            hold_id: order.hold_id.map(|id| id.to_string()).unwrap_or_default(),
        }),
        Fact::Cancelled { cancelled_at, reason, lines } => Event::OrderCancelled(wire::OrderCancelled {
            order_id,
            reason: reason.clone(),
            lines: changes(lines, currency),
            cancelled_at: Some(proto::to_timestamp(*cancelled_at)),
        }),
        Fact::LinesCancelled { cancelled_at, reason, lines } => Event::OrderLinesCancelled(wire::OrderLinesCancelled {
            order_id,
            reason: reason.clone(),
            lines: changes(lines, currency),
            cancelled_at: Some(proto::to_timestamp(*cancelled_at)),
        }),
        Fact::Moved { transition, reason } => Event::OrderStateChanged(wire::OrderStateChanged {
            order_id,
            machine: machine(transition.machine).into(),
            from_state: transition.from.to_owned(),
            to_state: transition.to.to_owned(),
            reason: reason.clone(),
            changed_at: stamp,
        }),
        Fact::Completed => Event::OrderCompleted(wire::OrderCompleted { order_id, completed_at: stamp }),
        Fact::Paid { paid_at, payment_id, method, amount, paid_total, state } => {
            Event::PaymentRecorded(wire::PaymentRecorded {
                order_id,
                payment_id: payment_id.to_string(),
                method: method.clone(),
                amount: money(*amount, currency),
                paid_total: money(*paid_total, currency),
                payment_state: (*state).to_owned(),
                paid_at: Some(proto::to_timestamp(*paid_at)),
            })
        }
        Fact::Returned { returned_at, return_id, reason, outcome, lines } => {
            Event::OrderReturned(wire::OrderReturned {
                order_id,
                return_id: return_id.to_string(),
                lines: changes(lines, currency),
                reason: reason.clone(),
                outcome: outcome_to_wire(outcome).into(),
                returned_at: Some(proto::to_timestamp(*returned_at)),
            })
        }
    };
    wire::OrdersEvent { event: Some(event) }
}

/// The outcome of a return for the wire.
pub(crate) fn outcome_to_wire(outcome: &str) -> wire::ReturnOutcome {
    match outcome {
        "write_off" => wire::ReturnOutcome::WriteOff,
        "repair" => wire::ReturnOutcome::Repair,
        _ => wire::ReturnOutcome::Restock,
    }
}

/// An order for the wire.
pub(super) fn order(head: &Head, lines: &[Line], shipments: &[Shipment]) -> wire::Order {
    wire::Order {
        summary: Some(summary(head)),
        lines: lines.iter().map(|line| line_view(line, head.currency)).collect(),
        shipments: shipments.iter().map(shipment_view).collect(),
    }
}

/// The head of an order for the wire.
pub(super) fn summary(head: &Head) -> wire::OrderSummary {
    let row = &head.row;
    let money = |amount: Decimal| money(amount, head.currency);
    let balance = row.total - row.cancelled_amount - row.returned_amount - row.paid + row.refunded;
    wire::OrderSummary {
        order_id: row.id.to_string(),
        number: number(row.number),
        channel: row.channel.clone(),
        external_id: row.external_id.clone(),
        placed_at: Some(proto::to_timestamp(row.placed_at)),
        received_at: Some(proto::to_timestamp(row.received_at)),
        customer_id: row.customer_id.map(|id| id.to_string()).unwrap_or_default(),
        region: row.region.clone(),
        delivery_method: row.delivery_method.clone(),
        payment_method: row.payment_method.clone(),
        state: row.state.clone(),
        payment_state: row.payment_state.clone(),
        fulfilment_state: row.fulfilment_state.clone(),
        hold_reasons: row.hold_reasons.clone(),
        flags: row.flags.clone(),
        gross: money(row.gross),
        discount: money(row.discount),
        tax: money(row.tax),
        total: money(row.total),
        cancelled_amount: money(row.cancelled_amount),
        returned_amount: money(row.returned_amount),
        paid: money(row.paid),
        refunded: money(row.refunded),
        balance: money(balance),
        priority: row.priority,
        warehouse: row.warehouse.clone(),
        version: row.version,
        prices_include_tax: row.prices_include_tax,
        comment: row.comment.clone(),
    }
}

fn line_view(whole: &Line, currency: Currency) -> wire::OrderLineView {
    let amount = |amount: Decimal| money(amount, currency);
    let of = |value: Decimal| quantity(value, whole.unit);
    wire::OrderLineView {
        line: Some(line(whole, currency)),
        tax_rate: whole.tax_rate.normalize().to_string(),
        order_discount: amount(whole.order_discount),
        list_price: whole.list_price.and_then(|list| price(list, currency)),
        cancelled: of(whole.cancelled),
        cancelled_amount: amount(whole.cancelled_worth.amount),
        reserved: of(whole.reserved),
        backordered: of(whole.backordered),
        shipped: of(whole.shipped),
        failed: of(whole.failed),
        returned: of(whole.returned),
        returned_amount: amount(whole.returned_worth.amount),
    }
}

fn shipment_view(shipment: &Shipment) -> wire::ShipmentView {
    wire::ShipmentView {
        shipment_id: shipment.id.to_string(),
        state: shipment.state.code().to_owned(),
        carrier: shipment.carrier.clone(),
        tracking_number: shipment.tracking_number.clone(),
        shipped_at: shipment.shipped_at.map(proto::to_timestamp),
        ended_at: shipment.ended_at.map(proto::to_timestamp),
    }
}

/// A history entry for the wire.
pub(super) fn entry(row: TimelineRow) -> wire::TimelineEntry {
    let params = match row.params {
        Value::Object(map) => map
            .into_iter()
            .map(|(key, value)| {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                (key, text)
            })
            .collect(),
        _ => std::collections::HashMap::new(),
    };
    wire::TimelineEntry {
        position: row.id,
        at: Some(proto::to_timestamp(row.at)),
        source: row.source,
        actor: row.actor,
        code: row.code,
        machine: machine(row.machine.as_deref().unwrap_or_default()).into(),
        from_state: row.from_state,
        to_state: row.to_state,
        reason: row.reason,
        params,
    }
}

/// Parts of lines from the wire.
pub(crate) fn parts(check: &mut Check, lines: &[wire::LinePart]) -> Vec<AskedPart> {
    check.len("lines", lines.len(), 1..=1000);
    let (mut parts, mut seen) = (Vec::new(), std::collections::HashSet::new());
    for (at, line) in lines.iter().take(1000).enumerate() {
        let value = line.quantity.as_ref().map(|quantity| quantity.value.as_str()).unwrap_or_default();
        let quantity = check.decimal(&format!("lines[{at}].quantity"), value);
        check.require(quantity > Decimal::ZERO, format!("lines[{at}].quantity"), "must be above zero");
        let amount = check.optional_money(&format!("lines[{at}].amount"), &line.amount);
        check.require(seen.insert(line.line_no), format!("lines[{at}].line_no"), "is there twice");
        let unit = line.quantity.as_ref().map(|quantity| quantity.unit.clone()).filter(|unit| !unit.is_empty());
        parts.push(AskedPart { line_no: line.line_no, quantity, unit, amount });
    }
    parts
}

/// A part of a line as asked for, before it is known what line that is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedPart {
    line_no: i32,
    quantity: Decimal,
    unit: Option<String>,
    amount: Option<Money>,
}

/// Fits parts to the lines of an order.
///
/// # Errors
/// Which of them cannot be: other unit, too many decimals, other currency.
pub(crate) fn fit(order: &Order, asked: &[AskedPart]) -> Result<Vec<Part>, Vec<service::Violation>> {
    let mut check = Check::new();
    for (at, part) in asked.iter().enumerate() {
        let field = |name: &str| format!("lines[{at}].{name}");
        if let Some(line) = order.lines.iter().find(|line| line.line_no == part.line_no) {
            let same_unit = part.unit.as_ref().is_none_or(|unit| unit == line.unit.code());
            check.require(same_unit, field("quantity.unit"), format!("must be {}", line.unit));
            let fits = part.quantity.normalize().scale() <= line.unit.digits();
            check.require(fits, field("quantity.value"), "has more decimals than the unit allows");
        } else {
            check.wrong(field("line_no"), format!("the order has no line {}", part.line_no));
        }
        if let Some(amount) = part.amount {
            let same = amount.currency == order.currency;
            check.require(same, field("amount.currency"), format!("must be {}", order.currency));
            let fits = amount.amount.normalize().scale() <= order.currency.minor_digits();
            check.require(fits, field("amount.amount"), "has more decimals than the currency");
        }
    }
    check.done()?;
    let part = |asked: &AskedPart| {
        let amount = asked.amount.map(|amount| amount.rounded().amount);
        Part { line_no: asked.line_no, quantity: asked.quantity, amount }
    };
    Ok(asked.iter().map(part).collect())
}

/// A reason code in lower snake case.
pub(crate) fn reason_code(check: &mut Check, field: &str, value: &str) -> String {
    let good = (1..=64).contains(&value.len())
        && value.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    check.require(good, field, "must be 1 to 64 characters in lower snake case, for example buyer_request");
    if good { value.to_owned() } else { String::new() }
}
