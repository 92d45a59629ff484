//! 5, 10, 11, 14, 15 and 21: numbers, needs, fates of pieces, and sums of documents.

use std::collections::{BTreeMap, BTreeSet};

use proto::erp::v1::{DemandState, Reservation, Shipment, ShipmentState};
use proto::orders::v1::ReturnOutcome;
use rust_decimal::Decimal;

use super::values::{amount, dec, list, number, quantity, text};
use super::{Evidence, Finding};
use crate::history::Kind;
use crate::picture::{OrderPicture, Picture};

/// 5.
pub(super) fn numbers(evidence: &Evidence) -> Finding {
    let mut finding = Finding::default();
    let picture = &evidence.quiet;
    let mut seen = BTreeSet::new();
    for order in picture.orders.values().filter_map(|order| order.order.summary.as_ref()) {
        let fresh = !order.number.is_empty() && seen.insert(order.number.as_str());
        finding.expect(fresh, || format!("the order number {} twice", order.number));
    }
    let mut seen = BTreeSet::new();
    for receipt in picture.receipts.values() {
        finding.expect(seen.insert(receipt.number), || format!("the receipt number {} twice", receipt.number));
    }
    let mut seen = BTreeSet::new();
    for one in picture.moves() {
        finding.expect(seen.insert(one.id), || format!("the movement number {} twice", one.id));
    }
    // Tasks promise numbers without gaps.
    let mut projects: BTreeMap<&str, BTreeSet<i64>> = BTreeMap::new();
    for task in picture.tasks.values() {
        let number = task.task.key.rsplit('-').next().and_then(|number| number.parse().ok()).unwrap_or(-1);
        let fresh = projects.entry(&task.task.project).or_default().insert(number);
        finding.expect(fresh, || format!("the task number {} twice", task.task.key));
    }
    for (project, last) in &picture.last_numbers {
        let there = projects.remove(project.as_str()).unwrap_or_default();
        finding.expect(there.iter().copied().eq(1..=*last), || {
            format!("tasks of {project}: numbers 1 to {last} are promised, there are {there:?}")
        });
    }
    finding
}

/// What a line lacks.
fn lacks(line: &proto::erp::v1::ReservationLine) -> Decimal {
    dec(&line.ordered) - dec(&line.cancelled) - dec(&line.shipped)
}

/// 10.
pub(super) fn reserved_is_needed(evidence: &Evidence) -> Finding {
    let mut finding = Finding::default();
    let mut sums: BTreeMap<&str, (Decimal, Decimal)> = BTreeMap::new();
    for (order_id, order) in &evidence.quiet.orders {
        let Some(held) = &order.reservation else { continue };
        for line in &held.lines {
            let (reserved, backordered) = (dec(&line.reserved), dec(&line.backordered));
            let sum = sums.entry(&line.sku).or_default();
            (sum.0, sum.1) = (sum.0 + reserved, sum.1 + backordered);
            let wanted = if held.state() == DemandState::Open { lacks(line) } else { Decimal::ZERO };
            finding.expect(reserved + backordered == wanted && reserved >= Decimal::ZERO, || {
                format!("order {order_id} {:?} needs {wanted} and has {line:?}", held.state())
            });
        }
        told_as_held(order_id, order, held, &mut finding);
    }
    for (sku, item) in &evidence.quiet.items {
        let (reserved, backordered) = sums.get(sku.as_str()).copied().unwrap_or_default();
        finding.equal(|| format!("reserved of {sku}"), dec(&item.item.reserved), reserved);
        finding.equal(|| format!("backordered of {sku}"), dec(&item.item.backordered), backordered);
    }
    finding
}

/// orders tells of the same reservation; a cancelled order holds nothing.
fn told_as_held(order_id: &str, order: &OrderPicture, held: &Reservation, finding: &mut Finding) {
    let Some(summary) = &order.order.summary else { return };
    let cancelled = summary.state == "cancelled";
    finding.expect(!cancelled || held.state() == DemandState::Cancelled, || {
        format!("order {order_id} is cancelled and its demand is {:?}", held.state())
    });
    for line in &held.lines {
        let told = order.order.lines.iter().find(|view| view.line.as_ref().is_some_and(|l| l.line_no == line.line_no));
        let told = told.map_or(Decimal::MIN, |view| quantity(&view.reserved));
        finding.expect(told == dec(&line.reserved), || {
            format!("order {order_id} line {}: orders says {told} held, erp {}", line.line_no, line.reserved)
        });
    }
}

fn left(shipment: &Shipment) -> bool {
    matches!(shipment.state(), ShipmentState::Shipped | ShipmentState::Delivered | ShipmentState::Failed)
}

