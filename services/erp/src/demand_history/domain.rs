//! A stretch of history in sums.

use rust_decimal::Decimal;
use time::Date;

/// The demand of an item over the days that count. A day counts when something was ordered on it, or when something
/// could be had: no orders while there was nothing to order say nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// First day; none when the item was never there and never wanted.
    pub begins: Option<Date>,
    /// Days that count.
    pub days: i32,
    /// Days left out.
    pub excluded: i32,
    /// Days with demand.
    pub demand_days: i32,
    /// Sum of what was wanted.
    pub total: Decimal,
    /// Sum of the squares of what was wanted on each day.
    pub squares: Decimal,
}
