//! Figures of the ledger in wire form.

use proto::common::v1::{Money, Quantity};
use rust_decimal::Decimal;
use types::Currency;

/// A quantity in an item's unit.
pub(crate) fn quantity(value: Decimal, unit: &str) -> Quantity {
    Quantity { value: number(value), unit: unit.to_owned() }
}

/// A quantity without its unit.
pub(crate) fn number(value: Decimal) -> String {
    value.normalize().to_string()
}

/// A value in the company currency, with exactly the minor unit's digits.
pub(crate) fn money(value: Decimal, currency: Currency) -> Money {
    types::Money::new(value, currency).rounded().into()
}
