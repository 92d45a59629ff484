//! 7, 8, 9, 12, 13, 16 and 20: the stock ledger, added up again from its movements.

use std::collections::BTreeMap;

use proto::erp::v1::Move;
use rust_decimal::Decimal;
use serde_json::Value;

use super::values::{amount, dec, list, number, text};
use super::{Evidence, Finding};
use crate::history::{Kind, Sample};
use crate::picture::ItemPicture;

/// Ours are bins, quarantine and what is on its way between warehouses; the others are where goods come from or go to.
fn is_own(place: &str) -> bool {
    place.contains('/') || place == "TRANSIT"
}

fn is_sellable(place: &str) -> bool {
    place.contains('/') && !place.ends_with("/QUARANTINE")
}

/// Goods of a lot are worth the same in all places of a warehouse; what is on its way is worth something by itself.
fn warehouse(place: &str) -> &str {
    place.split_once('/').map_or(place, |(warehouse, _)| warehouse)
}

type Layers<'a> = BTreeMap<(&'a str, &'a str), (Decimal, Decimal)>;

/// Quantity and value of each lot by place, or by what `of` says of a place, added up from the movements.
fn added_up<'a>(moves: &'a [Move], of: impl Fn(&'a str) -> &'a str) -> Layers<'a> {
    let mut sums: Layers<'_> = BTreeMap::new();
    for one in moves {
        let (pieces, value) = (dec(&one.quantity), amount(&one.value));
        for (place, sign) in [(&one.from_place, Decimal::NEGATIVE_ONE), (&one.to_place, Decimal::ONE)] {
            if is_own(place) {
                let sum = sums.entry((of(place), one.lot.as_str())).or_default();
                (sum.0, sum.1) = (sum.0 + sign * pieces, sum.1 + sign * value);
            }
        }
    }
    sums
}

fn samples<'a>(evidence: &'a Evidence, what: &'a str) -> impl Iterator<Item = &'a Sample> {
    evidence.history.samples.iter().filter(move |sample| sample.what == what)
}

fn balanced(finding: &mut Finding, evidence: &Evidence, names: &[&str]) {
    for sample in samples(evidence, "ledger") {
        for check in list(&sample.answer["checks"]).filter(|check| names.contains(&text(&check["name"]))) {
            finding.expect(check["differences"] == "0", || format!("at {} ms: {check}", sample.ms));
        }
    }
    for check in evidence.quiet.ledger.checks.iter().filter(|check| names.contains(&check.name.as_str())) {
        finding.expect(check.differences == 0, || format!("once quiet: {check:?}"));
    }
}

/// 7.
pub(super) fn on_hand_is_the_sum_of_movements(evidence: &Evidence) -> Finding {
    let mut finding = Finding::default();
    for (sku, item) in &evidence.quiet.items {
        let mut sums = added_up(&item.moves, |place| place);
        let mut sellable = Decimal::ZERO;
        for lot in &item.stock.lots {
            let sum = sums.remove(&(lot.place.as_str(), lot.lot.as_str())).unwrap_or_default().0;
            finding.equal(|| format!("{sku} {} in {}", lot.lot, lot.place), dec(&lot.on_hand), sum);
            if is_sellable(&lot.place) {
                sellable += dec(&lot.on_hand);
            }
        }
        for ((place, lot), (sum, _)) in sums {
            finding.expect(sum.is_zero(), || format!("{sku} {lot} in {place}: {sum} by movements, nothing there"));
        }
        finding.equal(|| format!("on hand of {sku}"), dec(&item.item.on_hand), sellable);
    }
    balanced(&mut finding, evidence, &["balance_moves", "item_totals"]);
    finding
}

