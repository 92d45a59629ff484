//! 1 and 2: what was acknowledged is there; what stayed open is there as a whole or not at all, and stays so.

use std::collections::{BTreeMap, BTreeSet};

use proto::orders::v1::OrderReturn;
use rust_decimal::Decimal;
use serde_json::Value;

use super::values::{amount, list, number, order_of, pushed, quantity, text};
use super::{Evidence, Finding};
use crate::history::{Kind, Op, Outcome};
use crate::picture::read::key_of;
use crate::picture::{OrderPicture, Picture};

/// 1.
pub(super) fn acknowledged_is_readable(evidence: &Evidence) -> Finding {
    let mut finding = Finding::default();
    let picture = &evidence.quiet;
    let by_key = picture.by_external_id();
    for push in pushed(&evidence.history) {
        for answer in &push.answers {
            let found = by_key.get(push.key).into_iter().flatten();
            let there = found.filter_map(|order| order.order.summary.as_ref());
            let there = there.filter(|head| head.order_id == text(&answer["order_id"])).count() == 1;
            finding.expect(there, || format!("{} was acknowledged as {} and is not there", push.op.name(), answer));
        }
    }
    let moved: BTreeSet<&str> = picture.moves().into_iter().map(|one| one.cause_id.as_str()).collect();
    for op in evidence.history.ops.values() {
        if let (false, Some(answer)) = (matches!(op.kind, Kind::Push | Kind::PushBatch), op.answer())
            && let Some(there) = is_there(op, answer, picture, &moved)
        {
            finding.expect(there, || format!("{} was acknowledged and its effect is not there: {answer}", op.name()));
        }
    }
    finding
}

/// Whether the effect of an acknowledged write can be read; `None` for what writes nothing by itself.
fn is_there(op: &Op, answer: &Value, picture: &Picture, moved: &BTreeSet<&str>) -> Option<bool> {
    let order = || picture.orders.get(order_of(op));
    let task = |id: &Value| picture.tasks.get(text(id));
    Some(match op.kind {
        Kind::Pay | Kind::Refund => {
            let (id, sum) = (text(&answer["payment"]["payment_id"]), number(&answer["payment"]["amount"]["amount"]));
            order()?.payments.iter().any(|payment| payment.payment_id == id && amount(&payment.amount) == sum)
        }
        Kind::Confirm => order()?.order.summary.as_ref()?.state != "new",
        Kind::Cancel | Kind::CancelLines => list(&answer["cancelled"]).all(|part| {
            let line = order().and_then(|order| line(order, &part["line_no"]));
            line.is_some_and(|line| quantity(&line.cancelled) >= number(&part["quantity"]["value"]))
        }),
        Kind::Return => {
            let id = text(&answer["order_return"]["return_id"]);
            order()?.returns.iter().any(|back| back.return_id == id)
        }
        Kind::Receive => {
            let id = text(&answer["receipt"]["receipt_id"]);
            picture.receipts.contains_key(id) && moved.contains(id)
        }
        Kind::Transfer => moved.contains(text(&answer["transfer_id"])),
        Kind::WriteOff => moved.contains(text(&answer["adjustment_id"])),
        Kind::Pick | Kind::ConfirmPick | Kind::Pack | Kind::Ship | Kind::Deliver | Kind::Fail => {
            let shipment = &answer["shipment"];
            shipment_has_come_to(picture, text(&shipment["order_id"]), text(&shipment["shipment_id"]), op.kind)
        }
        Kind::ShipOrders => list(&answer["results"]).all(|result| {
            list(&result["shipment_ids"])
                .all(|id| shipment_has_come_to(picture, text(&result["order_id"]), text(id), Kind::Ship))
        }),
        Kind::Product => {
            let product = picture.products.get(text(&answer["product"]["sku"]))?;
            product.version >= text(&answer["product"]["version"]).parse().unwrap_or(i64::MAX)
        }
        Kind::Price => list(&op.body["prices"]).all(|price| {
            let set = picture.prices.get(text(&price["sku"])).into_iter().flatten();
            let wanted = number(&price["price"]["amount"]);
            set.filter_map(|entry| entry.price.as_ref()).any(|entry| amount(&entry.price) == wanted)
        }),
        Kind::TaskCreate => task(&answer["task"]["task_id"]).is_some(),
        Kind::TaskMove => {
            let version: i64 = text(&answer["task"]["version"]).parse().unwrap_or(i64::MAX);
            task(&answer["task"]["task_id"])?.task.version >= version
        }
        Kind::Comment => {
            let id = text(&answer["comment"]["comment_id"]);
            task(&answer["comment"]["task_id"])?.comments.iter().any(|comment| comment.comment_id == id)
        }
        Kind::PageSave => {
            let page = picture.pages.get(text(&answer["page"]["page_id"]))?;
            page.bodies.iter().any(|body| *body == text(&op.body["body"]))
        }
        _ => return None,
    })
}

