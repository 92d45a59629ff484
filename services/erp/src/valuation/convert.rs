//! Valuation in wire form, and back.

use proto::erp::v1::{CostOfSalesRevised, RevisedLine, erp_event::Event};
use rust_decimal::Decimal;
use time::OffsetDateTime;
use types::Currency;
use uuid::Uuid;

use super::{store_past::Reason, store_sales::Revised};
use crate::ledger::convert::money;

/// The fact that what an order was sent cost more or less than was said.
pub(super) fn cost_of_sales_revised(
    order: Uuid,
    at: OffsetDateTime,
    lines: &[&Revised],
    reason: Reason,
    currency: Currency,
) -> Event {
    let difference = |one: &Revised| one.cost - one.returned_cost;
    let line = |one: &&Revised| RevisedLine {
        line_no: one.line_no,
        sku: one.sku.clone(),
        shipment_id: one.shipment_id.to_string(),
        difference: Some(money(difference(one), currency)),
    };
    let total: Decimal = lines.iter().map(|one| difference(one)).sum();
    Event::CostOfSalesRevised(CostOfSalesRevised {
        order_id: order.to_string(),
        lines: lines.iter().map(line).collect(),
        difference: Some(money(total, currency)),
        document_id: reason.id.to_string(),
        effective_at: Some(proto::to_timestamp(at)),
    })
}
