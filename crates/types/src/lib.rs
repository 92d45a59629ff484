//! The words every service shares: money, quantities, units, the business day.
//!
//! Pure: no I/O, no async, no clock, no floating point. Everything here is exact decimal arithmetic.

mod business_day;
mod money;
mod quantity;
mod ratio;
mod rounding;

pub use business_day::{BusinessDayError, business_day, business_day_start};
pub use money::{Currency, Money, MoneyError};
pub use quantity::{Quantity, QuantityError, Unit};
pub use ratio::{Ratio, RatioError};
pub use rounding::{parse_decimal, round_half_away, split_largest_remainder};