fn line<'a>(order: &'a OrderPicture, line_no: &Value) -> Option<&'a proto::orders::v1::OrderLineView> {
    let line_no = line_no.as_i64()?;
    order.order.lines.iter().find(|line| line.line.as_ref().is_some_and(|line| i64::from(line.line_no) == line_no))
}

/// How far a shipment must be after a step; a cancelled order may have taken it back before it left.
fn shipment_has_come_to(picture: &Picture, order_id: &str, shipment_id: &str, step: Kind) -> bool {
    use proto::erp::v1::ShipmentState as S;
    let Some(order) = picture.orders.get(order_id) else { return false };
    let Some(shipment) = order.shipments.iter().find(|shipment| shipment.shipment_id == shipment_id) else {
        return false;
    };
    let state = shipment.state();
    match step {
        Kind::Deliver => state == S::Delivered,
        Kind::Fail => state == S::Failed,
        Kind::Ship => matches!(state, S::Shipped | S::Delivered | S::Failed),
        Kind::Pack => !matches!(state, S::Unspecified | S::Picking | S::Picked),
        Kind::ConfirmPick => !matches!(state, S::Unspecified | S::Picking),
        _ => state != S::Unspecified,
    }
}

/// 2.
pub(super) fn unknown_is_whole(evidence: &Evidence) -> Finding {
    let mut finding = Finding::default();
    let (picture, later) = (&evidence.quiet, &evidence.replayed);
    let (by_key, by_key_later) = (picture.by_external_id(), later.by_external_id());
    for push in pushed(&evidence.history).into_iter().filter(|push| push.verdict == Outcome::Unknown) {
        let (found, later) = (by_key.get(push.key), by_key_later.get(push.key));
        let counts = (found.map_or(0, Vec::len), later.map_or(0, Vec::len));
        finding.expect(counts.0 == counts.1, || format!("{}: there {} times, later {}", push.key, counts.0, counts.1));
        for order in found.into_iter().flatten() {
            let lines = list(&push.order["lines"]).count() + usize::from(push.order["delivery"]["charge"].is_object());
            finding.expect(order.order.lines.len() == lines, || {
                format!("{}: {} lines were sent, {} are there", push.key, lines, order.order.lines.len())
            });
        }
    }
    for op in evidence.history.of_kind(Kind::Receive).filter(|op| op.verdict() == Outcome::Unknown) {
        let (there, wanted) = (receipt_lines(op, picture), list(&op.body["lines"]).count());
        finding.expect(there == 0 || there == wanted, || format!("{}: {there} of {wanted} lines", op.name()));
        finding.expect(there == receipt_lines(op, later), || format!("{}: changed its mind", op.name()));
    }
    payments(evidence, &mut finding);
    for (order_id, order) in &picture.orders {
        returns(evidence, order_id, order, &mut finding);
        cancellations(evidence, order_id, order, &mut finding);
    }
    for op in evidence.history.of_kind(Kind::PageSave).filter(|op| op.verdict() == Outcome::Unknown) {
        let count = |picture: &Picture| {
            let bodies = picture.pages.values().flat_map(|page| &page.bodies);
            bodies.filter(|body| key_of(body) == Some(&op.key)).count()
        };
        let whole = picture.pages.values().flat_map(|page| &page.bodies);
        let whole = whole.filter(|body| *body == text(&op.body["body"])).count();
        finding.expect(count(picture) == whole && whole <= 1, || format!("{}: {whole} whole versions", op.name()));
        finding.expect(count(picture) == count(later), || format!("{}: changed its mind", op.name()));
    }
    finding
}

/// How many lots of a receipt came in.
fn receipt_lines(op: &Op, picture: &Picture) -> usize {
    let came_in = |line: &&Value| {
        let item = picture.items.get(text(&line["sku"]));
        let mut moves = item.into_iter().flat_map(|item| &item.moves);
        moves.any(|one| one.cause_kind == "receipt" && one.lot == text(&line["lot"]))
    };
    list(&op.body["lines"]).filter(came_in).count()
}

