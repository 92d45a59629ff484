//! Which lots come back, and at which cost.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{fulfilment::domain::ShipmentLine, ledger::domain::Layer};

/// What becomes of goods that came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Back to sellable stock.
    Restock,
    /// Lost.
    WriteOff,
    /// Kept aside.
    Repair,
}

impl Outcome {
    /// The code as stored and told.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Restock => "restock",
            Self::WriteOff => "write_off",
            Self::Repair => "repair",
        }
    }
}

/// A return as the orders service tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Return {
    /// Return id.
    pub id: Uuid,
    /// Order.
    pub order: Uuid,
    /// Line and quantity of each line that came back.
    pub lines: Vec<(i32, Decimal)>,
    /// What becomes of the goods.
    pub outcome: Outcome,
    /// Reason code.
    pub reason: String,
    /// When.
    pub returned_at: OffsetDateTime,
}

/// Matches what came back with what was sent, oldest shipment first: each part with `returned` and `returned_cost` set
/// to what comes back now, and the quantity that was never sent. `sent` is brought up to date. The last piece of a line
/// takes the rest of its cost, so that what comes back adds up to what left.
#[must_use]
pub fn match_return(sent: &mut [ShipmentLine], lines: &[(i32, Decimal)], digits: u32) -> (Vec<ShipmentLine>, Decimal) {
    let mut back: Vec<ShipmentLine> = Vec::new();
    let mut unmatched = Decimal::ZERO;
    let mut wanted: BTreeMap<i32, Decimal> = BTreeMap::new();
    for (line_no, quantity) in lines {
        *wanted.entry(*line_no).or_default() += *quantity;
    }
    for (line_no, quantity) in wanted {
        let mut left = quantity;
        for line in sent.iter_mut().filter(|line| line.line_no == line_no) {
            let mut open = Layer { on_hand: line.quantity - line.returned, value: line.cost - line.returned_cost };
            let part = open.on_hand.min(left);
            if part <= Decimal::ZERO {
                continue;
            }
            let cost = open.issue(part, digits);
            line.returned += part;
            line.returned_cost += cost;
            left -= part;
            back.push(ShipmentLine { returned: part, returned_cost: cost, ..line.clone() });
        }
        unmatched += left;
    }
    (back, unmatched)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rust_decimal::dec;

    fn sent(quantity: Decimal, cost: Decimal) -> ShipmentLine {
        ShipmentLine {
            shipment: Uuid::nil(),
            line_no: 1,
            sku: "A".into(),
            unit: "pcs".into(),
            lot: Uuid::nil(),
            lot_number: "a".into(),
            place: 100,
            quantity,
            cost,
            returned: dec!(0),
            returned_cost: dec!(0),
            moved: Some(1),
        }
    }

    #[test]
    fn what_was_never_sent_does_not_come_back() {
        let mut lines = [sent(dec!(2), dec!(5))];
        let (back, unmatched) = match_return(&mut lines, &[(1, dec!(3)), (2, dec!(1))], 2);
        assert_eq!((back.len(), back[0].returned, back[0].returned_cost, unmatched), (1, dec!(2), dec!(5), dec!(2)));
        assert_eq!(match_return(&mut lines, &[(1, dec!(1))], 2), (Vec::new(), dec!(1)));
    }

    proptest! {
        #[test]
        fn returned_piece_by_piece_the_whole_cost_comes_back(quantity in 1i64..60, cost in 0i64..100_000) {
            let cost = Decimal::new(cost, 2);
            let mut lines = [sent(quantity.into(), cost)];
            let mut total = Decimal::ZERO;
            for _ in 0..quantity {
                let (back, unmatched) = match_return(&mut lines, &[(1, dec!(1))], 2);
                prop_assert!(unmatched.is_zero());
                total += back[0].returned_cost;
            }
            prop_assert_eq!(total, cost);
        }
    }
}
