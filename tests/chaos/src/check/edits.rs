//! 30, 32, 33 and 34: reading one's own write, edits of one version, versions and search, files.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::values::{list, text};
use super::{Evidence, Finding};
use crate::history::{History, Kind, Op, Outcome};
use crate::load::bodies::word;
use crate::load::world::family;
use crate::picture::read::key_of;

/// 30.
pub(super) fn reads_its_own_write(evidence: &Evidence) -> Finding {
    let mut finding = Finding::default();
    for read in evidence.history.of_kind(Kind::ReadOwn) {
        let Some(write) = read.of.and_then(|of| evidence.history.ops.get(&of)) else { continue };
        let Some(written) = write.answer() else { continue };
        match (read.verdict(), read.answer()) {
            (Outcome::Ok, Some(seen)) => {
                finding.expect(shows(write, written, seen), || {
                    format!("{} was acknowledged, then {} said {seen}", write.name(), read.name())
                });
            }
            (Outcome::Refused, _) => {
                finding
                    .expect(false, || format!("{} was acknowledged, then {} was refused", write.name(), read.name()));
            }
            _ => {}
        }
    }
    finding
}

fn version(value: &Value) -> i64 {
    value.as_i64().or_else(|| text(value).parse().ok()).unwrap_or(i64::MIN)
}

fn rank(state: &Value) -> usize {
    let states = ["PICKING", "PICKED", "PACKED", "SHIPPED", "DELIVERED", "FAILED", "CANCELLED"];
    states.iter().position(|name| text(state).ends_with(name)).unwrap_or(usize::MAX)
}

/// Whether what was read has what was written, or something later.
fn shows(write: &Op, written: &Value, seen: &Value) -> bool {
    let has = |items: &Value, name: &str, id: &Value| list(items).any(|item| item[name] == *id);
    match write.kind {
        Kind::Push => {
            let summary = &seen["order"]["summary"];
            summary["order_id"] == written["order_id"] && summary["external_id"] == write.body["order"]["external_id"]
        }
        Kind::Cancel | Kind::CancelLines | Kind::Confirm => {
            version(&seen["order"]["summary"]["version"]) >= version(&written["order"]["summary"]["version"])
        }
        Kind::Pay | Kind::Refund => has(&seen["payments"], "payment_id", &written["payment"]["payment_id"]),
        Kind::Return => has(&seen["returns"], "return_id", &written["order_return"]["return_id"]),
        Kind::Receive => seen["receipt"] == written["receipt"],
        Kind::Pick | Kind::ConfirmPick | Kind::Pack | Kind::Ship | Kind::Deliver | Kind::Fail => {
            rank(&seen["shipment"]["state"]) >= rank(&written["shipment"]["state"])
        }
        Kind::Product => version(&seen["product"]["version"]) >= version(&written["product"]["version"]),
        Kind::TaskCreate | Kind::TaskMove => version(&seen["task"]["version"]) >= version(&written["task"]["version"]),
        Kind::Comment => has(&seen["comments"], "comment_id", &written["comment"]["comment_id"]),
        Kind::PageSave => version(&seen["page"]["current_version"]) >= version(&written["page"]["version"]),
        _ => true,
    }
}

/// 32.
pub(super) fn one_edit_wins(evidence: &Evidence) -> Finding {
    let mut finding = Finding::default();
    let mut races: BTreeMap<(Kind, &str, i64), Vec<&Op>> = BTreeMap::new();
    for op in evidence.history.ops.values() {
        let base = match op.kind {
            Kind::PageSave => version(&op.body["base_version"]),
            Kind::Product | Kind::TaskMove => version(&op.body["version"]),
            _ => continue,
        };
        races.entry((op.kind, &op.path, base)).or_default().push(op);
    }
    for ((kind, path, base), ops) in races {
        let mut winners = 0;
        for op in ops {
            let Some(answer) = op.answer() else { continue };
            let after = match kind {
                Kind::PageSave => version(&answer["page"]["version"]),
                Kind::Product => version(&answer["product"]["version"]),
                _ => version(&answer["task"]["version"]),
            };
            winners += usize::from(after > base);
            // Moving to where it is changes nothing and is no edit.
            finding.expect(after > base || kind == Kind::TaskMove, || format!("{} won nothing: {answer}", op.name()));
        }
        finding.expect(winners <= 1, || format!("{kind:?} {path}: {winners} edits of version {base} won"));
    }
    finding
}

/// 33.
pub(super) fn revisions_and_search(evidence: &Evidence) -> Finding {
    let mut finding = Finding::default();
    let picture = &evidence.quiet;
    for (page_id, page) in &picture.pages {
        let there: Vec<i32> = page.versions.iter().map(|version| version.version).collect();
        let last = page.page.current_version;
        finding.expect(there.iter().copied().eq(1..=last), || format!("page {page_id}: 1 to {last}, but {there:?}"));
        finding.expect(page.bodies.last() == Some(&page.page.body), || format!("page {page_id}: not its last version"));
        let keys: Vec<_> = page.bodies.iter().filter_map(|body| key_of(body)).collect();
        for (index, key) in keys.iter().rev().enumerate() {
            let Some(found) = picture.searches.get(&word(key)) else { continue };
            let right = if index == 0 {
                found.pages == [page_id.clone()] && !found.corrected
            } else {
                found.pages.is_empty() || found.corrected
            };
            finding
                .expect(right, || format!("page {page_id}: the word of {key} (from the end: {index}) finds {found:?}"));
        }
    }
    finding
}

/// Imports of a client, without the ending of a key that says "the same rows again".
fn imports(history: &History, client: u32) -> impl Iterator<Item = &Op> {
    history.of_kind(Kind::Import).filter(move |op| op.client == client)
}

/// 34.
pub(super) fn imports_whole_or_not(evidence: &Evidence) -> Finding {
    let mut finding = Finding::default();
    let clients: BTreeSet<u32> = evidence.history.of_kind(Kind::Import).map(|op| op.client).collect();
    for client in clients {
        let marks: BTreeSet<&str> = family(client)
            .iter()
            .filter_map(|sku| evidence.quiet.products.get(sku))
            .map(|product| product.series.as_str())
            .collect();
        finding.expect(marks.len() <= 1, || format!("the products of client {client} have {marks:?}"));
        let mut told: Option<&str> = None;
        let mut open = false;
        for op in imports(&evidence.history, client) {
            let mark = op.key.trim_end_matches(".again");
            open |= op.attempts.iter().any(|attempt| attempt.outcome == Outcome::Unknown) || op.attempts.is_empty();
            let Some(answer) = op.answer().filter(|answer| answer["finished"] == Value::Bool(true)) else { continue };
            if op.key.ends_with(".again") && !open {
                let nothing = answer["changed"] == "0" && answer["created"] == "0" && answer["rejected"] == "0";
                finding.expect(nothing, || format!("{}: the same rows again changed something: {answer}", op.name()));
            }
            told = Some(mark);
        }
        // What stayed open may have come later than what was acknowledged.
        if let (Some(told), false) = (told, open) {
            finding.expect(marks.contains(told), || format!("client {client} imported {told}, there is {marks:?}"));
        }
    }
    for sample in evidence.history.samples.iter().filter(|sample| sample.what == "import") {
        let marks: BTreeSet<&str> = list(&sample.answer["products"]).map(|product| text(&product["series"])).collect();
        finding.expect(marks.len() <= 1, || format!("at {} ms: a mix of {marks:?}", sample.ms));
    }
    finding
}
