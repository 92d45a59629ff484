//! Facts of demands in wire form.

use proto::erp::v1::{AllocatedLine, OrderAllocated};
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
        // An order that needs nothing any more is no order to be assembled.
        complete: lines.iter().all(|line| line.backordered.is_zero())
            && lines.iter().any(|line| !line.reserved.is_zero()),
        warehouse: head.warehouse.clone(),
        allocated_at: Some(proto::to_timestamp(at)),
        cause: cause.to_owned(),
    }
}
