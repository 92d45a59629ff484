//! 3 and 4: the same key is the same answer and one effect.

use std::collections::{BTreeMap, BTreeSet};

use super::values::{list, order_of, pushed, text, without_duplicate};
use super::{Evidence, Finding};
use crate::history::{History, Kind, Op, Outcome};
use crate::load::world::PROJECT;
use crate::picture::Picture;
use crate::picture::read::key_of;

/// 3.
pub(super) fn same_key_same_answer(evidence: &Evidence) -> Finding {
    let mut finding = Finding::default();
    for op in evidence.history.ops.values() {
        if op.kind == Kind::OtherBody {
            finding
                .expect(op.answer().is_none(), || format!("{}: another body was taken: {:?}", op.name(), op.answer()));
        } else if !op.key.is_empty() && op.kind != Kind::PushBatch {
            let answers: Vec<_> = op.answers().map(without_duplicate).collect();
            for pair in answers.windows(2) {
                finding
                    .expect(pair[0] == pair[1], || format!("{}: answered {} and then {}", op.name(), pair[0], pair[1]));
            }
        }
    }
    for push in pushed(&evidence.history).iter().filter(|push| push.op.kind == Kind::PushBatch) {
        let answers: Vec<_> = push.answers.iter().map(|answer| without_duplicate(answer)).collect();
        for pair in answers.windows(2) {
            finding.expect(pair[0] == pair[1], || format!("{}: answered {} and then {}", push.key, pair[0], pair[1]));
        }
    }
    finding
}

/// 4.
pub(super) fn one_effect_a_key(evidence: &Evidence) -> Finding {
    let mut finding = Finding::default();
    let (history, picture) = (&evidence.history, &evidence.quiet);
    orders(history, picture, &mut finding);
    money(history, picture, &mut finding);
    goods(history, picture, &mut finding);
    texts(history, picture, &mut finding);
    finding
}

/// What a key may have done.
fn allows(verdict: Outcome, count: usize) -> bool {
    match verdict {
        Outcome::Ok => count == 1,
        Outcome::Refused => count == 0,
        Outcome::Unknown => count <= 1,
    }
}

fn orders(history: &History, picture: &Picture, finding: &mut Finding) {
    let mut by_key = picture.by_external_id();
    for push in pushed(history) {
        let count = by_key.remove(push.key).map_or(0, |orders| orders.len());
        finding.expect(allows(push.verdict, count), || format!("{}: {:?}, but {count} orders", push.key, push.verdict));
    }
    for key in by_key.keys() {
        finding.expect(false, || format!("an order {key} that nobody pushed"));
    }
}

fn money(history: &History, picture: &Picture, finding: &mut Finding) {
    let mut found: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (order_id, order) in &picture.orders {
        for payment in &order.payments {
            *found.entry((order_id, &payment.provider_payment_id)).or_default() += 1;
        }
    }
    for op in history.ops.values().filter(|op| matches!(op.kind, Kind::Pay | Kind::Refund)) {
        let count = found.remove(&(order_of(op), op.key.as_str())).unwrap_or(0);
        finding.expect(allows(op.verdict(), count), || format!("{}: {:?}, but {count}", op.name(), op.verdict()));
    }
    for key in found.keys() {
        finding.expect(false, || format!("a payment {key:?} that nobody recorded"));
    }
    for (order_id, order) in &picture.orders {
        let ops: Vec<&Op> = history.of_kind(Kind::Return).filter(|op| order_of(op) == order_id).collect();
        let told = ops.iter().filter(|op| op.is_ok()).count();
        let open = ops.iter().filter(|op| op.verdict() == Outcome::Unknown).count();
        let there = order.returns.len();
        finding.expect((told..=told + open).contains(&there), || {
            format!("order {order_id}: {there} returns, {told} acknowledged and {open} open")
        });
    }
}

/// Documents of the warehouse: receipts by lot, transfers and write-offs by number.
fn goods(history: &History, picture: &Picture, finding: &mut Finding) {
    let moves = picture.moves();
    let mut lots: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for one in moves.iter().filter(|one| one.cause_kind == "receipt") {
        *lots.entry((&one.sku, &one.lot)).or_default() += 1;
    }
    for op in history.of_kind(Kind::Receive) {
        for line in list(&op.body["lines"]) {
            let count = lots.remove(&(text(&line["sku"]), text(&line["lot"]))).unwrap_or(0);
            finding.expect(allows(op.verdict(), count), || format!("{}: {:?}, but {count}", op.name(), op.verdict()));
        }
    }
    for lot in lots.keys() {
        finding.expect(false, || format!("a receipt of {lot:?} that nobody posted"));
    }
    for (kind, cause) in [(Kind::Transfer, "transfer"), (Kind::WriteOff, "write_off")] {
        let documents: BTreeSet<&str> =
            moves.iter().filter(|one| one.cause_kind == cause).map(|one| one.cause_id.as_str()).collect();
        let told = history.of_kind(kind).filter(|op| op.is_ok()).count();
        let open = history.of_kind(kind).filter(|op| op.verdict() == Outcome::Unknown).count();
        let there = documents.len();
        finding.expect((told..=told + open).contains(&there), || {
            format!("{there} documents of kind {cause}, {told} acknowledged and {open} open")
        });
    }
}

/// Tasks, comments and versions carry their key in their text.
fn texts(history: &History, picture: &Picture, finding: &mut Finding) {
    let mut found: BTreeMap<(Kind, String), usize> = BTreeMap::new();
    let mut add = |kind: Kind, key: &str| *found.entry((kind, key.to_owned())).or_default() += 1;
    for task in picture.tasks.values() {
        if task.task.project == PROJECT {
            add(Kind::TaskCreate, task.task.title.trim_start_matches("Task "));
        }
        for comment in &task.comments {
            add(Kind::Comment, comment.text.trim_start_matches("Comment "));
        }
    }
    for body in picture.pages.values().flat_map(|page| &page.bodies) {
        if let Some(key) = key_of(body) {
            add(Kind::PageSave, key);
        }
    }
    for op in history.ops.values() {
        if matches!(op.kind, Kind::TaskCreate | Kind::Comment | Kind::PageSave) {
            let count = found.remove(&(op.kind, op.key.clone())).unwrap_or(0);
            finding.expect(allows(op.verdict(), count), || format!("{}: {:?}, but {count}", op.name(), op.verdict()));
        }
    }
    for key in found.keys() {
        finding.expect(false, || format!("{key:?} that nobody wrote"));
    }
}
