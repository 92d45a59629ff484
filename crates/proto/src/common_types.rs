//! Conversions between the wire's common messages and [`types`].

use time::OffsetDateTime;
use types::{Money, MoneyError, Quantity, QuantityError};

use crate::common::v1 as wire;

impl From<Money> for wire::Money {
    fn from(money: Money) -> Self {
        Self { currency: money.currency.code().to_owned(), amount: money.amount.to_string() }
    }
}

impl TryFrom<&wire::Money> for Money {
    type Error = MoneyError;

    fn try_from(money: &wire::Money) -> Result<Self, MoneyError> {
        Self::parse(&money.amount, &money.currency)
    }
}

impl From<Quantity> for wire::Quantity {
    fn from(quantity: Quantity) -> Self {
        Self { value: quantity.value.normalize().to_string(), unit: quantity.unit.code().to_owned() }
    }
}

impl TryFrom<&wire::Quantity> for Quantity {
    type Error = QuantityError;

    fn try_from(quantity: &wire::Quantity) -> Result<Self, QuantityError> {
        Self::parse(&quantity.value, &quantity.unit)
    }
}

/// A moment in wire form (UTC).
#[must_use]
pub fn to_timestamp(at: OffsetDateTime) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: at.unix_timestamp(), nanos: at.nanosecond().cast_signed() }
}

/// The moment of a wire form, cut to microseconds (what Postgres stores). `None` when out of the years 1 to 9999.
#[must_use]
pub fn from_timestamp(stamp: &prost_types::Timestamp) -> Option<OffsetDateTime> {
    if !(0..1_000_000_000).contains(&stamp.nanos) {
        return None;
    }
    let micros = i128::from(stamp.nanos / 1000) * 1000;
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(stamp.seconds) * 1_000_000_000 + micros).ok()?;
    (1..=9999).contains(&at.year()).then_some(at)
}