fn being_made(shipment: &Shipment) -> bool {
    matches!(shipment.state(), ShipmentState::Picking | ShipmentState::Picked | ShipmentState::Packed)
}

fn pieces(shipments: &[Shipment], which: fn(&Shipment) -> bool, line_no: i32) -> Decimal {
    let lines = shipments.iter().filter(|shipment| which(shipment)).flat_map(|shipment| &shipment.lines);
    lines.filter(|line| line.line_no == line_no).map(|line| quantity(&line.quantity)).sum()
}

/// 11.
pub(super) fn each_piece_has_one_fate(evidence: &Evidence) -> Finding {
    let mut finding = Finding::default();
    for (order_id, order) in &evidence.quiet.orders {
        let Some(held) = &order.reservation else {
            finding.expect(order.shipments.is_empty(), || format!("order {order_id} has shipments and no demand"));
            continue;
        };
        for line in &held.lines {
            let sent = pieces(&order.shipments, left, line.line_no);
            finding.equal(|| format!("order {order_id} line {} shipped", line.line_no), dec(&line.shipped), sent);
            let in_lots: Decimal = line.lots.iter().map(|lot| dec(&lot.quantity)).sum();
            finding.equal(|| format!("order {order_id} line {} held", line.line_no), dec(&line.reserved), in_lots);
            let in_hands = line.lots.iter().filter(|lot| !lot.shipment_id.is_empty());
            let in_hands: Decimal = in_hands.map(|lot| dec(&lot.quantity)).sum();
            let made = pieces(&order.shipments, being_made, line.line_no);
            finding.equal(|| format!("order {order_id} line {} in hands", line.line_no), in_hands, made);
            let over = dec(&line.shipped) + dec(&line.cancelled) > dec(&line.ordered);
            finding.expect(!over, || format!("order {order_id} line {}: more than was ordered", line.line_no));
        }
    }
    finding
}

fn is_own(place: &str) -> bool {
    place.contains('/') || place == "TRANSIT"
}

/// Pieces with buyers, by sku, from the shipments.
fn with_buyers(picture: &Picture) -> BTreeMap<&str, Decimal> {
    let mut sums: BTreeMap<&str, Decimal> = BTreeMap::new();
    for shipment in picture.orders.values().flat_map(|order| &order.shipments).filter(|shipment| left(shipment)) {
        for line in &shipment.lines {
            *sums.entry(&line.sku).or_default() += quantity(&line.quantity) - dec(&line.returned);
        }
    }
    sums
}

/// Pieces that came back and were thrown away, by sku, from the returns.
fn thrown_away(picture: &Picture) -> BTreeMap<&str, Decimal> {
    let mut sums: BTreeMap<&str, Decimal> = BTreeMap::new();
    let returns = picture.orders.values().flat_map(|order| &order.returns);
    for back in returns.filter(|back| back.outcome() == ReturnOutcome::WriteOff && back.booked_at.is_some()) {
        for part in &back.lines {
            *sums.entry(&part.sku).or_default() += quantity(&part.quantity);
        }
    }
    sums
}

/// 14.
pub(super) fn pieces_are_conserved(evidence: &Evidence) -> Finding {
    let mut finding = Finding::default();
    let picture = &evidence.quiet;
    let (sold, lost) = (with_buyers(picture), thrown_away(picture));
    for (sku, item) in &picture.items {
        let mut received = Decimal::ZERO;
        for op in evidence.history.of_kind(Kind::Receive) {
            for line in list(&op.body["lines"]).filter(|line| text(&line["sku"]) == sku) {
                let came_in = |one: &proto::erp::v1::Move| one.cause_kind == "receipt" && one.lot == text(&line["lot"]);
                if op.is_ok() || item.moves.iter().any(came_in) {
                    received += number(&line["quantity"]["value"]);
                }
            }
        }
        // Which open write-offs were done is known from the ledger alone; 4 bounds their number.
        let spoiled: Decimal =
            item.moves.iter().filter(|one| one.cause_kind == "write_off").map(|one| dec(&one.quantity)).sum();
        let there: Decimal = item.stock.lots.iter().filter(|lot| is_own(&lot.place)).map(|lot| dec(&lot.on_hand)).sum();
        let gone = sold.get(sku.as_str()).copied().unwrap_or_default()
            + lost.get(sku.as_str()).copied().unwrap_or_default()
            + spoiled;
        finding.expect(there == received - gone, || {
            format!("{sku}: {received} came in, {gone} are gone by documents, {there} are there")
        });
    }
    finding
}

