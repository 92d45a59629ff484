//! Counts in wire form, and back.

use std::collections::{BTreeSet, HashMap};

use proto::erp::v1::{
    Count, CountBin, CountEntry, CountLine, CountPosted, CountState, CountedLine, CreateCountRequest,
    DemandRecountRequest, ErpEvent, RecordCountRequest, RecountWanted, erp_event::Event,
};
use rust_decimal::Decimal;
use service::Check;
use types::Currency;
use uuid::Uuid;

use super::{
    commands::{Approved, Difference},
    domain::{EVENT_LINES, Head, Line, NewCount, Scanned, State},
    queries::{BinView, CountView, EntryView},
};
use crate::{
    config::Stamp,
    ledger::convert::{money, number, quantity},
};

/// Reads what is to be counted.
pub(super) fn new_count(check: &mut Check, request: &CreateCountRequest) -> NewCount {
    NewCount {
        id: service::new_id(),
        warehouse: check.text("warehouse", &request.warehouse, 1..=32),
        title: check.text("title", &request.title, 1..=300),
        zones: texts(check, "zones", &request.zones, (100, 32)),
        bins: texts(check, "bins", &request.bins, (1000, 100)),
        categories: texts(check, "categories", &request.categories, (100, 200)),
        skus: texts(check, "skus", &request.skus, (1000, 64)),
        uncounted_is_empty: request.uncounted_is_empty,
    }
}

/// Reads a list of texts, up to so many of up to that many characters, each kept once.
fn texts(check: &mut Check, field: &str, texts: &[String], (most, longest): (usize, usize)) -> Vec<String> {
    check.len(field, texts.len(), 0..=most);
    let each = texts.iter().take(most).enumerate();
    let read: BTreeSet<_> =
        each.map(|(index, text)| check.text(&format!("{field}[{index}]"), text, 1..=longest)).collect();
    read.into_iter().collect()
}

/// Reads what somebody scanned.
pub(super) fn scanned(check: &mut Check, request: &RecordCountRequest) -> Scanned {
    let quantity = check.quantity("quantity", &request.quantity);
    let fits = (Decimal::ZERO..=Decimal::from(10_i64.pow(12))).contains(&quantity.value);
    check.require(fits, "quantity", "must be 0 to 1,000,000,000,000");
    Scanned {
        bin: check.text("bin", &request.bin, 1..=100),
        item: check.text("item", &request.item, 1..=64),
        lot: check.optional_text("lot", &request.lot, 64),
        unit: quantity.unit.code().to_owned(),
        quantity: quantity.value,
    }
}

/// Reads which lines (bin, item, lot number) are to be counted again.
pub(super) fn recounts(check: &mut Check, request: &DemandRecountRequest) -> Vec<(String, String, String)> {
    check.len("lines", request.lines.len(), 1..=500);
    let mut lines = Vec::new();
    for (index, line) in request.lines.iter().take(500).enumerate() {
        let at = |field: &str| format!("lines[{index}].{field}");
        let bin = check.text(&at("bin"), &line.bin, 1..=100);
        let sku = check.text(&at("sku"), &line.sku, 1..=64);
        lines.push((bin, sku, check.text(&at("lot"), &line.lot, 1..=64)));
    }
    lines
}

/// The stored code of a state asked for; empty for any.
pub(super) fn state_code(state: CountState) -> &'static str {
    match state {
        CountState::Unspecified => "",
        CountState::Open => State::Open.code(),
        CountState::Closed => State::Closed.code(),
        CountState::Posted => State::Posted.code(),
        CountState::Cancelled => State::Cancelled.code(),
    }
}

