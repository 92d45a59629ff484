//! A shipment's states and figures.

use rust_decimal::Decimal;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{error::Error, ledger::domain::Worth};

/// Where a shipment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Being collected.
    Picking,
    /// Found.
    Picked,
    /// Parcels closed.
    Packed,
    /// Gone.
    Shipped,
    /// Arrived.
    Delivered,
    /// Came back.
    Failed,
    /// Given up before it left.
    Cancelled,
}

impl State {
    /// All states.
    pub const ALL: [Self; 7] =
        [Self::Picking, Self::Picked, Self::Packed, Self::Shipped, Self::Delivered, Self::Failed, Self::Cancelled];

    /// The stored code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Picking => "picking",
            Self::Picked => "picked",
            Self::Packed => "packed",
            Self::Shipped => "shipped",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Reads the stored code.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }

    /// The one state a step starts from.
    #[must_use]
    pub fn before(step: Step) -> Self {
        match step {
            Step::ConfirmPick => Self::Picking,
            Step::Pack => Self::Picked,
            Step::Ship => Self::Packed,
            Step::Deliver | Step::Fail => Self::Shipped,
        }
    }

    /// Whether the goods are still in the warehouse.
    #[must_use]
    pub fn is_inside(self) -> bool {
        matches!(self, Self::Picking | Self::Picked | Self::Packed)
    }
}

/// Something done to a shipment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// What was found is said.
    ConfirmPick,
    /// Parcels are closed.
    Pack,
    /// Goods leave.
    Ship,
    /// Goods arrive.
    Deliver,
    /// Goods come back.
    Fail,
}

impl Step {
    /// Checks that the step may be taken from a state.
    ///
    /// # Errors
    /// [`Error::ShipmentState`].
    pub fn allowed_from(self, state: State) -> Result<(), Error> {
        let wanted = State::before(self);
        if state == wanted {
            return Ok(());
        }
        let done = match self {
            Self::ConfirmPick => "confirmed",
            Self::Pack => "packed",
            Self::Ship => "shipped",
            Self::Deliver => "delivered",
            Self::Fail => "failed",
        };
        Err(Error::ShipmentState { state: state.code(), wanted: wanted.code(), done })
    }
}

/// A shipment's head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shipment {
    /// Id.
    pub id: Uuid,
    /// Order.
    pub order: Uuid,
    /// State.
    pub state: State,
    /// When picking began.
    pub created_at: OffsetDateTime,
    /// When the goods left.
    pub shipped_at: Option<OffsetDateTime>,
}

/// A line of a shipment, one per lot and place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShipmentLine {
    /// Shipment.
    pub shipment: Uuid,
    /// Line of the order.
    pub line_no: i32,
    /// Item.
    pub sku: String,
    /// Unit code.
    pub unit: String,
    /// Lot.
    pub lot: Uuid,
    /// Lot number.
    pub lot_number: String,
    /// Place it is taken from.
    pub place: i64,
    /// How much goes.
    pub quantity: Decimal,
    /// Cost it left with.
    pub cost: Decimal,
    /// How much came back.
    pub returned: Decimal,
    /// Cost that came back with it.
    pub returned_cost: Decimal,
    /// The ledger's entry with which it left.
    pub moved: Option<i64>,
}

impl ShipmentLine {
    /// Where the value of what came back of it comes from.
    ///
    /// # Errors
    /// [`Error::Inconsistent`] when it never left.
    pub fn back(&self) -> Result<Worth, Error> {
        let origin = self.moved.ok_or(Error::Inconsistent("goods came back that never left"))?;
        Ok(Worth::Back { origin, value: self.returned_cost })
    }
}

/// What was found of a line and lot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Line of the order.
    pub line_no: i32,
    /// Lot number.
    pub lot: String,
    /// Unit code.
    pub unit: String,
    /// How much.
    pub quantity: Decimal,
    /// The rest is spoiled, not missing.
    pub damaged: bool,
}