fn payments(evidence: &Evidence, finding: &mut Finding) {
    let money = evidence.history.ops.values().filter(|op| matches!(op.kind, Kind::Pay | Kind::Refund));
    for op in money.filter(|op| op.verdict() == Outcome::Unknown) {
        let found = |picture: &Picture| -> Vec<Decimal> {
            let payments = picture.orders.get(order_of(op)).into_iter().flat_map(|order| &order.payments);
            let own = payments.filter(|payment| payment.provider_payment_id == op.key);
            own.map(|payment| amount(&payment.amount)).collect()
        };
        let sign = if op.kind == Kind::Pay { Decimal::ONE } else { Decimal::NEGATIVE_ONE };
        let (now, wanted) = (found(&evidence.quiet), sign * number(&op.body["amount"]["amount"]));
        let whole = now.is_empty() || now == [wanted];
        finding.expect(whole, || format!("{}: {now:?} instead of {wanted}", op.name()));
        finding.equal(|| format!("{} later", op.name()), now, found(&evidence.replayed));
    }
}

fn of_order<'a>(evidence: &'a Evidence, order_id: &'a str, kinds: &'a [Kind]) -> impl Iterator<Item = &'a Op> {
    evidence.history.ops.values().filter(move |op| kinds.contains(&op.kind) && order_of(op) == order_id)
}

/// Each return nobody was told of must be, as a whole, one that stayed open.
fn returns(evidence: &Evidence, order_id: &str, order: &OrderPicture, finding: &mut Finding) {
    if order.returns.is_empty() {
        return;
    }
    let ops: Vec<&Op> = of_order(evidence, order_id, &[Kind::Return]).collect();
    let told: BTreeSet<&str> =
        ops.iter().filter_map(|op| op.answer()).map(|answer| text(&answer["order_return"]["return_id"])).collect();
    let mut open: Vec<&&Op> = ops.iter().filter(|op| op.verdict() == Outcome::Unknown).collect();
    for back in order.returns.iter().filter(|back| !told.contains(back.return_id.as_str())) {
        let explained = open.iter().position(|op| is_this_return(op, back));
        if let Some(index) = explained {
            open.swap_remove(index);
        }
        finding.expect(explained.is_some(), || format!("order {order_id}: nobody sent the return {back:?}"));
    }
}

fn is_this_return(op: &Op, back: &OrderReturn) -> bool {
    let wanted: BTreeMap<i64, Decimal> = list(&op.body["lines"])
        .map(|part| (part["line_no"].as_i64().unwrap_or(-1), number(&part["quantity"]["value"])))
        .collect();
    let there: BTreeMap<i64, Decimal> =
        back.lines.iter().map(|part| (i64::from(part.line_no), quantity(&part.quantity))).collect();
    wanted == there && text(&op.body["reason"]) == back.reason
}

/// What is cancelled of an order is the sum of what was acknowledged and of some of what stayed open, each as a whole.
fn cancellations(evidence: &Evidence, order_id: &str, order: &OrderPicture, finding: &mut Finding) {
    let ops: Vec<&Op> = of_order(evidence, order_id, &[Kind::Cancel, Kind::CancelLines]).collect();
    if ops.is_empty() {
        return;
    }
    let mut cancelled: BTreeMap<i64, Decimal> = BTreeMap::new();
    for line in &order.order.lines {
        let line_no = line.line.as_ref().map_or(-1, |line| i64::from(line.line_no));
        cancelled.insert(line_no, quantity(&line.cancelled));
    }
    let parts = |list_of: &Value| -> Vec<(i64, Decimal)> {
        list(list_of).map(|part| (part["line_no"].as_i64().unwrap_or(-1), number(&part["quantity"]["value"]))).collect()
    };
    for answer in ops.iter().filter_map(|op| op.answer()) {
        for (line_no, pieces) in parts(&answer["cancelled"]) {
            *cancelled.entry(line_no).or_default() -= pieces;
        }
    }
    let open: Vec<&&Op> = ops.iter().filter(|op| op.verdict() == Outcome::Unknown).collect();
    // The rest of an order can be anything: an open cancellation of all of it explains whatever is cancelled.
    let all_of_it = open.iter().any(|op| op.kind == Kind::Cancel);
    let some: Vec<Vec<(i64, Decimal)>> =
        open.iter().filter(|op| op.kind == Kind::CancelLines).map(|op| parts(&op.body["lines"])).take(12).collect();
    let explained = (0..1_u32 << some.len()).any(|chosen| {
        let mut left = cancelled.clone();
        for (_, parts) in some.iter().enumerate().filter(|(index, _)| chosen >> index & 1 == 1) {
            for (line_no, pieces) in parts {
                *left.entry(*line_no).or_default() -= *pieces;
            }
        }
        left.values().all(|pieces| pieces.is_zero() || (all_of_it && pieces.is_sign_positive()))
    });
    finding.expect(explained, || {
        format!("order {order_id}: cancelled pieces that no whole request explains: {cancelled:?}")
    });
}
