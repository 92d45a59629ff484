//! Facts of demands in wire form.

use proto::erp::v1::{AllocatedLine, OrderAllocated};
use rust_decimal::Decimal;
use time::OffsetDateTime;
use uuid::Uuid;

use super::domain::{Line, NewDemand};
use crate::ledger::convert::quantity;

/// The present reservation of an order.
pub(super) fn order_allocated(
    order: Uuid,
    warehouse: &str,
    lines: &[Line],
    cause: &str,
    at: OffsetDateTime,
) -> OrderAllocated {
    let lines =
        lines.iter().map(|line| (line.line_no, line.sku.as_str(), line.unit.as_str(), line.reserved, line.backordered));
    picture(order, warehouse, lines, cause, at)
}

/// What a new order got, by line number; it waits for the rest.
pub(crate) fn first_allocated(
    demand: &NewDemand,
    warehouse: &str,
    got: impl Fn(i32) -> Decimal,
    at: OffsetDateTime,
) -> OrderAllocated {
    let lines = demand.lines.iter().map(|line| {
        let reserved = got(line.line_no);
        (line.line_no, line.sku.as_str(), line.unit.as_str(), reserved, line.quantity - reserved)
    });
    picture(demand.order_id, warehouse, lines, "order", at)
}

fn picture<'a>(
    order: Uuid,
    warehouse: &str,
    lines: impl Iterator<Item = (i32, &'a str, &'a str, Decimal, Decimal)>,
    cause: &str,
    at: OffsetDateTime,
) -> OrderAllocated {
    let (mut waits, mut holds) = (false, false);
    let lines = lines
        .map(|(line_no, sku, unit, reserved, backordered)| {
            waits |= !backordered.is_zero();
            holds |= !reserved.is_zero();
            let (reserved, backordered) = (Some(quantity(reserved, unit)), Some(quantity(backordered, unit)));
            AllocatedLine { line_no, sku: sku.to_owned(), reserved, backordered }
        })
        .collect();
    OrderAllocated {
        order_id: order.to_string(),
        lines,
        // An order that needs nothing any more is no order to be assembled.
        complete: holds && !waits,
        warehouse: warehouse.to_owned(),
        allocated_at: Some(proto::to_timestamp(at)),
        cause: cause.to_owned(),
    }
}