/// 8.
pub(super) fn never_below_zero(evidence: &Evidence) -> Finding {
    let mut finding = Finding::default();
    for (sku, item) in &evidence.quiet.items {
        let mut sums: BTreeMap<(&str, &str), Decimal> = BTreeMap::new();
        for one in &item.moves {
            if is_own(&one.to_place) {
                *sums.entry((&one.to_place, &one.lot)).or_default() += dec(&one.quantity);
            }
            if is_own(&one.from_place) {
                let sum = sums.entry((&one.from_place, &one.lot)).or_default();
                *sum -= dec(&one.quantity);
                let sum = *sum;
                finding.expect(sum >= Decimal::ZERO, || format!("{sku} {}: {sum} after movement {}", one.lot, one.id));
            }
        }
        for lot in &item.stock.lots {
            let fine = dec(&lot.on_hand) >= Decimal::ZERO && dec(&lot.reserved) >= Decimal::ZERO;
            finding.expect(fine, || format!("{sku}: {lot:?}"));
        }
    }
    for sample in samples(evidence, "availability") {
        for total in list(&sample.answer["totals"]) {
            let fine = ["on_hand", "reserved", "free"].iter().all(|name| number(&total[name]) >= Decimal::ZERO);
            finding.expect(fine, || format!("at {} ms: {total}", sample.ms));
        }
    }
    balanced(&mut finding, evidence, &["oversell"]);
    finding
}

/// 9.
pub(super) fn free_is_what_is_not_reserved(evidence: &Evidence) -> Finding {
    let mut finding = Finding::default();
    let mut look = |when: &str, sku: &str, on_hand: Decimal, reserved: Decimal, free: Decimal| {
        finding.expect(free == on_hand - reserved && free >= Decimal::ZERO, || {
            format!("{when} {sku}: {on_hand} on hand, {reserved} reserved, {free} free")
        });
    };
    for (sku, item) in &evidence.quiet.items {
        let seen = &item.availability;
        look("once quiet", sku, dec(&seen.on_hand), dec(&seen.reserved), dec(&seen.free));
        for lot in &item.stock.lots {
            let (on_hand, reserved) = (dec(&lot.on_hand), dec(&lot.reserved));
            look(&lot.lot, sku, on_hand, reserved, on_hand - reserved);
        }
    }
    for sample in samples(evidence, "availability") {
        for total in list(&sample.answer["totals"]) {
            let of = |name: &str| number(&total[name]);
            look(&format!("at {} ms", sample.ms), text(&total["sku"]), of("on_hand"), of("reserved"), of("free"));
        }
    }
    balanced(&mut finding, evidence, &["balance_reserved", "line_reserved"]);
    finding
}

/// 12.
pub(super) fn transfers_keep_value(evidence: &Evidence) -> Finding {
    let mut finding = Finding::default();
    let mut by_cause: BTreeMap<&str, Vec<&Move>> = BTreeMap::new();
    for one in evidence.quiet.moves().into_iter().filter(|one| one.cause_kind == "transfer") {
        by_cause.entry(&one.cause_id).or_default().push(one);
    }
    for op in evidence.history.of_kind(Kind::Transfer) {
        let Some(answer) = op.answer() else { continue };
        let moves = by_cause.remove(text(&answer["transfer_id"])).unwrap_or_default();
        let value: Decimal = moves.iter().map(|one| amount(&one.value)).sum();
        finding.equal(|| format!("{} value", op.name()), value, number(&answer["value"]["amount"]));
        let wanted: Decimal = list(&op.body["lines"]).map(|line| number(&line["quantity"]["value"])).sum();
        let moved: Decimal = moves.iter().map(|one| dec(&one.quantity)).sum();
        finding.equal(|| format!("{} pieces", op.name()), moved, wanted);
        let as_asked =
            |one: &&Move| one.from_place == text(&op.body["from_place"]) && one.to_place == text(&op.body["to_place"]);
        finding.expect(moves.iter().all(as_asked), || format!("{}: elsewhere: {moves:?}", op.name()));
    }
    for (id, moves) in by_cause {
        // One that stayed open: from one own place to another, so that nothing is gained or lost.
        let own = moves.iter().all(|one| is_own(&one.from_place) && is_own(&one.to_place));
        finding.expect(own, || format!("transfer {id} leaves the house: {moves:?}"));
    }
    finding
}

/// 13.
pub(super) fn value_of_layers(evidence: &Evidence) -> Finding {
    let mut finding = Finding::default();
    let mut all = Decimal::ZERO;
    for (sku, item) in &evidence.quiet.items {
        let sums = added_up(&item.moves, warehouse);
        let mut value = Decimal::ZERO;
        for ((house, lot), (pieces, worth)) in &sums {
            value += *worth;
            finding.expect(!pieces.is_zero() || worth.is_zero(), || {
                format!("{sku} {lot} in {house}: nothing, worth {worth}")
            });
            finding.equal(|| format!("value of {sku} {lot} in {house}"), there(item, house, lot).1, *worth);
        }
        finding.equal(|| format!("value of {sku}"), amount(&item.stock.value), value);
        all += value;
    }
    finding.equal(|| "value of the whole stock".to_owned(), amount(&evidence.quiet.ledger.stock_value), all);
    balanced(&mut finding, evidence, &["empty_value", "layer_moves", "valuation"]);
    finding
}