/// 15.
pub(super) fn lots_lead_to_receipts(evidence: &Evidence) -> Finding {
    let mut finding = Finding::default();
    let picture = &evidence.quiet;
    let mut with_buyers: BTreeMap<(&str, &str), Decimal> = BTreeMap::new();
    for shipment in picture.orders.values().flat_map(|order| &order.shipments).filter(|shipment| left(shipment)) {
        for line in &shipment.lines {
            *with_buyers.entry((&line.sku, &line.lot)).or_default() += quantity(&line.quantity) - dec(&line.returned);
        }
    }
    let mut received: BTreeMap<(&str, &str), Decimal> = BTreeMap::new();
    for op in evidence.history.of_kind(Kind::Receive) {
        for line in list(&op.body["lines"]) {
            received.insert((text(&line["sku"]), text(&line["lot"])), number(&line["quantity"]["value"]));
        }
    }
    for ((sku, lot), sold) in with_buyers {
        let Some(item) = picture.items.get(sku) else {
            finding.expect(false, || format!("{sku} was shipped and is no item"));
            continue;
        };
        let there: Decimal = item.stock.lots.iter().filter(|one| one.lot == lot).map(|one| dec(&one.on_hand)).sum();
        let of_lot = item.moves.iter().filter(|one| one.lot == lot);
        let lost: Decimal = of_lot.filter(|one| one.to_place == "LOSS").map(|one| dec(&one.quantity)).sum();
        let came_in = received.get(&(sku, lot)).copied();
        finding.expect(came_in == Some(there + sold + lost), || {
            format!("{sku} {lot}: {came_in:?} came in; {there} there, {sold} with buyers, {lost} lost")
        });
    }
    finding
}

/// 21.
pub(super) fn totals(evidence: &Evidence) -> Finding {
    let mut finding = Finding::default();
    for (order_id, picture) in &evidence.quiet.orders {
        let Some(head) = &picture.order.summary else { continue };
        let what = |name: &'static str| move || format!("{name} of order {order_id}");
        let lines = || picture.order.lines.iter().filter_map(|view| view.line.as_ref());
        let sum = |part: fn(&proto::orders::v1::OrderLine) -> Decimal| lines().map(part).sum::<Decimal>();
        let (discount, total) = (sum(|line| amount(&line.discount)), sum(|line| amount(&line.total)));
        finding.equal(what("total"), amount(&head.total), total);
        finding.equal(what("discount"), amount(&head.discount), discount);
        finding.equal(what("tax"), amount(&head.tax), sum(|line| amount(&line.tax)));
        finding.equal(what("gross"), amount(&head.gross), total + discount);
        for line in lines() {
            let gross = types::round_half_away(amount(&line.unit_price) * quantity(&line.quantity), 2);
            finding.equal(what("a line"), amount(&line.total), gross - amount(&line.discount));
        }
        let views = || picture.order.lines.iter();
        finding.equal(
            what("cancelled"),
            amount(&head.cancelled_amount),
            views().map(|view| amount(&view.cancelled_amount)).sum(),
        );
        finding.equal(
            what("returned"),
            amount(&head.returned_amount),
            views().map(|view| amount(&view.returned_amount)).sum(),
        );
        for view in views() {
            let Some(line) = &view.line else { continue };
            let (all, cancelled) = (quantity(&line.quantity), quantity(&view.cancelled));
            finding.expect(cancelled <= all, || format!("order {order_id}: {cancelled} of {all} cancelled"));
            // Goods that left while their cancellation was on its way may come back too: what is given once is the money.
            let (shipped, returned) = (quantity(&view.shipped), quantity(&view.returned));
            finding.expect(returned <= shipped, || format!("order {order_id}: {returned} of {shipped} returned"));
            let (paid, back) = (amount(&line.total), amount(&view.cancelled_amount) + amount(&view.returned_amount));
            finding.expect(back.abs() <= paid.abs(), || {
                format!("order {order_id}: {back} given back of a line of {paid}")
            });
        }
        let payments = || picture.payments.iter().map(|payment| amount(&payment.amount));
        let (paid, refunded): (Decimal, Decimal) = (
            payments().filter(|sum| *sum > Decimal::ZERO).sum(),
            -payments().filter(|sum| *sum < Decimal::ZERO).sum::<Decimal>(),
        );
        finding.equal(what("paid"), amount(&head.paid), paid);
        finding.equal(what("refunded"), amount(&head.refunded), refunded);
        finding.expect(refunded <= paid, || format!("order {order_id}: {refunded} given back of {paid}"));
        let due = amount(&head.total) - amount(&head.cancelled_amount) - amount(&head.returned_amount);
        finding.equal(what("balance"), amount(&head.balance), due - paid + refunded);
    }
    finding
}
