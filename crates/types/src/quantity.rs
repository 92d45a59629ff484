//! Quantities: an exact decimal number of units of measure.

use std::fmt;

use rust_decimal::Decimal;

use crate::rounding::parse_decimal;

/// A unit of measure, by the codes of UN/CEFACT Recommendation 20 where people know them by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Unit {
    /// Piece (`pcs`, H87). Whole numbers only.
    Piece,
    /// Pack (`pack`, XPK). Whole numbers only.
    Pack,
    /// Gram (`g`, GRM).
    Gram,
    /// Kilogram (`kg`, KGM).
    Kilogram,
    /// Millilitre (`ml`, MLT).
    Millilitre,
    /// Litre (`l`, LTR).
    Litre,
    /// Centimetre (`cm`, CMT).
    Centimetre,
    /// Metre (`m`, MTR).
    Metre,
}

impl Unit {
    /// All units.
    pub const ALL: [Self; 8] = [
        Self::Piece,
        Self::Pack,
        Self::Gram,
        Self::Kilogram,
        Self::Millilitre,
        Self::Litre,
        Self::Centimetre,
        Self::Metre,
    ];

    /// Reads a code as it travels and is stored.
    ///
    /// # Errors
    /// [`QuantityError::UnknownUnit`].
    pub fn parse(code: &str) -> Result<Self, QuantityError> {
        Self::ALL.into_iter().find(|unit| unit.code() == code).ok_or(QuantityError::UnknownUnit)
    }

    /// The code as it travels and is stored.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Piece => "pcs",
            Self::Pack => "pack",
            Self::Gram => "g",
            Self::Kilogram => "kg",
            Self::Millilitre => "ml",
            Self::Litre => "l",
            Self::Centimetre => "cm",
            Self::Metre => "m",
        }
    }

    /// Digits after the separator that a quantity in this unit may have.
    #[must_use]
    pub fn digits(self) -> u32 {
        match self {
            Self::Piece | Self::Pack => 0,
            Self::Gram | Self::Kilogram | Self::Millilitre | Self::Litre | Self::Centimetre | Self::Metre => 6,
        }
    }

    /// What is measured, as a word of its own for units that do not convert, and how many of the smallest unit one is.
    fn measure(self) -> (&'static str, Decimal) {
        match self {
            Self::Piece => ("piece", Decimal::ONE),
            Self::Pack => ("pack", Decimal::ONE),
            Self::Gram => ("mass", Decimal::ONE),
            Self::Kilogram => ("mass", Decimal::ONE_THOUSAND),
            Self::Millilitre => ("volume", Decimal::ONE),
            Self::Litre => ("volume", Decimal::ONE_THOUSAND),
            Self::Centimetre => ("length", Decimal::ONE),
            Self::Metre => ("length", Decimal::ONE_HUNDRED),
        }
    }

    /// Whether a number of this unit is a number of another: grams are kilograms, pieces are not packs.
    #[must_use]
    pub fn converts_to(self, other: Self) -> bool {
        self.measure().0 == other.measure().0
    }

    /// The same amount in another unit, exactly; it may have more digits than a quantity in that unit.
    /// None when the units do not convert, or the number does not fit.
    #[must_use]
    pub fn convert(self, value: Decimal, other: Self) -> Option<Decimal> {
        if self == other {
            return Some(value);
        }
        if !self.converts_to(other) {
            return None;
        }
        // The ratio is a power of ten either way, so both steps are exact.
        let (from, to) = (self.measure().1, other.measure().1);
        if from >= to { value.checked_mul(from / to) } else { value.checked_div(to / from) }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A number of units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quantity {
    /// How many.
    pub value: Decimal,
    /// Of what.
    pub unit: Unit,
}

/// What can be wrong with a quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// The code is not one of [`Unit::ALL`].
    #[error("unknown unit of measure")]
    UnknownUnit,
    /// The text is not a plain decimal number within range.
    #[error("not a plain decimal number")]
    NotANumber,
    /// More digits than the unit has, for example half a piece.
    #[error("more decimals than the unit allows")]
    TooPrecise,
}

impl Quantity {
    /// A number of units.
    ///
    /// # Errors
    /// [`QuantityError::TooPrecise`] when the value has more decimals than the unit.
    pub fn new(value: Decimal, unit: Unit) -> Result<Self, QuantityError> {
        if value.normalize().scale() > unit.digits() {
            return Err(QuantityError::TooPrecise);
        }
        Ok(Self { value, unit })
    }

    /// Reads the wire form.
    ///
    /// # Errors
    /// When either part is malformed or too precise.
    pub fn parse(value: &str, unit: &str) -> Result<Self, QuantityError> {
        let unit = Unit::parse(unit)?;
        Self::new(parse_decimal(value).ok_or(QuantityError::NotANumber)?, unit)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.value.normalize(), self.unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_no_half_piece_but_a_half_kilogram() {
        assert_eq!(Quantity::parse("0.5", "pcs"), Err(QuantityError::TooPrecise));
        assert_eq!(Quantity::parse("2.000", "pcs").map(|q| q.to_string()), Ok("2 pcs".into()));
        assert_eq!(Quantity::parse("0.5", "kg").map(|q| q.to_string()), Ok("0.5 kg".into()));
    }

    #[test]
    fn grams_are_kilograms_and_pieces_are_not_packs() {
        use rust_decimal::dec;
        assert_eq!(Unit::Gram.convert(dec!(1250.5), Unit::Kilogram), Some(dec!(1.2505)));
        assert_eq!(Unit::Litre.convert(dec!(0.000001), Unit::Millilitre), Some(dec!(0.001)));
        assert_eq!(Unit::Centimetre.convert(dec!(250), Unit::Metre), Some(dec!(2.5)));
        assert_eq!(Unit::Piece.convert(dec!(2), Unit::Pack), None);
        assert_eq!(Unit::Gram.convert(dec!(1), Unit::Millilitre), None);
        assert_eq!(Unit::Kilogram.convert(Decimal::MAX, Unit::Gram), None);
        for (one, other) in Unit::ALL.into_iter().flat_map(|one| Unit::ALL.map(|other| (one, other))) {
            let there = one.convert(dec!(123.456789), other);
            assert_eq!(there.is_some(), one.converts_to(other));
            assert_eq!(there.and_then(|value| other.convert(value, one)), there.map(|_| dec!(123.456789)));
        }
    }

    #[test]
    fn every_unit_reads_back_from_its_code() {
        for unit in Unit::ALL {
            assert_eq!(Unit::parse(unit.code()), Ok(unit));
        }
        assert_eq!(Unit::parse("PCS"), Err(QuantityError::UnknownUnit));
    }
}
