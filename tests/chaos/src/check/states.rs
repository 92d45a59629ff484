//! 25, 26 and 31: states move along their arrows, everybody has the same picture, nothing stays half done.

use std::collections::BTreeMap;

use proto::erp::v1::{Move, Shipment, ShipmentState};
use proto::orders::v1::{OrderSummary, StateMachine, TimelineEntry};
use rust_decimal::Decimal;

use super::values::{amount, dec, quantity};
use super::{Evidence, Finding};
use crate::picture::OrderPicture;

/// The arrows, written down here once more: a checker that asked the services would agree with them.
const ORDER: &[(&str, &[&str])] = &[("new", &["confirmed", "cancelled"]), ("confirmed", &["completed", "cancelled"])];
const PAYMENT: &[(&str, &[&str])] = &[
    ("unpaid", &["partially_paid", "paid", "overpaid"]),
    ("partially_paid", &["paid", "overpaid", "partially_refunded", "refunded"]),
    ("paid", &["overpaid", "partially_refunded", "refunded"]),
    ("overpaid", &["partially_refunded", "refunded"]),
    ("partially_refunded", &["refunded"]),
    ("refunded", &["partially_refunded"]),
];
const LEFT: &[&str] = &["picking", "partially_shipped", "shipped", "cancelled"];
const BEFORE: &[&str] = &["none", "reserved", "partially_reserved", "backordered"];
const FULFILMENT: &[(&str, &[&str])] = &[
    ("picking", &["packed", "partially_shipped", "shipped", "cancelled"]),
    ("packed", &["partially_shipped", "shipped", "cancelled"]),
    ("partially_shipped", &["shipped", "returned", "not_collected"]),
    ("shipped", &["delivered", "not_collected", "returned"]),
    ("delivered", &["returned"]),
    ("not_collected", &["cancelled"]),
];
const TASK: &[(&str, &[&str])] = &[
    ("open", &["in_progress", "cancelled", "done"]),
    ("in_progress", &["open", "done", "cancelled"]),
    ("done", &["open"]),
    ("cancelled", &["open"]),
];

fn may(arrows: &[(&str, &[&str])], from: &str, to: &str) -> bool {
    arrows.iter().any(|(start, targets)| *start == from && targets.contains(&to))
}

fn may_machine(machine: StateMachine, from: &str, to: &str) -> bool {
    match machine {
        StateMachine::Order => may(ORDER, from, to),
        StateMachine::Payment => may(PAYMENT, from, to),
        StateMachine::Fulfilment if BEFORE.contains(&from) => {
            from != to && (LEFT.contains(&to) || BEFORE.contains(&to))
        }
        StateMachine::Fulfilment => may(FULFILMENT, from, to),
        StateMachine::Unspecified => false,
    }
}

/// 25.
pub(super) fn along_arrows(evidence: &Evidence) -> Finding {
    let mut finding = Finding::default();
    let moves = evidence.quiet.moves();
    let mut sent: BTreeMap<&str, Vec<&Move>> = BTreeMap::new();
    for one in moves.into_iter().filter(|one| one.cause_kind == "shipment") {
        sent.entry(&one.order_id).or_default().push(one);
    }
    for (order_id, order) in &evidence.quiet.orders {
        let Some(summary) = &order.order.summary else { continue };
        for (machine, now, start) in [
            (StateMachine::Order, &summary.state, None),
            (StateMachine::Payment, &summary.payment_state, Some("unpaid")),
            (StateMachine::Fulfilment, &summary.fulfilment_state, Some("none")),
        ] {
            machine_moves(order_id, &order.timeline, (machine, now, start), &mut finding);
        }
        for shipment in &order.shipments {
            shipment_times(shipment, &mut finding);
        }
        shipped_with_movement(order_id, order, sent.remove(order_id.as_str()).unwrap_or_default(), &mut finding);
    }
    for order_id in sent.keys() {
        finding.expect(false, || format!("goods moved for the order {order_id}, which is none"));
    }
    for task in evidence.quiet.tasks.values() {
        task_moves(&task.task.key, &task.task.state, &task.changes, &mut finding);
    }
    finding
}

fn seconds(at: &Option<prost_types::Timestamp>) -> (i64, i32) {
    at.as_ref().map_or((i64::MIN, 0), |at| (at.seconds, at.nanos))
}

