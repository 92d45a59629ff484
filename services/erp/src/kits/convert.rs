//! Kits in wire form, and back.

use std::collections::BTreeSet;

use proto::erp::v1::{
    AssembleKitRequest, AssembleKitResponse, AssembledLot, DisassembleKitRequest, DisassembleKitResponse,
    Kit as WireKit, KitComponent, PutKitRequest,
};
use rust_decimal::Decimal;
use service::Check;
use types::Currency;

use super::{
    commands::{Done, Order, Part},
    domain::{Component, Kit, Named},
    queries::KitView,
};
use crate::ledger::convert::{money, number, quantity};

/// Reads what a kit is made of.
pub(super) fn kit(check: &mut Check, request: &PutKitRequest) -> Kit {
    let sku = check.text("sku", &request.sku, 1..=64);
    check.len("components", request.components.len(), 1..=50);
    check.require(request.version >= 0, "version", "must not be negative");
    let mut seen = BTreeSet::new();
    let mut components = Vec::new();
    for (index, one) in request.components.iter().take(50).enumerate() {
        let at = |field: &str| format!("components[{index}].{field}");
        let quantity = check.positive_quantity(&at("quantity"), &one.quantity);
        check.require(quantity.value < Decimal::from(1_000_000_000), at("quantity"), "is too much");
        let weight = check.decimal(&at("weight"), &one.weight);
        let sane = weight >= Decimal::ZERO && weight < Decimal::from(1_000_000_000);
        check.require(sane, at("weight"), "must be zero or more, and less than a thousand million");
        let component = check.text(&at("sku"), &one.sku, 1..=64);
        check.require(component.is_empty() || component != sku, at("sku"), "is the kit itself");
        check.require(seen.insert(component.clone()), at("sku"), "is named twice");
        components.push(Component {
            sku: component,
            quantity: quantity.value,
            unit: quantity.unit.code().to_owned(),
            weight,
        });
    }
    let weighs = components.is_empty() || components.iter().any(|one| one.weight > Decimal::ZERO);
    check.require(weighs, "components", "at least one weight must be above zero");
    Kit { sku, components, version: 0 }
}

fn order(check: &mut Check, sku: &str, wanted: &Option<proto::common::v1::Quantity>, warehouse: &str) -> Order {
    let quantity = check.positive_quantity("quantity", wanted);
    check.require(quantity.value < Decimal::from(1_000_000_000), "quantity", "is too much");
    Order {
        sku: check.text("sku", sku, 1..=64),
        quantity: quantity.value,
        unit: quantity.unit.code().to_owned(),
        warehouse: check.optional_text("warehouse", warehouse, 32),
    }
}

/// Reads kits to put together: how many, their lot, lots to take.
pub(super) fn assembly(check: &mut Check, request: &AssembleKitRequest) -> (Order, String, Vec<Named>) {
    let order = order(check, &request.sku, &request.quantity, &request.warehouse);
    let lot = check.optional_text("lot", &request.lot, 64);
    check.len("inputs", request.inputs.len(), 0..=200);
    let mut named = Vec::new();
    for (index, one) in request.inputs.iter().take(200).enumerate() {
        let quantity = check.positive_quantity(&format!("inputs[{index}].quantity"), &one.quantity);
        named.push(Named {
            sku: check.text(&format!("inputs[{index}].sku"), &one.sku, 1..=64),
            lot: check.text(&format!("inputs[{index}].lot"), &one.lot, 1..=64),
            unit: quantity.unit.code().to_owned(),
            quantity: quantity.value,
        });
    }
    (order, lot, named)
}

/// Reads kits to take apart: how many, their lot, lots to put into.
pub(super) fn disassembly(
    check: &mut Check,
    request: &DisassembleKitRequest,
) -> (Order, String, Vec<(String, String)>) {
    let order = order(check, &request.sku, &request.quantity, &request.warehouse);
    let lot = check.text("lot", &request.lot, 1..=64);
    check.len("outputs", request.outputs.len(), 0..=50);
    let mut named = Vec::new();
    for (index, one) in request.outputs.iter().take(50).enumerate() {
        let sku = check.text(&format!("outputs[{index}].sku"), &one.sku, 1..=64);
        named.push((sku, check.text(&format!("outputs[{index}].lot"), &one.lot, 1..=64)));
    }
    (order, lot, named)
}

/// A kit in wire form.
pub(super) fn kit_of(view: KitView) -> WireKit {
    let amounts = view.quantities.into_iter().zip(view.units).zip(view.weights);
    let component = |(sku, ((amount, unit), weight)): (String, ((Decimal, String), Decimal))| KitComponent {
        sku,
        quantity: Some(quantity(amount, &unit)),
        weight: number(weight),
    };
    WireKit {
        sku: view.sku,
        components: view.skus.into_iter().zip(amounts).map(component).collect(),
        version: view.version,
        saved_by: view.saved_by,
        saved_at: Some(proto::to_timestamp(view.saved_at)),
    }
}

fn part(part: Part, currency: Currency) -> AssembledLot {
    AssembledLot {
        quantity: Some(quantity(part.quantity, &part.unit)),
        value: Some(money(part.value, currency)),
        expires_on: part.expires_on.map(|day| day.to_string()).unwrap_or_default(),
        sku: part.sku,
        lot: part.lot,
        place: part.place,
    }
}

fn parts(of: Vec<Part>, currency: Currency) -> Vec<AssembledLot> {
    of.into_iter().map(|one| part(one, currency)).collect()
}

/// What an assembly did, in wire form.
pub(super) fn assembled(done: Done, currency: Currency) -> AssembleKitResponse {
    AssembleKitResponse {
        assembly_id: done.id.to_string(),
        output: parts(done.outputs, currency).pop(),
        inputs: parts(done.inputs, currency),
    }
}

/// What a disassembly did, in wire form.
pub(super) fn disassembled(done: Done, currency: Currency) -> DisassembleKitResponse {
    DisassembleKitResponse {
        assembly_id: done.id.to_string(),
        inputs: parts(done.inputs, currency),
        outputs: parts(done.outputs, currency),
    }
}
