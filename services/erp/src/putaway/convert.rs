//! Put-away in wire form, and back.

use std::collections::{BTreeSet, HashMap};

use proto::erp::v1::{ConfirmPutAwayRequest, PutAwayPart, PutAwayReason, PutAwayRule, PutAwaySuggestion};
use service::Check;

use super::{
    commands::Scanned,
    domain::{Part, Reason, Rule, Suggestion},
    queries::{GoodsView, RuleView, TargetView},
};
use crate::ledger::convert::quantity;

/// Reads rules to create or change, each with the code of its place.
pub(super) fn rules(check: &mut Check, rules: &[PutAwayRule]) -> Vec<(Rule, String)> {
    check.len("rules", rules.len(), 1..=1000);
    let mut codes = BTreeSet::new();
    let mut found = Vec::new();
    for (index, input) in rules.iter().take(1000).enumerate() {
        let at = |field: &str| format!("rules[{index}].{field}");
        let code = check.text(&at("code"), &input.code, 1..=64);
        check.require(code.is_empty() || codes.insert(code.clone()), at("code"), "is given twice");
        let sku = check.optional_text(&at("sku"), &input.sku, 64);
        let category = check.optional_text(&at("category"), &input.category, 200);
        check.require(sku.is_empty() || category.is_empty(), at("category"), "must not be given together with sku");
        let zone = check.optional_text(&at("zone"), &input.zone, 32);
        let place = check.optional_text(&at("place"), &input.place, 100);
        check.require(zone.is_empty() != place.is_empty(), at("zone"), "exactly one of zone and place must be given");
        found.push((Rule { code, sku, category, zone, place: None, priority: input.priority }, place));
    }
    found
}

/// Reads what was scanned.
pub(super) fn scanned(check: &mut Check, request: &ConfirmPutAwayRequest) -> Scanned {
    let quantity = check.positive_quantity("quantity", &request.quantity);
    Scanned {
        from: check.text("from_barcode", &request.from_barcode, 1..=100),
        to: check.text("to_barcode", &request.to_barcode, 1..=100),
        item: check.text("item", &request.item, 1..=64),
        lot: check.optional_text("lot", &request.lot, 64),
        unit: quantity.unit.code().to_owned(),
        quantity: quantity.value,
    }
}

/// A rule in wire form.
pub(super) fn rule(view: RuleView) -> PutAwayRule {
    PutAwayRule {
        code: view.code,
        sku: view.sku,
        category: view.category,
        zone: view.zone,
        place: view.place,
        priority: view.priority,
    }
}

/// Suggestions in wire form.
pub(super) fn suggestions(
    goods: &[GoodsView],
    found: Vec<Suggestion>,
    targets: &[TargetView],
) -> Vec<PutAwaySuggestion> {
    let bins: HashMap<i64, &TargetView> = targets.iter().map(|target| (target.id, target)).collect();
    let suggestion = |(goods, found): (&GoodsView, Suggestion)| PutAwaySuggestion {
        sku: goods.sku.clone(),
        lot: goods.lot.clone(),
        from_place: goods.place.clone(),
        parts: found.parts.into_iter().map(|one| part(one, &bins, &goods.unit)).collect(),
        left: Some(quantity(found.left, &goods.unit)),
    };
    goods.iter().zip(found).map(suggestion).collect()
}

fn part(part: Part, bins: &HashMap<i64, &TargetView>, unit: &str) -> PutAwayPart {
    let bin = bins.get(&part.place);
    let reason = match part.reason {
        Reason::SameLot => PutAwayReason::SameLot,
        Reason::SameItem => PutAwayReason::SameItem,
        Reason::Empty => PutAwayReason::Empty,
        Reason::Room => PutAwayReason::Room,
    };
    PutAwayPart {
        place: bin.map(|bin| bin.place.clone()).unwrap_or_default(),
        barcode: bin.map(|bin| bin.barcode.clone()).unwrap_or_default(),
        quantity: Some(quantity(part.quantity, unit)),
        rule: part.rule,
        reason: reason.into(),
    }
}