/// What is said to be there of a lot in a warehouse, and what it is said to be worth.
fn there(item: &ItemPicture, house: &str, lot: &str) -> (Decimal, Decimal) {
    let lots = item.stock.lots.iter().filter(|one| warehouse(&one.place) == house && one.lot == lot);
    lots.fold(Default::default(), |sum: (Decimal, Decimal), one| {
        (sum.0 + dec(&one.on_hand), sum.1 + amount(&one.value))
    })
}

/// 16: each issue costs its share of what lay in the warehouse, the last piece all that is left. What happened is looked
/// at in the order of its moments; what corrects a movement is part of its value.
pub(super) fn replay_from_zero(evidence: &Evidence) -> Finding {
    let mut finding = Finding::default();
    for (sku, item) in &evidence.quiet.items {
        let mut corrected: BTreeMap<i64, Decimal> = BTreeMap::new();
        for one in item.moves.iter().filter(|one| one.corrects != 0) {
            *corrected.entry(one.corrects).or_default() += amount(&one.value);
        }
        let mut moves: Vec<&Move> = item.moves.iter().filter(|one| one.corrects == 0).collect();
        moves.sort_by_key(|one| (one.moved_at.map(|at| (at.seconds, at.nanos)), one.id));
        let mut layers: Layers<'_> = BTreeMap::new();
        for one in moves {
            let pieces = dec(&one.quantity);
            let value = amount(&one.value) + corrected.get(&one.id).copied().unwrap_or_default();
            if warehouse(&one.from_place) == warehouse(&one.to_place) {
                finding.expect(value.is_zero(), || format!("{sku} movement {}: {value} within a warehouse", one.id));
                continue;
            }
            if is_own(&one.from_place) {
                let layer = layers.entry((warehouse(&one.from_place), &one.lot)).or_default();
                let share = if pieces >= layer.0 {
                    layer.1
                } else {
                    types::round_half_away(layer.1 * pieces / layer.0, 2).min(layer.1)
                };
                finding.expect(share == value, || {
                    format!("{sku} movement {}: {pieces} of {} worth {} cost {value}", one.id, layer.0, layer.1)
                });
                (layer.0, layer.1) = (layer.0 - pieces, layer.1 - value);
            }
            if is_own(&one.to_place) {
                let layer = layers.entry((warehouse(&one.to_place), &one.lot)).or_default();
                (layer.0, layer.1) = (layer.0 + pieces, layer.1 + value);
            }
        }
        for ((house, lot), replayed) in layers {
            finding.equal(|| format!("{sku} {lot} in {house} replayed"), there(item, house, lot), replayed);
        }
    }
    finding
}

/// 20: every movement takes from one place what it gives to another, so the books of all places add up to nothing, and
/// what is ours is what came from outside less what went there.
pub(super) fn debits_are_credits(evidence: &Evidence) -> Finding {
    let mut finding = Finding::default();
    let mut ours = Decimal::ZERO;
    for one in evidence.quiet.moves() {
        let (pieces, value) = (dec(&one.quantity), amount(&one.value));
        // An entry that corrects another has no pieces, and its value any sign.
        let whole = (pieces > Decimal::ZERO && value >= Decimal::ZERO) || (pieces.is_zero() && one.corrects != 0);
        finding.expect(one.from_place != one.to_place && whole, || format!("{one:?}"));
        match (is_own(&one.from_place), is_own(&one.to_place)) {
            (false, true) => ours += value,
            (true, false) => ours -= value,
            _ => {}
        }
    }
    finding.equal(|| "in less out".to_owned(), ours, amount(&evidence.quiet.ledger.stock_value));
    finding.expect(evidence.quiet.ledger.balanced, || format!("{:?}", evidence.quiet.ledger));
    for sample in samples(evidence, "ledger") {
        finding.expect(sample.answer["balanced"] == Value::Bool(true), || {
            format!("at {} ms: {}", sample.ms, sample.answer)
        });
    }
    finding
}
