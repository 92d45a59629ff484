//! Units in wire form, and back.

use proto::{
    common::v1::Quantity,
    erp::v1::{EnteredQuantity, ItemUnit},
};
use rust_decimal::Decimal;
use service::Check;
use types::Ratio;

use super::store::{EnteredRow, UnitRow};
use crate::ledger::convert::{number, quantity};

/// Longest name of a unit.
const LONGEST: usize = 16;

fn is_name(text: &str) -> bool {
    (1..=LONGEST).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// Reads a quantity in any unit an item may have, zero or more: how many, and the name of the unit.
pub(crate) fn entered(check: &mut Check, field: &str, value: &Option<Quantity>) -> (Decimal, String) {
    read(check, field, value).unwrap_or_default()
}

/// As [`entered`], above zero.
pub(crate) fn entered_above_zero(check: &mut Check, field: &str, value: &Option<Quantity>) -> (Decimal, String) {
    let read = read(check, field, value);
    check.require(read.as_ref().is_none_or(|(amount, _)| !amount.is_zero()), field, "must be above zero");
    read.unwrap_or_default()
}

/// A quantity in a unit everybody knows has no more digits than that. None when something is wrong, which is told.
fn read(check: &mut Check, field: &str, value: &Option<Quantity>) -> Option<(Decimal, String)> {
    let Some(wire) = value else {
        check.wrong(field, "is missing");
        return None;
    };
    let digits = types::Unit::parse(&wire.unit).map_or(6, types::Unit::digits);
    let amount = types::parse_decimal(&wire.value);
    let wrong = match amount {
        _ if !is_name(&wire.unit) => "is in no unit of measure",
        None => "is not a plain decimal number",
        Some(amount) if amount < Decimal::ZERO => "must not be negative",
        Some(amount) if amount.normalize().scale() > digits => "has more decimals than the unit allows",
        Some(amount) => return Some((amount, wire.unit.clone())),
    };
    check.wrong(field, wrong);
    None
}

/// Reads a unit to set.
pub(super) fn item_unit(check: &mut Check, index: usize, unit: &ItemUnit) -> UnitRow {
    let at = |field: &str| format!("units[{index}].{field}");
    check.require(is_name(&unit.unit), at("unit"), "must be 1 to 16 letters, digits, - or _");
    let ratio = Ratio::new(unit.numerator, unit.denominator);
    check.require(ratio.is_ok(), at("numerator"), "numerator and denominator must be 1 to 1000000000");
    UnitRow {
        sku: check.text(&at("sku"), &unit.sku, 1..=64),
        unit: unit.unit.clone(),
        lot: check.optional_text(&at("lot"), &unit.lot, 64),
        numerator: ratio.map_or(1, Ratio::numerator),
        denominator: ratio.map_or(1, Ratio::denominator),
    }
}

/// A unit in wire form.
pub(super) fn unit(row: UnitRow) -> ItemUnit {
    ItemUnit { sku: row.sku, unit: row.unit, lot: row.lot, numerator: row.numerator, denominator: row.denominator }
}

/// What was entered, in wire form.
pub(super) fn entered_quantity(row: EnteredRow) -> EnteredQuantity {
    EnteredQuantity {
        line_no: row.line_no,
        sku: row.sku,
        entered: Some(quantity(row.quantity, &row.unit)),
        base_quantity: number(row.base_quantity),
    }
}
