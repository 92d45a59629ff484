//! Promises in wire form, and back.

use proto::erp::v1::{PromiseDatesRequest, PromisedLine};
use service::Check;

use super::{commands::text, domain::Promise};
use crate::{
    ledger::convert::{number, quantity},
    units::{convert::entered_above_zero, domain::Entered},
};

/// Reads the lines of a cart.
pub(super) fn lines(check: &mut Check, request: &PromiseDatesRequest) -> Vec<Entered> {
    check.len("lines", request.lines.len(), 1..=500);
    let line = |(index, line): (usize, &proto::erp::v1::PromiseLineInput)| {
        let (quantity, unit) = entered_above_zero(check, &format!("lines[{index}].quantity"), &line.quantity);
        let sku = check.text(&format!("lines[{index}].sku"), &line.sku, 1..=64);
        Entered { sku, lot: String::new(), unit, quantity }
    };
    request.lines.iter().take(500).enumerate().map(line).collect()
}

/// A promised line in wire form.
pub(super) fn promised(sku: &str, (unit, amount): &(String, rust_decimal::Decimal), promise: &Promise) -> PromisedLine {
    PromisedLine {
        sku: sku.to_owned(),
        quantity: Some(quantity(*amount, unit)),
        free_now: number(promise.free),
        promised_on: text(promise.day),
    }
}

/// A line of an item nobody told us of.
pub(super) fn unknown(line: &Entered) -> PromisedLine {
    PromisedLine {
        sku: line.sku.clone(),
        quantity: Some(quantity(line.quantity, &line.unit)),
        free_now: "0".to_owned(),
        promised_on: String::new(),
    }
}
