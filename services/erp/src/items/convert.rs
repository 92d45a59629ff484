//! Items in wire form, and back.

use proto::{
    erp::v1::{ErpEvent, Item, ItemInput, ItemStatus, StockDepleted, StockReplenished, StockState, erp_event::Event},
    orders::v1::ProductChanged,
};
use rust_decimal::Decimal;
use service::Check;
use time::OffsetDateTime;

use super::{
    domain::{ItemChange, status},
    queries::ItemView,
};
use crate::ledger::{
    self,
    convert::{number, quantity},
};

/// Reads an item to create or change.
pub(super) fn item_change(check: &mut Check, index: usize, input: &ItemInput) -> ItemChange {
    let at = |field: &str| format!("items[{index}].{field}");
    let unit = types::Unit::parse(&input.unit).map(|unit| unit.code().to_owned());
    check.require(unit.is_ok(), at("unit"), "is not a known unit");
    let status = match input.status() {
        ItemStatus::Unspecified | ItemStatus::Active => "active",
        ItemStatus::Draft => "draft",
        ItemStatus::Discontinued => "discontinued",
        ItemStatus::Unknown => {
            check.require(false, at("status"), "cannot be set to unknown");
            "active"
        }
    };
    let weight = (!input.weight_grams.is_empty()).then(|| check.decimal(&at("weight_grams"), &input.weight_grams));
    check.require(weight.is_none_or(|grams| grams >= Decimal::ZERO), at("weight_grams"), "must not be negative");
    ItemChange {
        sku: check.text(&at("sku"), &input.sku, 1..=64),
        name: check.optional_text(&at("name"), &input.name, 300),
        unit: unit.unwrap_or_default(),
        status,
        weight_grams: weight,
        category: check.optional_text(&at("category"), &input.category, 200),
        barcode: check.optional_text(&at("barcode"), &input.barcode, 64),
    }
}

/// Reads a product of the orders service. A unit nobody knows counts as pieces: the product must be waited for somehow.
pub(crate) fn product(event: ProductChanged) -> ItemChange {
    let unit = types::Unit::parse(&event.unit).unwrap_or(types::Unit::Piece);
    ItemChange {
        name: event.name,
        unit: unit.code().to_owned(),
        status: status(&event.status),
        weight_grams: types::parse_decimal(&event.weight_grams).filter(|grams| *grams >= Decimal::ZERO),
        sku: event.sku,
        category: event.category,
        barcode: event.barcode,
    }
}

/// An item's state in wire form.
pub(crate) fn stock_state(code: &str) -> StockState {
    match code {
        "available" => StockState::Available,
        "depleted" => StockState::Depleted,
        _ => StockState::New,
    }
}

/// The stored code of a state asked for.
pub(super) fn stock_state_code(state: StockState) -> Option<&'static str> {
    match state {
        StockState::Unspecified => None,
        StockState::New => Some("new"),
        StockState::Available => Some("available"),
        StockState::Depleted => Some("depleted"),
    }
}

/// An item in wire form.
pub(super) fn item(view: ItemView) -> Item {
    let status = match view.status.as_str() {
        "unknown" => ItemStatus::Unknown,
        "draft" => ItemStatus::Draft,
        "discontinued" => ItemStatus::Discontinued,
        _ => ItemStatus::Active,
    };
    Item {
        sku: view.sku,
        name: view.name,
        unit: view.unit.unwrap_or_default(),
        status: status.into(),
        weight_grams: view.weight_grams.map(number).unwrap_or_default(),
        category: view.category,
        barcode: view.barcode,
        on_hand: number(view.on_hand),
        reserved: number(view.reserved),
        backordered: number(view.backordered),
        stock_state: stock_state(&view.state).into(),
    }
}

/// The fact that nothing is available any more.
pub(crate) fn stock_depleted(sku: &str, item: &ledger::domain::Item, at: OffsetDateTime) -> ErpEvent {
    let fact = StockDepleted {
        sku: sku.to_owned(),
        backordered: Some(quantity(item.backordered, item.unit.as_deref().unwrap_or_default())),
        depleted_at: Some(proto::to_timestamp(at)),
    };
    ErpEvent { event: Some(Event::StockDepleted(fact)) }
}

/// The fact that something is available again.
pub(crate) fn stock_replenished(
    sku: &str,
    item: &ledger::domain::Item,
    available: Decimal,
    at: OffsetDateTime,
) -> ErpEvent {
    let fact = StockReplenished {
        sku: sku.to_owned(),
        available: Some(quantity(available, item.unit.as_deref().unwrap_or_default())),
        replenished_at: Some(proto::to_timestamp(at)),
    };
    ErpEvent { event: Some(Event::StockReplenished(fact)) }
}
