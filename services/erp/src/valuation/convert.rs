//! Valuation in wire form, and back.

use proto::erp::v1::{
    CostOfSalesRevised, GetStockAsOfResponse, ItemValuation, LotAsOf, RevisedLine, ValuationMethod, WarehouseAsOf,
    erp_event::Event,
};
use rust_decimal::Decimal;
use service::Check;
use time::OffsetDateTime;
use types::Currency;
use uuid::Uuid;

use super::{
    domain::Method,
    queries::{LotView, WarehouseView, WorthView},
    store_past::Reason,
    store_sales::Revised,
};
use crate::ledger::convert::{money, number};

/// The fact that what an order was sent cost more or less than was said.
pub(super) fn cost_of_sales_revised(
    order: Uuid,
    at: OffsetDateTime,
    lines: &[&Revised],
    reason: Reason,
    currency: Currency,
) -> Event {
    let difference = |one: &Revised| one.cost - one.ours_again;
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

/// Reads a method.
pub(super) fn method(check: &mut Check, method: ValuationMethod) -> Method {
    match method {
        ValuationMethod::Unspecified => {
            check.wrong("method", "is missing");
            Method::Lot
        }
        ValuationMethod::Lot => Method::Lot,
        ValuationMethod::Average => Method::Average,
        ValuationMethod::Fifo => Method::Fifo,
        ValuationMethod::Standard => Method::Standard,
    }
}

/// An item as it was.
pub(super) fn stock_as_of(
    sku: String,
    unit: String,
    warehouses: Vec<WarehouseView>,
    lots: Vec<LotView>,
    currency: Currency,
) -> GetStockAsOfResponse {
    let on_hand: Decimal = warehouses.iter().map(|one| one.on_hand).sum();
    let value: Decimal = warehouses.iter().map(|one| one.value).sum();
    let warehouse = |one: WarehouseView| WarehouseAsOf {
        warehouse: one.warehouse,
        on_hand: number(one.on_hand),
        value: Some(money(one.value, currency)),
    };
    let lot = |one: LotView| LotAsOf { lot: one.lot, place: one.place, on_hand: number(one.on_hand) };
    GetStockAsOfResponse {
        sku,
        unit,
        on_hand: number(on_hand),
        value: Some(money(value, currency)),
        warehouses: warehouses.into_iter().map(warehouse).collect(),
        lots: lots.into_iter().map(lot).collect(),
    }
}

/// What an item was worth, in wire form.
pub(super) fn item_valuation(view: WorthView, currency: Currency) -> ItemValuation {
    ItemValuation { sku: view.sku, on_hand: number(view.on_hand), value: Some(money(view.value, currency)) }
}
