//! Returns in wire form.

use proto::erp::v1::{StockReturned, erp_event::Event};
use rust_decimal::Decimal;
use types::Currency;

use super::domain::Return;
use crate::{
    fulfilment::{convert::fact_line, domain::ShipmentLine},
    ledger::convert::money,
};

/// The fact that a return is booked.
pub(super) fn stock_returned(one: &Return, back: &[ShipmentLine], cost: Decimal, currency: Currency) -> Event {
    Event::StockReturned(StockReturned {
        order_id: one.order.to_string(),
        return_id: one.id.to_string(),
        lines: back.iter().map(|line| fact_line(line, line.returned, line.returned_cost, currency)).collect(),
        cost: Some(money(cost, currency)),
        outcome: one.outcome.code().to_owned(),
        returned_at: Some(proto::to_timestamp(one.returned_at)),
    })
}