fn int(count: i64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// A count in wire form.
pub(super) fn count(view: CountView) -> Count {
    let state = match State::parse(&view.state) {
        State::Open => CountState::Open,
        State::Closed => CountState::Closed,
        State::Posted => CountState::Posted,
        State::Cancelled => CountState::Cancelled,
    };
    Count {
        count_id: view.id.to_string(),
        number: view.number,
        warehouse: view.warehouse,
        title: view.title,
        state: state.into(),
        uncounted_is_empty: view.uncounted_is_empty,
        skus: view.skus,
        categories: view.categories,
        version: view.version,
        bins: int(view.bins),
        bins_complete: int(view.bins_complete),
        lines: int(view.lines),
        recounts_open: int(view.recounts_open),
        created_by: view.created_by,
        created_at: Some(proto::to_timestamp(view.created_at)),
        closed_by: view.closed_by,
        closed_at: view.closed_at.map(proto::to_timestamp),
        ended_by: view.ended_by,
        ended_at: view.ended_at.map(proto::to_timestamp),
    }
}

/// A bin of a count in wire form.
pub(super) fn bin(view: BinView) -> CountBin {
    let recounts = view.recount_skus.into_iter().zip(view.recount_lots);
    CountBin {
        place: view.place,
        barcode: view.barcode,
        zone: view.zone,
        lines: int(view.lines),
        recounts: recounts.map(|(sku, lot)| RecountWanted { sku, lot }).collect(),
        completed_by: view.completed_by,
        completed_at: view.completed_at.map(proto::to_timestamp),
    }
}

/// Lines in wire form, with what was said of each and, for those who may see them, values.
pub(super) fn lines(
    lines: Vec<Line>,
    entries: Vec<EntryView>,
    values: &HashMap<(Uuid, i64), Decimal>,
    currency: Option<Currency>,
) -> Vec<CountLine> {
    let mut said: HashMap<(Uuid, i64), Vec<CountEntry>> = HashMap::new();
    for view in entries {
        said.entry((view.lot_id, view.place_id)).or_default().push(entry(view));
    }
    let mut found = Vec::with_capacity(lines.len());
    for one in lines {
        let key = (one.lot, one.place);
        let value = currency.map(|currency| money(values.get(&key).copied().unwrap_or_default(), currency));
        found.push(line(one, said.remove(&key).unwrap_or_default(), value));
    }
    found
}

fn entry(view: EntryView) -> CountEntry {
    CountEntry {
        entry_id: view.id,
        round: view.round,
        counted: number(view.counted),
        counted_by: view.counted_by,
        counted_at: Some(proto::to_timestamp(view.counted_at)),
        implied: view.implied,
    }
}

fn line(line: Line, entries: Vec<CountEntry>, value: Option<proto::common::v1::Money>) -> CountLine {
    let verdict = line.verdict();
    let said =
        |of: fn(&super::domain::Finding) -> Decimal| line.finding.as_ref().map(of).map(number).unwrap_or_default();
    CountLine {
        counted: said(|finding| finding.counted),
        expected: said(super::domain::Finding::expected),
        picked: said(|finding| finding.picked),
        picking: said(|finding| finding.picking),
        difference: line.finding.map(|_| number(verdict.difference)).unwrap_or_default(),
        unresolved: verdict.unresolved,
        disputed: line.disputed,
        round: line.round,
        place: line.place_code,
        sku: line.sku,
        lot: line.lot_number,
        unit: line.unit,
        value,
        entries,
    }
}

/// The fact that differences were posted, in parts.
pub(super) fn count_posted(
    id: Uuid,
    head: &Head,
    differences: &[Difference],
    approved: &Approved,
    stamp: &Stamp<'_>,
) -> Vec<ErpEvent> {
    let currency = stamp.rules.currency;
    let line = |one: &Difference| CountedLine {
        sku: one.line.sku.clone(),
        lot: one.line.lot_number.clone(),
        place: one.line.place_code.clone(),
        difference: Some(quantity(one.quantity, &one.line.unit)),
        value: Some(money(one.value, currency)),
    };
    let lines: Vec<_> = differences.iter().map(line).collect();
    let parts = lines.chunks(EVENT_LINES).map(<[_]>::to_vec).collect::<Vec<_>>();
    let parts = if parts.is_empty() { vec![Vec::new()] } else { parts };
    let all = parts.len() as i32;
    let part = |(lines, part)| CountPosted {
        count_id: id.to_string(),
        number: head.number,
        warehouse: head.warehouse.clone(),
        lines,
        part,
        parts: all,
        surplus: Some(money(approved.surplus, currency)),
        shortage: Some(money(approved.shortage, currency)),
        approved_by: stamp.by.to_owned(),
        posted_at: Some(proto::to_timestamp(stamp.now)),
    };
    parts.into_iter().zip(1..).map(part).map(|fact| ErpEvent { event: Some(Event::CountPosted(fact)) }).collect()
}
