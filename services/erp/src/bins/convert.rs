//! Bins in wire form, and back.

use std::collections::BTreeSet;

use proto::erp::v1::{Bin, BinContent, BinInput, BinPurpose, BlockBinRequest};
use rust_decimal::Decimal;
use service::Check;

use super::{
    domain::{BinChange, Blocks, Capacity, Purpose},
    queries::{BinView, ContentView},
};
use crate::{
    ledger::convert::{number, quantity},
    warehouses::domain::is_code,
};

/// Reads bins to create or change.
pub(super) fn bin_changes(check: &mut Check, bins: &[BinInput]) -> Vec<BinChange> {
    check.len("bins", bins.len(), 1..=1000);
    let (mut codes, mut barcodes) = (BTreeSet::new(), BTreeSet::new());
    let mut changes = Vec::new();
    for (index, input) in bins.iter().take(1000).enumerate() {
        let at = |field: &str| format!("bins[{index}].{field}");
        check.require(is_code(&input.code), at("code"), "must be 1 to 32 letters, digits, - or _");
        check.require(codes.insert(&input.code), at("code"), "is given twice");
        let barcode = check.optional_text(&at("barcode"), &input.barcode, 64);
        check.require(barcode.is_empty() || barcodes.insert(barcode.clone()), at("barcode"), "is given twice");
        let sequence = input.pick_sequence;
        check.require((0..=1_000_000_000).contains(&sequence), at("pick_sequence"), "must be 0 to 1,000,000,000");
        changes.push(BinChange {
            code: input.code.clone(),
            zone: check.text(&at("zone"), &input.zone, 1..=32),
            barcode,
            pick_sequence: sequence,
            purpose: purpose(check, &at("purpose"), input),
            capacity: Capacity {
                quantity: limit(check, &at("max_quantity"), &input.max_quantity),
                weight_grams: limit(check, &at("max_weight_grams"), &input.max_weight_grams),
            },
        });
    }
    changes
}

fn purpose(check: &mut Check, field: &str, input: &BinInput) -> Purpose {
    match BinPurpose::try_from(input.purpose) {
        Ok(BinPurpose::Unspecified | BinPurpose::Pick) => Purpose::Pick,
        Ok(BinPurpose::Bulk) => Purpose::Bulk,
        Ok(BinPurpose::Receiving) => Purpose::Receiving,
        Ok(BinPurpose::Returns) => Purpose::Returns,
        Ok(BinPurpose::Quarantine) => Purpose::Quarantine,
        Err(_) => {
            check.wrong(field, "is not a known purpose");
            Purpose::Pick
        }
    }
}

fn limit(check: &mut Check, field: &str, text: &str) -> Option<Decimal> {
    let limit = (!text.is_empty()).then(|| check.decimal(field, text));
    let most = Decimal::from(10_i64.pow(12));
    let fits = limit.is_none_or(|limit| limit > Decimal::ZERO && limit <= most && limit.normalize().scale() <= 6);
    check.require(fits, field, "must be above zero, at most 1,000,000,000,000, with up to 6 decimals");
    limit
}

/// Reads what a bin is to be blocked for.
pub(super) fn blocks(check: &mut Check, request: &BlockBinRequest) -> Blocks {
    let least = usize::from(request.for_put_away || request.for_picking);
    let reason = check.text("reason", &request.reason, least..=300);
    let when = |blocked: bool| if blocked { reason.clone() } else { String::new() };
    Blocks { put_away: when(request.for_put_away), picking: when(request.for_picking) }
}

/// A bin in wire form.
pub(super) fn bin(view: BinView) -> Bin {
    let purpose = match Purpose::parse(&view.purpose) {
        Purpose::Pick => BinPurpose::Pick,
        Purpose::Bulk => BinPurpose::Bulk,
        Purpose::Receiving => BinPurpose::Receiving,
        Purpose::Returns => BinPurpose::Returns,
        Purpose::Quarantine => BinPurpose::Quarantine,
    };
    Bin {
        place: view.place,
        warehouse: view.warehouse,
        code: view.code,
        zone: view.zone,
        barcode: view.barcode,
        pick_sequence: view.pick_sequence,
        purpose: purpose.into(),
        max_quantity: view.max_quantity.map(number).unwrap_or_default(),
        max_weight_grams: view.max_weight_grams.map(number).unwrap_or_default(),
        is_default: view.is_default,
        put_away_block: view.put_away_block,
        picking_block: view.picking_block,
    }
}

/// A lot in a bin in wire form.
pub(super) fn content(view: ContentView) -> BinContent {
    BinContent {
        on_hand: Some(quantity(view.on_hand, &view.unit)),
        reserved: Some(quantity(view.reserved, &view.unit)),
        sku: view.sku,
        name: view.name,
        lot: view.lot,
        expires_on: view.expires_on.map(|day| day.to_string()).unwrap_or_default(),
        lot_status: view.lot_status,
    }
}
