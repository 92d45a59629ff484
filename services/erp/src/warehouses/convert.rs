//! Warehouses in wire form.

use proto::erp::v1::{Place, Warehouse};

use super::queries::PlaceView;

/// Groups places, sorted by warehouse, into warehouses.
pub(super) fn warehouses(places: Vec<PlaceView>) -> Vec<Warehouse> {
    let mut found: Vec<Warehouse> = Vec::new();
    for place in places {
        if found.last().is_none_or(|last| last.code != place.warehouse) {
            found.push(Warehouse {
                code: place.warehouse,
                name: place.name,
                min_life_days: place.min_life_days,
                places: Vec::new(),
            });
        }
        if let Some(last) = found.last_mut() {
            last.places.push(Place { code: place.code, kind: place.kind, zone: place.zone, bin: place.bin });
        }
    }
    found
}
