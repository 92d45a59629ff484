//! Stock in wire form, and back.

use std::collections::BTreeMap;

use proto::erp::v1::{
    AdjustStockRequest, AdjustmentKind, Availability, GetStockResponse, LedgerCheck, LotBalance, LotStatus, Move,
    TransferStockRequest, VerifyLedgerResponse,
};
use rust_decimal::Decimal;
use service::Check;
use types::Currency;

use super::{
    domain::{AdjustKind, Adjustment, Transfer, TransferLine},
    queries::{AvailabilityView, Known, LotView, MoveView, PlaceView},
};
use crate::{
    ledger::{
        convert::{money, number},
        queries::Verification,
    },
    units::convert::{entered, entered_above_zero},
};

/// Reads a correction.
pub(super) fn adjustment(check: &mut Check, request: &AdjustStockRequest, currency: Currency) -> Adjustment {
    let (quantity, unit) = match request.kind() {
        AdjustmentKind::WriteOff => entered_above_zero(check, "quantity", &request.quantity),
        AdjustmentKind::Count | AdjustmentKind::Unspecified => entered(check, "quantity", &request.quantity),
    };
    let kind = match request.kind() {
        AdjustmentKind::WriteOff => AdjustKind::WriteOff,
        AdjustmentKind::Count => AdjustKind::Count,
        AdjustmentKind::Unspecified => {
            check.wrong("kind", "is missing");
            AdjustKind::Count
        }
    };
    let unit_cost = check.optional_money("unit_cost", &request.unit_cost);
    if let Some(cost) = unit_cost {
        check.require(cost.currency == currency, "unit_cost", format!("must be in {}", currency.code()));
        check.require(!cost.is_negative(), "unit_cost", "must not be negative");
        let fits = cost.amount.checked_mul(quantity).is_some_and(|sum| sum < Decimal::from(10_i64.pow(15)));
        check.require(fits, "unit_cost", "is too much");
    }
    Adjustment {
        warehouse: check.text("warehouse", &request.warehouse, 1..=32),
        place: check.optional_text("place", &request.place, 100),
        sku: check.text("sku", &request.sku, 1..=64),
        lot: check.text("lot", &request.lot, 1..=64),
        kind,
        unit,
        quantity,
        reason: check.text("reason", &request.reason, 1..=300),
        unit_cost: unit_cost.map(|cost| cost.amount),
    }
}

/// Reads a transfer.
pub(super) fn transfer(check: &mut Check, request: &TransferStockRequest) -> Transfer {
    check.len("lines", request.lines.len(), 1..=500);
    let lines = request.lines.iter().take(500).enumerate().map(|(index, line)| {
        let at = |field: &str| format!("lines[{index}].{field}");
        let (quantity, unit) = entered_above_zero(check, &at("quantity"), &line.quantity);
        TransferLine {
            sku: check.text(&at("sku"), &line.sku, 1..=64),
            lot: check.text(&at("lot"), &line.lot, 1..=64),
            unit,
            quantity,
        }
    });
    let lines = lines.collect();
    Transfer {
        from: check.text("from_place", &request.from_place, 1..=100),
        to: check.text("to_place", &request.to_place, 1..=100),
        reason: check.optional_text("reason", &request.reason, 300),
        lines,
    }
}

/// The stored code of a lot status asked for.
pub(super) fn lot_status_code(check: &mut Check, status: LotStatus) -> &'static str {
    match status {
        LotStatus::Available => "available",
        LotStatus::Quarantined => "quarantined",
        LotStatus::Blocked => "blocked",
        LotStatus::Unspecified => {
            check.wrong("status", "is missing");
            ""
        }
    }
}

/// Figures in wire form.
pub(super) fn availability(view: &AvailabilityView) -> Availability {
    Availability {
        sku: view.sku.clone(),
        warehouse: view.warehouse.clone(),
        on_hand: number(view.on_hand),
        reserved: number(view.reserved),
        free: number(view.on_hand - view.reserved),
        available: number(view.available),
        backordered: number(view.backordered),
    }
}

/// The sum over the warehouses of each item; rows come by sku, and each says what the item is waited for in all.
pub(super) fn totals(views: &[AvailabilityView]) -> Vec<AvailabilityView> {
    let sum = |rows: &[AvailabilityView], of: fn(&AvailabilityView) -> Decimal| rows.iter().map(of).sum::<Decimal>();
    let total = |rows: &[AvailabilityView]| AvailabilityView {
        sku: rows[0].sku.clone(),
        warehouse: String::new(),
        on_hand: sum(rows, |row| row.on_hand),
        reserved: sum(rows, |row| row.reserved),
        available: sum(rows, |row| row.available),
        backordered: rows[0].backordered,
    };
    views.chunk_by(|a, b| a.sku == b.sku).map(total).collect()
}

