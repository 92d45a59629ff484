#![doc = "Ties a credit note to the sales it takes back: same customer and stock code, latest earlier sale first."]
//!
//! The file does not name the sale a credit note belongs to. Among the open sales of the same customer and code that
//! are not later than the note, the latest one is taken back first, then the one before, until the note is used up.
//! What finds no sale is left over. A sale younger than [`SHIPPING_DELAY`] has not left the warehouse yet.

use std::collections::HashMap;

use time::{Duration, OffsetDateTime};

/// A sale leaves the warehouse this long after it was placed: before that a credit note cancels, afterwards it returns.
pub const SHIPPING_DELAY: Duration = Duration::hours(24);

/// Where a sold line stands in the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SoldLine {
    /// Index of the order in the plan.
    pub order: usize,
    /// Number of the line in that order, from 1.
    pub line_no: u32,
}

/// Part of a credit note tied to a sale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Matched {
    /// The sale.
    pub sold: SoldLine,
    /// Pieces taken back from it.
    pub quantity: i64,
    /// True when the goods had left the warehouse: a return, not a cancellation.
    pub shipped: bool,
}

struct Open {
    at: OffsetDateTime,
    sold: SoldLine,
    left: i64,
}

/// The sales that can still be taken back.
#[derive(Default)]
pub struct OpenSales {
    by_customer_and_code: HashMap<(u32, String), Vec<Open>>,
}

impl OpenSales {
    /// Remembers a sale; sales must come in the order they were made.
    pub fn sold(&mut self, customer: u32, code: &str, at: OffsetDateTime, sold: SoldLine, quantity: i64) {
        let open = Open { at, sold, left: quantity };
        self.by_customer_and_code.entry((customer, code.to_owned())).or_default().push(open);
    }

    /// Takes `quantity` pieces back and returns the parts found and what is left over.
    pub fn take_back(&mut self, customer: u32, code: &str, at: OffsetDateTime, quantity: i64) -> (Vec<Matched>, i64) {
        let mut left = quantity;
        let mut parts = Vec::new();
        let Some(sales) = self.by_customer_and_code.get_mut(&(customer, code.to_owned())) else {
            return (parts, left);
        };
        for sale in sales.iter_mut().rev().filter(|s| s.left > 0 && s.at <= at) {
            if left == 0 {
                break;
            }
            let taken = left.min(sale.left);
            sale.left -= taken;
            left -= taken;
            parts.push(Matched { sold: sale.sold, quantity: taken, shipped: at - sale.at >= SHIPPING_DELAY });
        }
        (parts, left)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    fn at(hours: i64) -> OffsetDateTime {
        datetime!(2011-01-01 00:00 UTC) + Duration::hours(hours)
    }

    fn sold(order: usize) -> SoldLine {
        SoldLine { order, line_no: 1 }
    }

    #[test]
    fn the_latest_earlier_sale_is_taken_back_first() {
        let mut sales = OpenSales::default();
        sales.sold(1, "A", at(0), sold(0), 5);
        sales.sold(1, "A", at(30), sold(1), 5);
        sales.sold(1, "A", at(90), sold(2), 5);
        let (parts, left) = sales.take_back(1, "A", at(40), 7);
        assert_eq!(left, 0);
        assert_eq!(
            parts,
            [
                Matched { sold: sold(1), quantity: 5, shipped: false },
                Matched { sold: sold(0), quantity: 2, shipped: true }
            ]
        );
    }

    #[test]
    fn another_customer_or_another_case_of_the_code_finds_nothing() {
        let mut sales = OpenSales::default();
        sales.sold(1, "85123A", at(0), sold(0), 5);
        assert_eq!(sales.take_back(2, "85123A", at(1), 1), (vec![], 1));
        assert_eq!(sales.take_back(1, "85123a", at(1), 1), (vec![], 1));
    }

    proptest! {
        #[test]
        fn nothing_is_taken_back_twice(sizes in prop::collection::vec(1i64..20, 1..8), notes in prop::collection::vec(1i64..30, 1..8)) {
            let mut sales = OpenSales::default();
            for (order, size) in sizes.iter().enumerate() {
                sales.sold(1, "A", at(order as i64), sold(order), *size);
            }
            let mut taken = vec![0; sizes.len()];
            for note in &notes {
                let (parts, left) = sales.take_back(1, "A", at(100), *note);
                prop_assert_eq!(parts.iter().map(|p| p.quantity).sum::<i64>() + left, *note);
                for part in parts {
                    taken[part.sold.order] += part.quantity;
                }
            }
            prop_assert!(taken.iter().zip(&sizes).all(|(t, s)| t <= s));
            prop_assert_eq!(taken.iter().sum::<i64>(), sizes.iter().sum::<i64>().min(notes.iter().sum()));
        }
    }
}