fn machine_moves(
    order_id: &str,
    timeline: &[TimelineEntry],
    (machine, now, start): (StateMachine, &str, Option<&str>),
    finding: &mut Finding,
) {
    let mut state = start.map(str::to_owned);
    let mut last: BTreeMap<&str, (i64, i32)> = BTreeMap::new();
    for entry in timeline.iter().filter(|entry| entry.machine() == machine && !entry.to_state.is_empty()) {
        if entry.from_state.is_empty() {
            state = Some(entry.to_state.clone());
            continue;
        }
        let fits = state.as_ref().is_none_or(|state| *state == entry.from_state);
        finding.expect(fits && may_machine(machine, &entry.from_state, &entry.to_state), || {
            format!("order {order_id}: {machine:?} was {state:?} and went {} > {}", entry.from_state, entry.to_state)
        });
        state = Some(entry.to_state.clone());
        // Each service's own clock goes forward; between services only the order of the timeline counts.
        let (at, before) = (seconds(&entry.at), last.get(entry.source.as_str()).copied());
        finding.expect(before.is_none_or(|before| before <= at), || {
            format!("order {order_id}: {machine:?} by {} went back in time: {entry:?}", entry.source)
        });
        last.insert(&entry.source, at);
    }
    finding.expect(state.is_none_or(|state| state == now), || format!("order {order_id}: {machine:?} is {now}"));
}

fn shipment_times(shipment: &Shipment, finding: &mut Finding) {
    let (made, left, ended) =
        (seconds(&shipment.created_at), seconds(&shipment.shipped_at), seconds(&shipment.ended_at));
    let fine =
        (shipment.shipped_at.is_none() || made <= left) && (shipment.ended_at.is_none() || made.max(left) <= ended);
    finding.expect(fine, || format!("shipment {} goes back in time: {shipment:?}", shipment.shipment_id));
    let gone = matches!(shipment.state(), ShipmentState::Shipped | ShipmentState::Delivered | ShipmentState::Failed);
    finding.expect(gone == shipment.shipped_at.is_some(), || format!("{shipment:?}"));
}

fn shipped_with_movement(order_id: &str, order: &OrderPicture, moves: Vec<&Move>, finding: &mut Finding) {
    let mut sums: BTreeMap<(String, String), (Decimal, Decimal)> = BTreeMap::new();
    for shipment in order.shipments.iter().filter(|shipment| shipment.shipped_at.is_some()) {
        for line in &shipment.lines {
            let sum = sums.entry((line.sku.clone(), line.lot.clone())).or_default();
            (sum.0, sum.1) = (sum.0 + quantity(&line.quantity), sum.1 + amount(&line.cost));
        }
    }
    for one in moves {
        let sum = sums.entry((one.sku.clone(), one.lot.clone())).or_default();
        (sum.0, sum.1) = (sum.0 - dec(&one.quantity), sum.1 - amount(&one.value));
    }
    for (lot, (pieces, value)) in sums {
        finding.expect(pieces.is_zero() && value.is_zero(), || {
            format!("order {order_id} {lot:?}: {pieces} pieces worth {value} shipped without a movement")
        });
    }
}

fn task_moves(key: &str, now: &str, changes: &[proto::tasks::v1::TaskChange], finding: &mut Finding) {
    let mut state = None;
    for change in changes.iter().filter(|change| change.field == "state" && !change.old_value.is_empty()) {
        let fits = state.as_ref().is_none_or(|state| *state == change.old_value);
        finding.expect(fits && may(TASK, &change.old_value, &change.new_value), || {
            format!("task {key} was {state:?} and went {} > {}", change.old_value, change.new_value)
        });
        state = Some(change.new_value.clone());
    }
    finding.expect(state.is_none_or(|state| state == now), || format!("task {key} is {now}"));
}

/// 26.
pub(super) fn one_picture(evidence: &Evidence) -> Finding {
    let mut finding = Finding::default();
    let picture = &evidence.quiet;
    for (order_id, order) in &picture.orders {
        let Some(summary) = &order.order.summary else {
            finding.expect(false, || format!("order {order_id} has no head"));
            continue;
        };
        let fulfilled = matches!(summary.state.as_str(), "confirmed" | "completed");
        let held = order.reservation.is_some();
        finding.expect(if fulfilled { held } else { summary.state != "new" || !held }, || {
            format!("order {order_id} is {} and erp has it: {held}", summary.state)
        });
        crm_picture(order_id, order, summary, &mut finding);
        let counted = picture.kpi.by_region.get(&summary.region).map_or(0, |figures| figures.orders);
        finding.expect(counted == 1, || format!("order {order_id} is in kpi {counted} times"));
    }
    let orders = i64::try_from(picture.orders.len()).unwrap_or(i64::MAX);
    let counted = picture.kpi.summary.figures.as_ref().map_or(-1, |figures| figures.orders);
    finding.equal(|| "orders in kpi".to_owned(), counted, orders);
    let rows: i64 = picture.kpi.by_region.values().map(|figures| figures.orders).sum();
    finding.equal(|| "orders in kpi by region".to_owned(), rows, orders);
    let placed = picture.customers.values().filter_map(|customer| customer.figures.as_ref());
    finding.equal(|| "orders of crm's customers".to_owned(), placed.map(|figures| figures.placed_orders).sum(), orders);
    finding
}