/// Stock and what is waited for by warehouse, where there is any.
pub(super) fn by_warehouse(
    stock: Vec<AvailabilityView>,
    waiting: Vec<(String, String, Decimal)>,
) -> Vec<AvailabilityView> {
    let mut views: BTreeMap<(String, String), AvailabilityView> = BTreeMap::new();
    for view in stock.into_iter().filter(|view| !view.warehouse.is_empty()) {
        let key = (view.sku.clone(), view.warehouse.clone());
        views.insert(key, AvailabilityView { backordered: Decimal::ZERO, ..view });
    }
    for (sku, warehouse, backordered) in waiting {
        let nothing = |(sku, warehouse): &(String, String)| AvailabilityView {
            sku: sku.clone(),
            warehouse: warehouse.clone(),
            ..AvailabilityView::default()
        };
        views.entry((sku, warehouse)).or_insert_with_key(nothing).backordered = backordered;
    }
    views.into_values().collect()
}

/// Most lots that are listed.
const LOTS: usize = 1000;

/// An item with its totals and its first lots; none when there are no rows.
pub(super) fn stock(sku: &str, lots: Vec<LotView>, places: &Known, currency: Currency) -> Option<GetStockResponse> {
    let first = lots.first()?;
    let place = |lot: &LotView| places.get(&lot.place_id?);
    let sold = |lot: &LotView| place(lot).is_some_and(|place| place.sells);
    let sum = |counts: &dyn Fn(&LotView) -> bool, of: fn(&LotView) -> Decimal| -> Decimal {
        lots.iter().filter(|lot| counts(lot)).map(of).sum()
    };
    let total = AvailabilityView {
        sku: sku.to_owned(),
        warehouse: String::new(),
        on_hand: sum(&sold, |lot| lot.on_hand),
        reserved: sum(&sold, |lot| lot.reserved),
        available: sum(&|lot| lot.available, |lot| lot.on_hand - lot.reserved),
        backordered: first.backordered,
    };
    let value = Some(money(sum(&|_| true, |lot| lot.value), currency));
    let (unit, there) = (first.unit.clone(), lots.iter().filter(|lot| !lot.on_hand.is_zero()).take(LOTS));
    let lots = there.map(|one| lot(one, place(one), currency)).collect();
    Some(GetStockResponse { sku: sku.to_owned(), unit, total: Some(availability(&total)), value, lots })
}

/// A lot in wire form.
fn lot(view: &LotView, place: Option<&PlaceView>, currency: Currency) -> LotBalance {
    let status = match view.status.as_str() {
        "quarantined" => LotStatus::Quarantined,
        "blocked" => LotStatus::Blocked,
        _ => LotStatus::Available,
    };
    LotBalance {
        lot: view.lot.clone(),
        place: place.map(|place| place.code.clone()).unwrap_or_default(),
        warehouse: place.map(|place| place.warehouse.clone()).unwrap_or_default(),
        expires_on: view.expires_on.map(|day| day.to_string()).unwrap_or_default(),
        supplier_lot: view.supplier_lot.clone(),
        received_at: view.received_at.map(proto::to_timestamp),
        status: status.into(),
        on_hand: number(view.on_hand),
        reserved: number(view.reserved),
        value: Some(money(view.value, currency)),
    }
}

/// An entry of the ledger in wire form.
pub(super) fn ledger_move(view: MoveView, currency: Currency) -> Move {
    Move {
        id: view.id,
        moved_at: Some(proto::to_timestamp(view.moved_at)),
        recorded_at: Some(proto::to_timestamp(view.recorded_at)),
        from_place: view.from_place,
        to_place: view.to_place,
        sku: view.sku,
        lot: view.lot,
        quantity: number(view.quantity),
        value: Some(money(view.value, currency)),
        cause_kind: view.cause_kind,
        cause_id: view.cause_id.to_string(),
        order_id: view.order_id.map(|id| id.to_string()).unwrap_or_default(),
        created_by: view.created_by,
    }
}

/// A recount in wire form.
pub(super) fn verification(found: Verification, currency: Currency) -> VerifyLedgerResponse {
    let check = |check: crate::ledger::queries::CheckView| LedgerCheck {
        name: check.name,
        differences: check.differences,
        samples: check.samples,
    };
    VerifyLedgerResponse {
        balanced: found.checks.iter().all(|check| check.differences == 0),
        checks: found.checks.into_iter().map(check).collect(),
        moves: found.moves,
        stock_value: Some(money(found.stock_value, currency)),
    }
}
