//! What comes back undelivered: in which condition, and what becomes of it.

use rust_decimal::Decimal;

use super::ShipmentLine;
use crate::{error::Error, ledger::domain::Layer};

/// In which condition goods came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// As good as new.
    Sellable,
    /// Spoiled.
    Damaged,
    /// Not there any more.
    Missing,
}

/// What becomes of goods that came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Back to where they left from.
    Restock,
    /// To the quarantine place.
    Quarantine,
    /// Lost.
    WriteOff,
}

impl Condition {
    /// The stored code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Sellable => "sellable",
            Self::Damaged => "damaged",
            Self::Missing => "missing",
        }
    }

    /// What becomes of such goods when nobody says.
    #[must_use]
    pub fn usual(self) -> Outcome {
        match self {
            Self::Sellable => Outcome::Restock,
            Self::Damaged => Outcome::Quarantine,
            Self::Missing => Outcome::WriteOff,
        }
    }

    /// Whether that may become of such goods: spoiled ones are not sold again, missing ones are nowhere.
    #[must_use]
    pub fn allows(self, outcome: Outcome) -> bool {
        match self {
            Self::Sellable => true,
            Self::Damaged => outcome != Outcome::Restock,
            Self::Missing => outcome == Outcome::WriteOff,
        }
    }
}

impl Outcome {
    /// The stored code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Restock => "restock",
            Self::Quarantine => "quarantine",
            Self::WriteOff => "write_off",
        }
    }
}

/// What somebody says came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CameBack {
    /// Line of the order.
    pub line_no: i32,
    /// Lot number.
    pub lot: String,
    /// Unit code.
    pub unit: String,
    /// How much, above zero.
    pub quantity: Decimal,
    /// Condition.
    pub condition: Condition,
    /// Outcome.
    pub outcome: Outcome,
}

/// A piece of a shipment's line that comes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The line; `returned` and `returned_cost` are what comes back now.
    pub line: ShipmentLine,
    /// Condition.
    pub condition: Condition,
    /// Outcome.
    pub outcome: Outcome,
}

/// Everything that has not come back yet, as good as new.
#[must_use]
pub fn everything(sent: Vec<ShipmentLine>) -> Vec<Piece> {
    let rest = |mut line: ShipmentLine| {
        line.returned = line.quantity - line.returned;
        line.returned_cost = line.cost - line.returned_cost;
        let (condition, outcome) = (Condition::Sellable, Outcome::Restock);
        (line.returned > Decimal::ZERO).then_some(Piece { line, condition, outcome })
    };
    sent.into_iter().filter_map(rest).collect()
}

/// Matches what somebody says came back with what was sent: the pieces at the cost they left with, and the quantity
/// nothing was said of. The last piece of a line takes the rest of its cost, so that all pieces add up to what left.
///
/// # Errors
/// Lines that name what was not sent, another unit, or [`Error::NotEnoughSent`].
pub fn match_back(
    mut sent: Vec<ShipmentLine>,
    named: &[CameBack],
    digits: u32,
) -> Result<(Vec<Piece>, Decimal), Error> {
    let mut pieces = Vec::new();
    for (index, one) in named.iter().enumerate() {
        let mut left = one.quantity;
        let mut any = false;
        for line in sent.iter_mut().filter(|line| line.line_no == one.line_no && line.lot_number == one.lot) {
            any = true;
            if line.unit != one.unit {
                return Err(Error::UnitMismatch { sku: line.sku.clone(), unit: line.unit.clone() });
            }
            let mut open = Layer { on_hand: line.quantity - line.returned, value: line.cost - line.returned_cost };
            let part = open.on_hand.min(left);
            if part <= Decimal::ZERO {
                continue;
            }
            let cost = open.issue(part, digits);
            line.returned += part;
            line.returned_cost += cost;
            left -= part;
            let back = ShipmentLine { returned: part, returned_cost: cost, ..line.clone() };
            pieces.push(Piece { line: back, condition: one.condition, outcome: one.outcome });
        }
        if !any {
            return Err(Error::field(format!("lines[{index}].lot"), "is not in the shipment on that line"));
        }
        if left > Decimal::ZERO {
            let there = (one.quantity - left).normalize().to_string();
            return Err(Error::NotEnoughSent { line_no: one.line_no, there });
        }
    }
    Ok((pieces, sent.iter().map(|line| line.quantity - line.returned).sum()))
}

/// Adds up pieces of the same line, so that each is booked once.
#[must_use]
pub fn by_line(pieces: &[Piece]) -> Vec<ShipmentLine> {
    let mut lines: Vec<ShipmentLine> = Vec::new();
    for Piece { line: piece, .. } in pieces {
        let key = |line: &ShipmentLine| (line.line_no, line.lot, line.place);
        match lines.iter_mut().find(|line| key(line) == key(piece)) {
            Some(line) => {
                line.returned += piece.returned;
                line.returned_cost += piece.returned_cost;
            }
            None => lines.push(piece.clone()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rust_decimal::dec;
    use uuid::Uuid;

    fn sent(quantity: Decimal, cost: Decimal) -> ShipmentLine {
        ShipmentLine {
            shipment: Uuid::nil(),
            line_no: 1,
            sku: "A".into(),
            unit: "pcs".into(),
            lot: Uuid::nil(),
            lot_number: "L".into(),
            place: 100,
            quantity,
            cost,
            returned: dec!(0),
            returned_cost: dec!(0),
            moved: None,
        }
    }

    fn named(quantity: i64, condition: Condition) -> CameBack {
        let (lot, unit) = ("L".into(), "pcs".into());
        CameBack { line_no: 1, lot, unit, quantity: quantity.into(), condition, outcome: condition.usual() }
    }

    #[test]
    fn what_usually_becomes_of_goods_is_always_allowed_and_nothing_lost_or_spoiled_is_sold() {
        for condition in [Condition::Sellable, Condition::Damaged, Condition::Missing] {
            assert!(condition.allows(condition.usual()));
            assert_eq!(condition.allows(Outcome::Restock), condition == Condition::Sellable);
        }
    }

    #[test]
    fn more_than_was_sent_does_not_come_back() {
        let back = [named(2, Condition::Sellable), named(2, Condition::Missing)];
        let refused = match_back(vec![sent(dec!(3), dec!(10))], &back, 2);
        assert!(matches!(refused, Err(Error::NotEnoughSent { line_no: 1, there }) if there == "1"));
    }

    proptest! {
        #[test]
        fn in_whatever_parts_and_conditions_the_whole_cost_comes_back(
            parts in prop::collection::vec((1i64..20, 0usize..3), 1..8), cost in 0i64..100_000,
        ) {
            let quantity: i64 = parts.iter().map(|(part, _)| part).sum();
            let cost = Decimal::new(cost, 2);
            let conditions = [Condition::Sellable, Condition::Damaged, Condition::Missing];
            let back: Vec<_> = parts.iter().map(|(part, n)| named(*part, conditions[*n])).collect();
            let (pieces, rest) = match_back(vec![sent(quantity.into(), cost)], &back, 2).unwrap();
            prop_assert!(rest.is_zero());
            prop_assert_eq!(pieces.iter().map(|piece| piece.line.returned_cost).sum::<Decimal>(), cost);
            let lines = by_line(&pieces);
            prop_assert_eq!((lines.len(), lines[0].returned, lines[0].returned_cost), (1, quantity.into(), cost));
        }
    }
}