/// A line of a shipment of which less was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Short {
    /// The line.
    pub line: ShipmentLine,
    /// How much is short, above zero.
    pub quantity: Decimal,
    /// Spoiled, not missing.
    pub damaged: bool,
}

/// Compares what was found with what was planned. Lines not named were found in full. Of a lot that lies in several
/// places, the first places were found first.
///
/// # Errors
/// Fields that name what is not in the shipment, or more than was planned.
pub fn shortfalls(lines: &[ShipmentLine], found: &[Found]) -> Result<Vec<Short>, Error> {
    let mut shorts = Vec::new();
    for (index, one) in found.iter().enumerate() {
        let field = |name: &str| format!("lines[{index}].{name}");
        let same = |line: &&ShipmentLine| line.line_no == one.line_no && line.lot_number == one.lot;
        if found[..index].iter().any(|other| other.line_no == one.line_no && other.lot == one.lot) {
            return Err(Error::field(field("line_no"), "names the same line and lot twice"));
        }
        let mut left = one.quantity;
        let mut any = false;
        for line in lines.iter().filter(same) {
            any = true;
            if line.unit != one.unit {
                return Err(Error::UnitMismatch { sku: line.sku.clone(), unit: line.unit.clone() });
            }
            let here = line.quantity.min(left);
            left -= here;
            if here < line.quantity {
                shorts.push(Short { line: line.clone(), quantity: line.quantity - here, damaged: one.damaged });
            }
        }
        if !any {
            return Err(Error::field(field("lot"), "is not in the shipment on that line"));
        }
        if left > Decimal::ZERO {
            return Err(Error::field(field("picked"), "is more than was planned"));
        }
    }
    Ok(shorts)
}

/// What became of one order that was to be shipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShipResult {
    /// Order.
    pub order: Uuid,
    /// Shipments that left.
    pub shipments: Vec<Uuid>,
    /// Every goods line is shipped or cancelled.
    pub is_final: bool,
    /// Why nothing left; empty when something did.
    pub refusal: &'static str,
    /// Cost of what left.
    pub cost: Decimal,
}

#[cfg(test)]
mod tests {
    use super::*;
    use rust_decimal::dec;

    #[test]
    fn each_step_has_one_state_to_start_from() {
        for step in [Step::ConfirmPick, Step::Pack, Step::Ship, Step::Deliver, Step::Fail] {
            let from: Vec<_> = State::ALL.into_iter().filter(|state| step.allowed_from(*state).is_ok()).collect();
            assert_eq!(from, [State::before(step)]);
        }
        assert!(State::ALL.into_iter().all(|state| State::parse(state.code()) == Some(state)));
    }

    fn line(lot: &str, place: i64, quantity: Decimal) -> ShipmentLine {
        ShipmentLine {
            shipment: Uuid::nil(),
            line_no: 1,
            sku: "A".into(),
            unit: "pcs".into(),
            lot: Uuid::nil(),
            lot_number: lot.into(),
            place,
            quantity,
            cost: dec!(0),
            returned: dec!(0),
            returned_cost: dec!(0),
            moved: None,
        }
    }

    #[test]
    fn what_is_not_named_was_found_and_what_is_short_is_short_in_the_last_place() {
        let lines = [line("a", 100, dec!(3)), line("a", 101, dec!(4)), line("b", 100, dec!(2))];
        let found =
            |lot: &str, quantity| Found { line_no: 1, lot: lot.into(), unit: "pcs".into(), quantity, damaged: false };
        assert_eq!(shortfalls(&lines, &[]).unwrap(), []);
        let shorts = shortfalls(&lines, &[found("a", dec!(5))]).unwrap();
        assert_eq!(shorts.iter().map(|short| (short.line.place, short.quantity)).collect::<Vec<_>>(), [(101, dec!(2))]);
        assert!(shortfalls(&lines, &[found("a", dec!(8))]).is_err());
        assert!(shortfalls(&lines, &[found("c", dec!(1))]).is_err());
        assert!(shortfalls(&lines, &[found("b", dec!(1)), found("b", dec!(1))]).is_err());
    }
}
