//! Decisions, and what a pin takes and gives.

use rust_decimal::Decimal;
use uuid::Uuid;

use crate::reservation::domain::{Held, take_held};

/// Why, and who answers for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grounds {
    /// For people.
    pub reason: String,
    /// Who approved it; may be empty.
    pub approved_by: String,
}

/// A line is to have goods of one lot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// Order or hold.
    pub order: Uuid,
    /// Line.
    pub line_no: i32,
    /// Lot number.
    pub lot: String,
    /// Place code; empty means anywhere in the warehouse.
    pub place: String,
    /// How much; none means all that the line wants and nobody picks.
    pub quantity: Option<Decimal>,
}

/// Goods are to change from one line to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Line that gives.
    pub from: (Uuid, i32),
    /// Line that takes.
    pub to: (Uuid, i32),
    /// How much, above zero.
    pub quantity: Decimal,
}

/// What is free of a lot in a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FreePlace {
    /// Place.
    pub place: i64,
    /// How much.
    pub free: Decimal,
}

/// Takes so much from places, in their order: what of each, and what could not be covered.
#[must_use]
pub fn take_free(places: &[FreePlace], quantity: Decimal) -> (Vec<(i64, Decimal)>, Decimal) {
    let mut left = quantity;
    let mut parts = Vec::new();
    for one in places {
        let part = one.free.min(left);
        if part > Decimal::ZERO {
            left -= part;
            parts.push((one.place, part));
        }
    }
    (parts, left)
}

/// What a line gives back when it gets `more` and waits for `waited`: its other pieces, the last to expire first.
#[must_use]
pub fn give_back(others: Vec<Held>, more: Decimal, waited: Decimal) -> Vec<(Held, Decimal)> {
    let others: Vec<_> = others.into_iter().rev().collect();
    take_held(&others, (more - waited).max(Decimal::ZERO)).0
}
