//! Parcels: what lies in them, and whether they weigh what they should.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use uuid::Uuid;

use super::ShipmentLine;
use crate::error::Error;

/// What of a line lies in a parcel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// Line of the order.
    pub line_no: i32,
    /// Lot number.
    pub lot: String,
    /// Unit code.
    pub unit: String,
    /// How much, above zero.
    pub quantity: Decimal,
}

/// A parcel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    /// Weight in grams.
    pub weight_grams: Option<Decimal>,
    /// What is in it.
    pub contents: Vec<Content>,
}

/// What is said when parcels are closed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packing {
    /// Number of parcels.
    pub places: i32,
    /// Weight of all in grams.
    pub weight_grams: Option<Decimal>,
    /// The parcels; none when nobody says what is where.
    pub parcels: Vec<Parcel>,
    /// Why a weight out of tolerance is right.
    pub weight_reason: String,
}

impl Packing {
    /// What everything weighs: as said, or the sum of the parcels when all of them were weighed.
    #[must_use]
    pub fn weight(&self) -> Option<Decimal> {
        let sum = || self.parcels.iter().map(|parcel| parcel.weight_grams).sum::<Option<Decimal>>();
        self.weight_grams.or_else(|| if self.parcels.is_empty() { None } else { sum() })
    }
}

/// How far a weight may be from what the items weigh: wrapping is heavier than nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tolerance {
    /// In percent of what is expected.
    pub percent: Decimal,
    /// In grams, in addition.
    pub grams: Decimal,
}

impl Tolerance {
    /// Whether a weight is near enough to what is expected.
    #[must_use]
    pub fn holds(&self, expected: Decimal, weighed: Decimal) -> bool {
        (weighed - expected).abs() <= expected * self.percent / Decimal::ONE_HUNDRED + self.grams
    }
}

/// Checks that parcels hold exactly what a shipment has. Answers parcel number, line, lot and quantity of each content.
///
/// # Errors
/// [`Error::UnitMismatch`]; [`Error::ParcelContents`] with the first line and lot that differ.
pub fn contents(lines: &[ShipmentLine], parcels: &[Parcel]) -> Result<Vec<(i32, i32, Uuid, Decimal)>, Error> {
    let mut wanted: BTreeMap<(i32, &str), Decimal> = BTreeMap::new();
    for line in lines {
        *wanted.entry((line.line_no, &line.lot_number)).or_default() += line.quantity;
    }
    let mut lying: BTreeMap<(i32, i32, Uuid), Decimal> = BTreeMap::new();
    for (number, parcel) in (1..).zip(parcels) {
        for one in &parcel.contents {
            let line = lines.iter().find(|line| line.line_no == one.line_no && line.lot_number == one.lot);
            let line = line.ok_or_else(|| differs(one.line_no, &one.lot, Decimal::ZERO))?;
            if line.unit != one.unit {
                return Err(Error::UnitMismatch { sku: line.sku.clone(), unit: line.unit.clone() });
            }
            *lying.entry((number, one.line_no, line.lot)).or_default() += one.quantity;
            *wanted.entry((one.line_no, &line.lot_number)).or_default() -= one.quantity;
        }
    }
    if let Some(((line_no, lot), left)) = wanted.into_iter().find(|(_, left)| !left.is_zero()) {
        return Err(differs(line_no, lot, left));
    }
    Ok(lying.into_iter().map(|((number, line_no, lot), quantity)| (number, line_no, lot, quantity)).collect())
}

fn differs(line_no: i32, lot: &str, left: Decimal) -> Error {
    let what = if left > Decimal::ZERO {
        format!("{} of line {line_no} lot {lot} are in no parcel", left.normalize())
    } else if left.is_zero() {
        format!("line {line_no} lot {lot} is not in the shipment")
    } else {
        format!("{} of line {line_no} lot {lot} are too many", (-left).normalize())
    };
    Error::ParcelContents(what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rust_decimal::dec;

    fn parcel(quantity: Decimal, weight_grams: Option<Decimal>) -> Parcel {
        let content = Content { line_no: 1, lot: "L".into(), unit: "pcs".into(), quantity };
        Parcel { weight_grams, contents: vec![content] }
    }

    fn line(quantity: Decimal) -> ShipmentLine {
        ShipmentLine {
            shipment: Uuid::nil(),
            line_no: 1,
            sku: "A".into(),
            unit: "pcs".into(),
            lot: Uuid::nil(),
            lot_number: "L".into(),
            place: 100,
            quantity,
            cost: dec!(0),
            returned: dec!(0),
            returned_cost: dec!(0),
            moved: None,
        }
    }

    #[test]
    fn parcels_hold_exactly_what_the_shipment_has() {
        let two = [parcel(dec!(1), None), parcel(dec!(2), None)];
        let lying = contents(&[line(dec!(3))], &two).unwrap();
        assert_eq!(lying, [(1, 1, Uuid::nil(), dec!(1)), (2, 1, Uuid::nil(), dec!(2))]);
        let text = |quantity| contents(&[line(quantity)], &two).unwrap_err().to_string();
        assert!(text(dec!(4)).contains("1 of line 1 lot L are in no parcel"));
        assert!(text(dec!(2)).contains("1 of line 1 lot L are too many"));
        assert!(contents(&[], &two).unwrap_err().to_string().contains("not in the shipment"));
    }

    #[test]
    fn a_weight_is_within_percent_and_grams() {
        let tolerance = Tolerance { percent: dec!(10), grams: dec!(50) };
        for (weighed, holds) in [(dec!(1150), true), (dec!(1150.1), false), (dec!(850), true), (dec!(849), false)] {
            assert_eq!(tolerance.holds(dec!(1000), weighed), holds, "{weighed}");
        }
    }

    #[test]
    fn the_weight_of_all_is_said_or_the_sum_of_all_parcels() {
        let mut packing = Packing { parcels: vec![parcel(dec!(1), Some(dec!(5))); 2], ..Packing::default() };
        assert_eq!(packing.weight(), Some(dec!(10)));
        packing.parcels[0].weight_grams = None;
        assert_eq!(packing.weight(), None);
        packing.weight_grams = Some(dec!(7));
        assert_eq!(packing.weight(), Some(dec!(7)));
        assert_eq!(Packing::default().weight(), None);
    }
}
