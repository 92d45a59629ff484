//! The ledger's rules: places, movements, what an issue costs, when an item is depleted.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use time::OffsetDateTime;
use types::round_half_away;
use uuid::Uuid;

use crate::valuation::domain::{Basis, Method};

/// What a place is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaceKind {
    /// A bin goods are sold from.
    Stock,
    /// Goods that wait for a decision.
    Quarantine,
    /// Between warehouses.
    Transit,
    /// Not ours: goods come from there or go there, no balance is kept.
    Outside,
}

impl PlaceKind {
    /// Reads the stored code.
    #[must_use]
    pub fn parse(code: &str) -> Self {
        match code {
            "stock" => Self::Stock,
            "quarantine" => Self::Quarantine,
            "transit" => Self::Transit,
            _ => Self::Outside,
        }
    }

    /// Whether the goods there are ours and a balance is kept.
    #[must_use]
    pub fn is_own(self) -> bool {
        self != Self::Outside
    }
}

/// A place as movements name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Number.
    pub id: i64,
    /// Kind.
    pub kind: PlaceKind,
}

/// Where suppliers' goods come from.
pub const SUPPLIER: Place = Place { id: 1, kind: PlaceKind::Outside };
/// Where sold goods go.
pub const CUSTOMER: Place = Place { id: 2, kind: PlaceKind::Outside };
/// Where lost and spoiled goods go.
pub const LOSS: Place = Place { id: 4, kind: PlaceKind::Outside };
/// What is made of other goods comes from here; what it is made of goes here.
pub const PRODUCTION: Place = Place { id: 3, kind: PlaceKind::Outside };
/// The other side of counting differences.
pub const COUNTING: Place = Place { id: 5, kind: PlaceKind::Outside };
/// Goods between warehouses.
pub const TRANSIT: Place = Place { id: 6, kind: PlaceKind::Transit };
/// Takes what goods cost more or less than their standard cost.
pub const PRICE_VARIANCE: Place = Place { id: 7, kind: PlaceKind::Outside };

/// What caused a movement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Kind of document, as stored.
    pub kind: &'static str,
    /// Id of the document.
    pub id: Uuid,
    /// Order it belongs to.
    pub order: Option<Uuid>,
}

/// Where the value of a movement comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worth {
    /// From valuation: what leaves costs what the pool it leaves says.
    Valued,
    /// From outside: the price of a receipt, the inputs of a production.
    Given(Decimal),
    /// Found without a price: as much a unit as the pool it joins; if that is empty, this unit cost, at which the lot
    /// last came in.
    Found(Decimal),
    /// Goods that come back: their share of what is left outside of the movement they left with.
    Back {
        /// The movement they left with.
        origin: i64,
        /// That share, as the document that brings them back knows it.
        value: Decimal,
    },
}

/// A movement to post.
#[derive(Clone, Debug)]
pub struct Move {
    /// Where the goods leave.
    pub from: Place,
    /// Where they arrive.
    pub to: Place,
    /// Item.
    pub sku: String,
    /// Lot.
    pub lot: Uuid,
    /// How much, above zero.
    pub quantity: Decimal,
    /// What it is worth.
    pub worth: Worth,
    /// Line of the document, when it has numbered lines.
    pub line_no: Option<i32>,
    /// Why.
    pub cause: Cause,
}

impl Move {
    /// A movement whose value comes from valuation.
    #[must_use]
    pub fn new(from: Place, to: Place, (sku, lot): (&str, Uuid), quantity: Decimal, cause: Cause) -> Self {
        Self { from, to, sku: sku.to_owned(), lot, quantity, worth: Worth::Valued, line_no: None, cause }
    }

    /// With a value of its own.
    #[must_use]
    pub fn worth(self, worth: Worth) -> Self {
        Self { worth, ..self }
    }

    /// Of a line of its document.
    #[must_use]
    pub fn line(self, line_no: i32) -> Self {
        Self { line_no: Some(line_no), ..self }
    }
}

/// Quantity and value of goods that are valued together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Quantity.
    pub on_hand: Decimal,
    /// Value of all of it.
    pub value: Decimal,
}

impl Layer {
    /// Takes a quantity out and returns its value: the proportional share, rounded half away from zero to the minor
    /// unit; the last piece takes what is left, so that nothing remains of the value when nothing remains of the goods.
    pub fn issue(&mut self, quantity: Decimal, digits: u32) -> Decimal {
        let value = if quantity >= self.on_hand {
            self.value
        } else {
            share(self.value, quantity, self.on_hand, digits).min(self.value)
        };
        self.on_hand -= quantity;
        self.value -= value;
        value
    }
}

/// `value × part ÷ whole`, rounded half away from zero to the minor unit. Zero for an empty whole.
#[must_use]
pub fn share(value: Decimal, part: Decimal, whole: Decimal, digits: u32) -> Decimal {
    if whole.is_zero() {
        return round_half_away(Decimal::ZERO, digits);
    }
    // Exact products first; only figures too large for 28 digits are divided first.
    let exact = value.checked_mul(part).and_then(|product| product.checked_div(whole)).unwrap_or(value / whole * part);
    round_half_away(exact, digits)
}

