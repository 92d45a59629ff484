//! What comes back undelivered, in wire form, and back.

use proto::erp::v1::{ComebackOutcome, ReturnCondition, ReturnedPiece};
use service::Check;
use types::Currency;

use super::{
    domain::comeback::{CameBack, Condition, Outcome},
    queries::ComebackView,
};
use crate::ledger::convert::{money, quantity};

/// Reads a piece that came back.
pub(super) fn came_back(check: &mut Check, index: usize, piece: &ReturnedPiece) -> CameBack {
    let field = |name: &str| format!("lines[{index}].{name}");
    let condition = match piece.condition() {
        ReturnCondition::Sellable => Condition::Sellable,
        ReturnCondition::Damaged => Condition::Damaged,
        ReturnCondition::Missing => Condition::Missing,
        ReturnCondition::Unspecified => {
            check.wrong(field("condition"), "is missing");
            Condition::Missing
        }
    };
    let outcome = match piece.outcome() {
        ComebackOutcome::Unspecified => condition.usual(),
        ComebackOutcome::Restock => Outcome::Restock,
        ComebackOutcome::Quarantine => Outcome::Quarantine,
        ComebackOutcome::WriteOff => Outcome::WriteOff,
    };
    check.require(condition.allows(outcome), field("outcome"), "cannot become of goods in that condition");
    let quantity = check.positive_quantity(&field("quantity"), &piece.quantity);
    CameBack {
        line_no: piece.line_no,
        lot: check.text(&field("lot"), &piece.lot, 1..=64),
        unit: quantity.unit.code().to_owned(),
        quantity: quantity.value,
        condition,
        outcome,
    }
}

/// A piece that came back, in wire form.
pub(super) fn piece(row: &ComebackView, currency: Currency) -> ReturnedPiece {
    ReturnedPiece {
        line_no: row.line_no,
        lot: row.lot.clone(),
        quantity: Some(quantity(row.quantity, &row.unit)),
        condition: match row.condition.as_str() {
            "sellable" => ReturnCondition::Sellable,
            "damaged" => ReturnCondition::Damaged,
            _ => ReturnCondition::Missing,
        }
        .into(),
        outcome: match row.outcome.as_str() {
            "restock" => ComebackOutcome::Restock,
            "quarantine" => ComebackOutcome::Quarantine,
            _ => ComebackOutcome::WriteOff,
        }
        .into(),
        cost: Some(money(row.cost, currency)),
    }
}
