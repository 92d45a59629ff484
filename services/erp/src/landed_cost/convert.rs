//! Landed cost in wire form, and back.

use std::collections::HashSet;

use proto::{
    common::v1::Money,
    erp::v1::{
        Charge as WireCharge, ChargeBasis, ChargeInput, ChargeKind, ChargeShare, LandedCost, LandedLine,
        LandedLineInput, PostLandedCostRequest,
    },
};
use rust_decimal::Decimal;
use service::Check;
use types::Currency;

use super::{
    commands::{NamedLine, NewLandedCost},
    domain::{Basis, Charge},
    queries::{ChargeView, HeadView, ShareView},
};
use crate::ledger::convert::{money, number};

/// Reads landed cost to post.
pub(super) fn new_landed_cost(check: &mut Check, request: &PostLandedCostRequest, currency: Currency) -> NewLandedCost {
    check.len("charges", request.charges.len(), 1..=20);
    check.len("lines", request.lines.len(), 1..=1000);
    let charges = request.charges.iter().take(20).enumerate();
    let charges = charges.map(|(index, one)| charge(check, index, one, currency)).collect();
    let lines: Vec<_> =
        request.lines.iter().take(1000).enumerate().map(|(index, one)| line(check, index, one)).collect();
    let keys: HashSet<_> = lines.iter().map(|line| line.key).collect();
    check.require(keys.len() == lines.len(), "lines", "must name each line once");
    let country = request.country.as_str();
    let letters = country.is_empty() || (country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase()));
    check.require(letters, "country", "must be two capital letters");
    NewLandedCost {
        charges,
        lines,
        declaration_number: check.optional_text("declaration_number", &request.declaration_number, 64),
        country: country.to_owned(),
    }
}

fn charge(check: &mut Check, index: usize, input: &ChargeInput, currency: Currency) -> Charge {
    let at = |field: &str| format!("charges[{index}].{field}");
    let amount = check.money(&at("amount"), &input.amount);
    check.require(amount.amount > Decimal::ZERO, at("amount"), "must be above zero");
    let own = amount.currency == currency;
    let rate = match input.rate.as_str() {
        "" => Decimal::ONE,
        text => check.decimal(&at("rate"), text),
    };
    let given = !input.rate.is_empty();
    check.require(
        given != own || (given && rate == Decimal::ONE),
        at("rate"),
        "is needed for another currency, and only then",
    );
    check.require(rate > Decimal::ZERO, at("rate"), "must be above zero");
    let rate_on = check.optional_date(&at("rate_on"), &input.rate_on);
    check.require(own || rate_on.is_some(), at("rate_on"), "is needed for another currency");
    let kind = match input.kind() {
        ChargeKind::Duty => "duty",
        ChargeKind::Freight => "freight",
        ChargeKind::Broker => "broker",
        ChargeKind::Other => "other",
        ChargeKind::Unspecified => {
            check.wrong(at("kind"), "is missing");
            "other"
        }
    };
    let basis = match input.basis() {
        ChargeBasis::Value => Basis::Value,
        ChargeBasis::Quantity => Basis::Quantity,
        ChargeBasis::Weight => Basis::Weight,
        ChargeBasis::Volume => Basis::Volume,
        ChargeBasis::CustomsCode => Basis::CustomsCode,
        ChargeBasis::Unspecified => {
            check.wrong(at("basis"), "is missing");
            Basis::Value
        }
    };
    let customs_code = check.optional_text(&at("customs_code"), &input.customs_code, 20);
    check.require(
        (basis == Basis::CustomsCode) != customs_code.is_empty(),
        at("customs_code"),
        "is needed with the basis customs code, and only then",
    );
    let charge =
        Charge { kind, basis, amount: amount.amount, currency: amount.currency.code(), rate, rate_on, customs_code };
    let fits = charge.cost(currency.minor_digits()).is_some_and(|cost| cost < Decimal::from(10_i64.pow(15)));
    check.require(fits, at("amount"), "is too much");
    charge
}

fn line(check: &mut Check, index: usize, input: &LandedLineInput) -> NamedLine {
    let at = |field: &str| format!("lines[{index}].{field}");
    let receipt = check.uuid(&at("receipt_id"), &input.receipt_id);
    check.require(input.line_no > 0, at("line_no"), "must be above zero");
    let mut positive = |field: &str, text: &str| {
        (!text.is_empty()).then(|| {
            let value = check.decimal(&at(field), text);
            check.require(value >= Decimal::ZERO, at(field), "must not be negative");
            value
        })
    };
    let weight = positive("weight_grams", &input.weight_grams);
    let volume = positive("volume_m3", &input.volume_m3);
    let customs_code = check.optional_text(&at("customs_code"), &input.customs_code, 20);
    NamedLine { key: (receipt, input.line_no), weight, volume, customs_code }
}

/// Landed cost in wire form.
pub(super) fn landed_cost(
    head: HeadView,
    charges: Vec<ChargeView>,
    shares: &[ShareView],
    currency: Currency,
) -> LandedCost {
    let line = |shares: &[ShareView]| LandedLine {
        receipt_id: shares[0].receipt_id.to_string(),
        line_no: shares[0].receipt_line_no,
        sku: shares[0].sku.clone(),
        lot: shares[0].lot.clone(),
        shares: shares
            .iter()
            .map(|share| ChargeShare { charge_no: share.charge_no, cost: Some(money(share.cost, currency)) })
            .collect(),
        cost: Some(money(shares.iter().map(|share| share.cost).sum(), currency)),
    };
    LandedCost {
        landed_cost_id: head.id.to_string(),
        number: head.number,
        cancelled: head.cancelled_at.is_some(),
        declaration_number: head.declaration_number,
        country: head.country,
        charges: charges.into_iter().map(|charge| wire_charge(charge, currency)).collect(),
        lines: shares.chunk_by(|a, b| a.line_no == b.line_no).map(line).collect(),
        cost: Some(money(head.cost, currency)),
        posted_at: Some(proto::to_timestamp(head.created_at)),
        created_by: head.created_by,
    }
}

fn wire_charge(view: ChargeView, currency: Currency) -> WireCharge {
    let kind = match view.kind.as_str() {
        "duty" => ChargeKind::Duty,
        "freight" => ChargeKind::Freight,
        "broker" => ChargeKind::Broker,
        _ => ChargeKind::Other,
    };
    let basis = match view.basis.as_str() {
        "quantity" => ChargeBasis::Quantity,
        "weight" => ChargeBasis::Weight,
        "volume" => ChargeBasis::Volume,
        "customs_code" => ChargeBasis::CustomsCode,
        _ => ChargeBasis::Value,
    };
    WireCharge {
        charge_no: view.charge_no,
        kind: kind.into(),
        basis: basis.into(),
        amount: Some(Money { currency: view.currency, amount: view.amount.to_string() }),
        rate: number(view.rate),
        rate_on: view.rate_on.map(|day| day.to_string()).unwrap_or_default(),
        customs_code: view.customs_code,
        cost: Some(money(view.cost, currency)),
    }
}