fn crm_picture(order_id: &str, order: &OrderPicture, summary: &OrderSummary, finding: &mut Finding) {
    let Some(crm) = &order.crm else {
        finding.expect(false, || format!("order {order_id} is not in crm"));
        return;
    };
    let same = crm.resolved
        && crm.customer_id == summary.customer_id
        && amount(&crm.total) == amount(&summary.total)
        && amount(&crm.cancelled_amount) == amount(&summary.cancelled_amount)
        && amount(&crm.returned_amount) == amount(&summary.returned_amount);
    finding.expect(same, || format!("order {order_id}: orders says {summary:?}, crm says {crm:?}"));
    let left = order.shipments.iter().filter(|shipment| shipment.shipped_at.is_some()).count();
    let failed = order.shipments.iter().filter(|shipment| shipment.state() == ShipmentState::Failed).count();
    let told = (usize::try_from(crm.shipments).ok(), usize::try_from(crm.failed_shipments).ok());
    finding.equal(|| format!("order {order_id} shipments in crm"), told, (Some(left), Some(failed)));
}

/// 31.
pub(super) fn nothing_half_done(evidence: &Evidence) -> Finding {
    let mut finding = Finding::default();
    let picture = &evidence.quiet;
    for (order_id, order) in &picture.orders {
        let Some(summary) = &order.order.summary else { continue };
        finding.expect(!summary.customer_id.is_empty(), || format!("order {order_id}: crm never took its contact"));
        for back in &order.returns {
            finding
                .expect(back.booked_at.is_some(), || format!("order {order_id}: return {} not booked", back.return_id));
        }
        shipments_told(order_id, order, &mut finding);
        let tasks: Vec<_> = picture.tasks.values().map(|task| &task.task).collect();
        let assembly = || tasks.iter().filter(|task| task.rule == "order_to_assemble" && task.subject_id == *order_id);
        let open = assembly().filter(|task| !task.closed).count();
        match summary.fulfilment_state.as_str() {
            // Earlier ones may have been closed when it was not complete for a while.
            "reserved" => finding
                .expect(open == 1, || format!("order {order_id} is reserved and {open} open tasks say to assemble it")),
            "shipped" | "delivered" | "not_collected" | "returned" | "cancelled" => finding.expect(open == 0, || {
                format!("order {order_id} is {} and somebody is still to assemble it", summary.fulfilment_state)
            }),
            _ => finding.expect(open <= 1, || format!("order {order_id}: {open} tasks to assemble it")),
        }
    }
    let facts = &picture.kpi.facts;
    finding.equal(|| "orders kpi knows by halves".to_owned(), facts.orders_without_placement, 0);
    finding.equal(|| "orders with a wrong total in kpi".to_owned(), facts.orders_with_wrong_total, 0);
    finding
}

/// orders has heard of everything erp did with the order.
fn shipments_told(order_id: &str, order: &OrderPicture, finding: &mut Finding) {
    let word = |state: ShipmentState| match state {
        ShipmentState::Picking | ShipmentState::Picked => "picking",
        ShipmentState::Packed => "packed",
        ShipmentState::Shipped => "shipped",
        ShipmentState::Delivered => "delivered",
        ShipmentState::Failed => "failed",
        ShipmentState::Cancelled | ShipmentState::Unspecified => "",
    };
    for shipment in &order.shipments {
        let told = order.order.shipments.iter().find(|view| view.shipment_id == shipment.shipment_id);
        let state = word(shipment.state());
        // Whoever takes goods out of a shipment before it leaves says nothing; what left must be known.
        let fine = state.is_empty() || told.is_some_and(|view| view.state == state);
        finding.expect(fine, || {
            format!("order {order_id} shipment {}: erp says {state}, orders {told:?}", shipment.shipment_id)
        });
    }
    for line in order.reservation.iter().flat_map(|held| &held.lines) {
        let told = order.order.lines.iter().find(|view| view.line.as_ref().is_some_and(|l| l.line_no == line.line_no));
        let told = told.map_or(Decimal::MIN, |view| quantity(&view.shipped));
        finding.expect(told == dec(&line.shipped), || {
            format!("order {order_id} line {}: erp shipped {}, orders says {told}", line.line_no, line.shipped)
        });
    }
}
