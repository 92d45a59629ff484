//! Expected receipts in wire form, and back.

use proto::erp::v1::{ExpectedReceipt, ExpectedReceiptInput, ExpectedSource, ExpectedState};
use service::Check;

use super::{
    domain::{NewExpected, over_and_short},
    queries::ExpectedView,
};
use crate::{
    ledger::convert::{number, quantity},
    units::{convert::entered_above_zero, domain::Entered},
};

/// Reads one to create or change.
pub(super) fn new_expected(check: &mut Check, index: usize, input: &ExpectedReceiptInput) -> NewExpected {
    let at = |field: &str| format!("receipts[{index}].{field}");
    let source = match input.source() {
        ExpectedSource::Supplier => "supplier",
        ExpectedSource::Production => "production",
        ExpectedSource::Unspecified => {
            check.wrong(at("source"), "is missing");
            ""
        }
    };
    check.require((1..=100_000).contains(&input.document_line), at("document_line"), "must be 1 to 100000");
    let (amount, unit) = entered_above_zero(check, &at("quantity"), &input.quantity);
    let sku = check.text(&at("sku"), &input.sku, 1..=64);
    NewExpected {
        key: (source, check.text(&at("document"), &input.document, 1..=64), input.document_line),
        entered: Entered { sku, lot: String::new(), unit, quantity: amount },
        warehouse: check.optional_text(&at("warehouse"), &input.warehouse, 32),
        expected_on: check.date(&at("expected_on"), &input.expected_on),
        supplier: check.optional_text(&at("supplier"), &input.supplier, 64),
    }
}

/// The stored code of a state asked for.
pub(super) fn state_code(state: ExpectedState) -> Option<&'static str> {
    match state {
        ExpectedState::Unspecified => None,
        ExpectedState::Open => Some("open"),
        ExpectedState::Partial => Some("partial"),
        ExpectedState::Received => Some("received"),
        ExpectedState::Cancelled => Some("cancelled"),
    }
}

/// An expected receipt in wire form.
pub(super) fn expected(view: ExpectedView) -> ExpectedReceipt {
    let state = match view.state.as_str() {
        "partial" => ExpectedState::Partial,
        "received" => ExpectedState::Received,
        "cancelled" => ExpectedState::Cancelled,
        _ => ExpectedState::Open,
    };
    let source = if view.source == "production" { ExpectedSource::Production } else { ExpectedSource::Supplier };
    let (over, short) = over_and_short(view.quantity, view.received, &view.state);
    ExpectedReceipt {
        expected_receipt_id: view.id.to_string(),
        source: source.into(),
        document: view.document,
        document_line: view.document_line,
        sku: view.sku,
        warehouse: view.warehouse,
        quantity: Some(quantity(view.quantity, view.unit.as_deref().unwrap_or_default())),
        received: number(view.received),
        over: number(over),
        short: number(short),
        expected_on: view.expected_on.to_string(),
        supplier: view.supplier,
        state: state.into(),
        reason: view.reason,
        version: view.version,
        updated_by: view.updated_by,
        updated_at: Some(proto::to_timestamp(view.updated_at)),
    }
}
