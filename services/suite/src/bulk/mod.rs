#![doc = "Loading much through the gateway's public API: products, recipes, stock, orders, payments, shipments; several requests in flight."]
//!
//! Every write carries a key made from its content, so that loading the same again changes nothing.

use std::hash::Hasher as _;

use rust_decimal::Decimal;
use time::OffsetDateTime;

pub mod boms;
pub mod fulfilment;
pub mod intake;
pub mod payments;
pub mod quiet;
pub mod stock;

/// Requests on their way at once.
pub const IN_FLIGHT: usize = 4;

/// An amount on the wire.
pub fn money(currency: &str, amount: Decimal) -> proto::common::v1::Money {
    proto::common::v1::Money { currency: currency.to_owned(), amount: amount.to_string() }
}

/// A number of pieces on the wire.
pub fn pieces(number: i64) -> proto::common::v1::Quantity {
    proto::common::v1::Quantity { value: number.to_string(), unit: "pcs".to_owned() }
}

/// A request id that is the same whenever the content is: FNV-1a, which no release of anything changes.
pub fn content_id<'a>(purpose: &str, content: impl IntoIterator<Item = &'a str>) -> String {
    let mut hash = Fnv(0xcbf2_9ce4_8422_2325);
    for part in content {
        hash.write(part.as_bytes());
        hash.write(&[0]);
    }
    format!("{purpose}-{:016x}", hash.finish())
}

struct Fnv(u64);

impl std::hash::Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

/// Midnight after the day of `at` (UTC).
pub fn end_of_day(at: OffsetDateTime) -> OffsetDateTime {
    at.date().midnight().assume_utc() + time::Duration::DAY
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_id_depends_on_the_content_and_its_boundaries() {
        assert_eq!(content_id("x", ["a", "b"]), content_id("x", ["a", "b"]));
        assert_ne!(content_id("x", ["a", "b"]), content_id("x", ["ab"]));
        assert!(content_id("ship", []).starts_with("ship-"));
    }
}
