//! Facts of demands in wire form.

use proto::erp::v1::{AllocatedLine, OrderAllocated};
use rust_decimal::Decimal;
use time::OffsetDateTime;

use super::{domain::Line, store::Head};
use crate::ledger::convert::quantity;

/// The present reservation of an order.
pub(super) fn order_allocated(head: &Head, lines: &[Line], cause: &str, at: OffsetDateTime) -> OrderAllocated {
    OrderAllocated {
        order_id: head.order_id.to_string(),
        lines: lines
            .iter()
            .map(|line| AllocatedLine {
                line_no: line.line_no,
                sku: line.sku.clone(),
                reserved: Some(quantity(line.reserved, &line.unit)),
                backordered: Some(quantity(line.backordered, &line.unit)),
            })
            .collect(),
        complete: lines.iter().all(|line| line.backordered == Decimal::ZERO),
        warehouse: head.warehouse.clone(),
        allocated_at: Some(proto::to_timestamp(at)),
        cause: cause.to_owned(),
    }
}