/// What a transaction changes in one lot and place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delta {
    /// Item.
    pub sku: String,
    /// Change of the quantity.
    pub quantity: Decimal,
}

/// Adds movements up by lot and own place.
#[must_use]
pub fn deltas(moves: &[Move]) -> BTreeMap<(Uuid, i64), Delta> {
    let mut sums: BTreeMap<(Uuid, i64), Delta> = BTreeMap::new();
    for one in moves {
        for (place, sign) in [(one.from, Decimal::NEGATIVE_ONE), (one.to, Decimal::ONE)] {
            if place.kind.is_own() {
                let sum = sums
                    .entry((one.lot, place.id))
                    .or_insert_with(|| Delta { sku: one.sku.clone(), quantity: Decimal::ZERO });
                sum.quantity += sign * one.quantity;
            }
        }
    }
    sums
}

/// Whether anything of an item can be promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StockState {
    /// Never had stock, nobody waited.
    New,
    /// Something is available.
    Available,
    /// Nothing is.
    Depleted,
}

impl StockState {
    /// Reads the stored code.
    #[must_use]
    pub fn parse(code: &str) -> Self {
        match code {
            "available" => Self::Available,
            "depleted" => Self::Depleted,
            _ => Self::New,
        }
    }

    /// The stored code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Available => "available",
            Self::Depleted => "depleted",
        }
    }

    /// The state after a change. An item that never had stock becomes depleted only when somebody waits for it, and
    /// its first stock is no replenishment.
    #[must_use]
    pub fn after(self, available: Decimal, backordered: Decimal) -> Self {
        if available > Decimal::ZERO {
            Self::Available
        } else if self == Self::New && backordered.is_zero() {
            Self::New
        } else {
            Self::Depleted
        }
    }
}

/// An item whose row this transaction has locked.
#[derive(Clone, Debug)]
pub struct Item {
    /// Unit code; none while the item is unknown.
    pub unit: Option<String>,
    /// In sellable places.
    pub on_hand: Decimal,
    /// Of it held.
    pub reserved: Decimal,
    /// Wanted and not held.
    pub backordered: Decimal,
    /// State.
    pub state: StockState,
    /// Version of the aggregate: number of events so far.
    pub version: i64,
    /// How it is valued.
    pub method: Method,
    /// Standard cost of one unit, if it has one.
    pub standard: Option<Decimal>,
    /// When it last moved; none when it never did.
    pub last_moved_at: Option<OffsetDateTime>,
    /// Something above changed and must be written.
    pub changed: bool,
    /// What could be promised at the last look; none when nobody looked.
    pub available: Option<Decimal>,
}

impl Item {
    /// How it is valued; none when that is at standard cost and it has none.
    #[must_use]
    pub fn basis(&self) -> Option<Basis> {
        Basis::new(self.method, self.standard)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rust_decimal::dec;

    #[test]
    fn s1_moving_average_inside_a_lot() {
        let mut lot = Layer { on_hand: dec!(20), value: dec!(300) };
        assert_eq!(lot.issue(dec!(15), 2), dec!(225));
        assert_eq!(lot, Layer { on_hand: dec!(5), value: dec!(75) });
    }

    #[test]
    fn an_item_crosses_once_each_way() {
        use StockState::{Available, Depleted, New};
        assert_eq!(New.after(dec!(0), dec!(0)), New);
        assert_eq!(New.after(dec!(0), dec!(1)), Depleted);
        assert_eq!(New.after(dec!(1), dec!(0)), Available);
        assert_eq!(Available.after(dec!(0), dec!(0)), Depleted);
        assert_eq!(Depleted.after(dec!(0), dec!(5)), Depleted);
        assert_eq!(Depleted.after(dec!(2), dec!(0)), Available);
    }

    proptest! {
        #[test]
        fn issues_of_any_sizes_take_the_whole_value_and_never_more(
            value in 0i64..1_000_000_000,
            sizes in prop::collection::vec(1i64..100_000, 1..40),
        ) {
            let value = Decimal::new(value, 2);
            let mut layer = Layer { on_hand: sizes.iter().map(|size| Decimal::new(*size, 3)).sum(), value };
            let mut taken = Decimal::ZERO;
            for size in &sizes {
                let cost = layer.issue(Decimal::new(*size, 3), 2);
                prop_assert!(cost >= Decimal::ZERO && cost.scale() <= 2 && layer.value >= Decimal::ZERO);
                taken += cost;
            }
            prop_assert_eq!(taken, value);
            prop_assert_eq!(layer, Layer { on_hand: Decimal::ZERO, value: Decimal::ZERO });
        }

        #[test]
        fn what_leaves_one_own_place_arrives_in_the_other(quantity in 1i64..10_000) {
            let place = |id| Place { id, kind: PlaceKind::Stock };
            let cause = Cause { kind: "transfer", id: Uuid::nil(), order: None };
            let sums = deltas(&[Move::new(place(100), place(101), ("A", Uuid::nil()), quantity.into(), cause)]);
            prop_assert_eq!(sums.len(), 2);
            prop_assert!(sums.values().map(|delta| delta.quantity).sum::<Decimal>().is_zero());
        }
    }
}
