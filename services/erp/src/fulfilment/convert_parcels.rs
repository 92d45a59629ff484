//! Parcels in wire form, and back.

use proto::erp::v1::{PackShipmentRequest, Parcel as Wire, ParcelContent};
use rust_decimal::Decimal;
use service::Check;

use super::{
    domain::parcels::{Content, Packing, Parcel},
    queries::ParcelView,
};
use crate::ledger::convert::{number, quantity};

/// Parcels at most.
const MOST: usize = 100;
/// Contents of a parcel at most.
const MOST_CONTENTS: usize = 1000;

/// Reads how a shipment is packed.
pub(super) fn packing(check: &mut Check, request: &PackShipmentRequest) -> Packing {
    check.len("parcels", request.parcels.len(), 0..=MOST);
    let parcels: Vec<_> =
        request.parcels.iter().take(MOST).enumerate().map(|(index, one)| parcel(check, index, one)).collect();
    let counted = i32::try_from(parcels.len()).unwrap_or(i32::MAX);
    let places = if request.places == 0 { counted } else { request.places };
    check.require((1..=1000).contains(&places), "places", "must be 1 to 1000");
    check.require(parcels.is_empty() || places == counted, "places", "must be the number of parcels, or 0");
    Packing {
        places,
        weight_grams: weight(check, "weight_grams", &request.weight_grams),
        parcels,
        weight_reason: check.optional_text("weight_reason", &request.weight_reason, 500),
    }
}

fn weight(check: &mut Check, field: &str, text: &str) -> Option<Decimal> {
    let grams = (!text.is_empty()).then(|| check.decimal(field, text));
    check.require(grams.is_none_or(|grams| grams > Decimal::ZERO), field, "must be above zero");
    grams
}

fn parcel(check: &mut Check, index: usize, parcel: &Wire) -> Parcel {
    let field = format!("parcels[{index}]");
    check.len(&format!("{field}.contents"), parcel.contents.len(), 1..=MOST_CONTENTS);
    let content = |(n, one): (usize, &ParcelContent)| {
        let quantity = check.positive_quantity(&format!("{field}.contents[{n}].quantity"), &one.quantity);
        Content {
            line_no: one.line_no,
            lot: check.text(&format!("{field}.contents[{n}].lot"), &one.lot, 1..=64),
            unit: quantity.unit.code().to_owned(),
            quantity: quantity.value,
        }
    };
    let contents = parcel.contents.iter().take(MOST_CONTENTS).enumerate().map(content).collect();
    Parcel { weight_grams: weight(check, &format!("{field}.weight_grams"), &parcel.weight_grams), contents }
}

/// Parcels of one shipment in wire form; the rows are sorted by number.
pub(super) fn parcels(rows: &[ParcelView]) -> Vec<Wire> {
    let content = |row: &ParcelView| {
        Some(ParcelContent {
            line_no: row.line_no?,
            lot: row.lot.clone()?,
            quantity: Some(quantity(row.quantity?, row.unit.as_deref()?)),
        })
    };
    let parcel = |rows: &[ParcelView]| Wire {
        weight_grams: rows[0].weight_grams.map(number).unwrap_or_default(),
        contents: rows.iter().filter_map(content).collect(),
    };
    rows.chunk_by(|a, b| a.parcel_no == b.parcel_no).map(parcel).collect()
}
