//! Items' master data.

use rust_decimal::Decimal;

/// An item as it is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemChange {
    /// Stock keeping unit.
    pub sku: String,
    /// Display name.
    pub name: String,
    /// Unit code.
    pub unit: String,
    /// `draft`, `active` or `discontinued`.
    pub status: &'static str,
    /// Weight of one unit in grams.
    pub weight_grams: Option<Decimal>,
    /// Product category, by which goods are valued and stocked; empty when it has none.
    pub category: String,
    /// Barcode as scanners read it; empty when it has none.
    pub barcode: String,
}

/// Reads a status as events and columns carry it; what is not known counts as active.
#[must_use]
pub fn status(code: &str) -> &'static str {
    match code {
        "draft" => "draft",
        "discontinued" => "discontinued",
        _ => "active",
    }
}

/// Keeps the last change of each item, in item order.
#[must_use]
pub fn last_of_each(changes: Vec<ItemChange>) -> Vec<ItemChange> {
    let latest: std::collections::BTreeMap<_, _> =
        changes.into_iter().map(|change| (change.sku.clone(), change)).collect();
    latest.into_values().collect()
}
