//! Receipts in wire form, and back.

use std::collections::HashMap;

use proto::erp::v1::{
    ErpEvent, GoodsReceived, PostReceiptRequest, Receipt, ReceiptLine, ReceiptLineInput, ReceivedLine,
    erp_event::Event, receipt_line_input,
};
use rust_decimal::Decimal;
use service::Check;
use time::OffsetDateTime;
use types::Currency;
use uuid::Uuid;

use super::{
    domain::{Cost, NewLine, NewReceipt},
    queries::{LineView, ReceiptView},
    store::PostedLine,
};
use crate::{
    ledger::convert::{money, quantity},
    units::convert::entered_above_zero,
};

/// Reads a receipt to post.
pub(super) fn new_receipt(
    check: &mut Check,
    request: &PostReceiptRequest,
    currency: Currency,
    now: OffsetDateTime,
) -> NewReceipt {
    check.len("lines", request.lines.len(), 1..=1000);
    let received_at = check.optional_timestamp("received_at", &request.received_at).unwrap_or(now);
    check.require(received_at <= now, "received_at", "must not lie in the future");
    let lines = request.lines.iter().take(1000).enumerate();
    NewReceipt {
        warehouse: check.optional_text("warehouse", &request.warehouse, 32),
        supplier: check.optional_text("supplier", &request.supplier, 64),
        received_at,
        lines: lines.map(|(index, line)| new_line(check, index, line, currency)).collect(),
    }
}

fn new_line(check: &mut Check, index: usize, line: &ReceiptLineInput, currency: Currency) -> NewLine {
    let at = |field: &str| format!("lines[{index}].{field}");
    let (quantity, unit) = entered_above_zero(check, &at("quantity"), &line.quantity);
    let cost = match &line.cost {
        None => {
            check.wrong(at("unit_cost"), "a cost is missing");
            None
        }
        Some(receipt_line_input::Cost::UnitCost(cost)) => {
            let cost = check.money(&at("unit_cost"), &Some(cost.clone()));
            Some((Cost::Unit(cost.amount), cost, at("unit_cost")))
        }
        Some(receipt_line_input::Cost::LineCost(cost)) => {
            let cost = check.money(&at("line_cost"), &Some(cost.clone()));
            let digits = currency.minor_digits();
            check.require(
                cost.amount.normalize().scale() <= digits,
                at("line_cost"),
                "has more digits than the minor unit",
            );
            Some((Cost::Line(cost.amount), cost, at("line_cost")))
        }
    };
    let mut total = Decimal::ZERO;
    if let Some((cost, money, field)) = cost {
        check.require(money.currency == currency, &field, format!("must be in {}", currency.code()));
        check.require(!money.is_negative(), &field, "must not be negative");
        let sum = cost.of(quantity, currency.minor_digits()).filter(|sum| *sum < Decimal::from(10_i64.pow(15)));
        check.require(sum.is_some(), &field, "is too much");
        total = sum.unwrap_or_default();
    }
    NewLine {
        sku: check.text(&at("sku"), &line.sku, 1..=64),
        unit,
        quantity,
        cost: total,
        lot: check.optional_text(&at("lot"), &line.lot, 64),
        expires_on: check.optional_date(&at("expires_on"), &line.expires_on),
        supplier_lot: check.optional_text(&at("supplier_lot"), &line.supplier_lot, 64),
        expected: check
            .optional_uuid(&at("expected_receipt_id"), &line.expected_receipt_id)
            .map(|id| (id, line.expected_ends)),
    }
}

/// The fact that goods came in.
pub(super) fn goods_received(
    id: Uuid,
    warehouse: &str,
    receipt: &NewReceipt,
    lines: &[(PostedLine, String)],
    currency: Currency,
) -> ErpEvent {
    let line = |((posted, lot), asked): (&(PostedLine, String), &NewLine)| ReceivedLine {
        sku: posted.sku.clone(),
        lot: lot.clone(),
        quantity: Some(quantity(posted.quantity, &posted.unit)),
        cost: Some(money(posted.cost, currency)),
        expires_on: asked.expires_on.map(|day| day.to_string()).unwrap_or_default(),
    };
    let fact = GoodsReceived {
        receipt_id: id.to_string(),
        warehouse: warehouse.to_owned(),
        supplier: receipt.supplier.clone(),
        lines: lines.iter().zip(&receipt.lines).map(line).collect(),
        received_at: Some(proto::to_timestamp(receipt.received_at)),
    };
    ErpEvent { event: Some(Event::GoodsReceived(fact)) }
}

/// A receipt in wire form.
pub(super) fn receipt(
    head: ReceiptView,
    lines: Vec<LineView>,
    expected: &HashMap<i32, Uuid>,
    currency: Currency,
) -> Receipt {
    let line = |line: LineView| ReceiptLine {
        expected_receipt_id: expected.get(&line.line_no).map(Uuid::to_string).unwrap_or_default(),
        line_no: line.line_no,
        sku: line.sku,
        lot: line.lot,
        quantity: Some(quantity(line.quantity, &line.unit)),
        cost: Some(money(line.cost, currency)),
    };
    Receipt {
        receipt_id: head.id.to_string(),
        number: head.number,
        warehouse: head.warehouse,
        supplier: head.supplier,
        lines: lines.into_iter().map(line).collect(),
        cost: Some(money(head.cost, currency)),
        received_at: Some(proto::to_timestamp(head.received_at)),
        created_by: head.created_by,
    }
}
