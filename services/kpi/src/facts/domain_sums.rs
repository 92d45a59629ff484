//! Sums of an order over its lines, known without looking at the rows of the lines.

use rust_decimal::Decimal;

use super::domain::{LineChange, Part};

/// Sums over lines that were placed and nothing else; the other sums are zero then.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LineSums {
    pub(super) lines: i32,
    pub(super) units: Decimal,
    pub(super) gross: Decimal,
    pub(super) discount: Decimal,
    pub(super) tax: Decimal,
    pub(super) placed: Decimal,
    pub(super) any_discount: bool,
}

impl LineSums {
    /// The sums of an order that has no other lines than these; none when there are none, one was not placed yet, or
    /// something else happened to it.
    pub(super) fn of<'a>(lines: impl Iterator<Item = &'a LineChange>) -> Option<Self> {
        let nothing = Part::default();
        let mut sums = None;
        for line in lines {
            let parts = [line.cancelled, line.returned, line.shipped, line.failed, line.back, line.written_off];
            let placed = line.placed.as_ref().filter(|_| parts.iter().all(|part| *part == nothing))?;
            let sums = sums.get_or_insert_with(Self::default);
            if placed.goods {
                sums.lines += 1;
                sums.units += placed.quantity;
            }
            sums.gross += placed.gross;
            sums.discount += placed.discount;
            sums.tax += placed.tax;
            sums.placed += placed.total;
            sums.any_discount |= placed.discount > Decimal::ZERO;
        }
        sums
    }
}
