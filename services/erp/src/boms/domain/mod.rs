//! What a bill of material is, and the arithmetic of its losses.
//!
//! Everything is computed in the items' own units with the 28 significant digits of a decimal and rounded once, at the
//! end. [`explosion`] says what a quantity takes, [`cost`] what it costs, [`structure`] what may be part of what.

use std::collections::BTreeMap;

use rust_decimal::{Decimal, RoundingStrategy};
use time::Date;
use types::Quantity;

pub mod cost;
pub mod explosion;
pub mod structure;

/// Levels below a product.
pub const MAX_LEVELS: usize = 20;
/// Different items below a product.
pub const MAX_ITEMS: usize = 5_000;

/// Digits after the separator within which two results are the same: what lies below stems from dividing, not from goods.
const GUARD: u32 = 9;

const HUNDRED: Decimal = Decimal::ONE_HUNDRED;

/// Why a rule refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The product would contain itself.
    #[error("the product would contain itself: {}", .0.join(" → "))]
    Cycle(Vec<String>),
    /// Too many levels.
    #[error("more than {MAX_LEVELS} levels lie below {0}")]
    TooDeep(String),
    /// Too many items.
    #[error("more than {MAX_ITEMS} different items lie below {0}")]
    TooLarge(String),
    /// A figure does not fit.
    #[error("a figure of {0} is too large")]
    OutOfRange(String),
    /// The component named is nowhere in it.
    #[error("{0} is no component")]
    NotAComponent(String),
    /// Nobody knows what these cost.
    #[error("no cost is known of {}", .0.join(", "))]
    CostMissing(Vec<String>),
    /// Only drafts can be changed and activated.
    #[error("version {number} of {sku} is active")]
    NotDraft {
        /// Product.
        sku: String,
        /// Version.
        number: i32,
    },
}

impl Refusal {
    /// The code callers act on.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Cycle(_) => "BOM_CYCLE",
            Self::TooDeep(_) => "BOM_TOO_DEEP",
            Self::TooLarge(_) => "BOM_TOO_LARGE",
            Self::OutOfRange(_) => "OUT_OF_RANGE",
            Self::NotAComponent(_) => "NOT_A_COMPONENT",
            Self::CostMissing(_) => "COST_MISSING",
            Self::NotDraft { .. } => "BOM_NOT_DRAFT",
        }
    }
}

/// What a cost is counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// Once a batch.
    Batch,
    /// For each good unit.
    Unit,
}

impl Basis {
    /// As stored.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Batch => "batch",
            Self::Unit => "unit",
        }
    }

    /// As read back.
    #[must_use]
    pub fn parse(code: &str) -> Self {
        if code == "batch" { Self::Batch } else { Self::Unit }
    }
}

/// A cost beside the material.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cost {
    /// What for.
    pub name: String,
    /// Counted by.
    pub basis: Basis,
    /// How much, zero or more.
    pub amount: Decimal,
}

/// An ingredient as people write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLine {
    /// Component.
    pub component: String,
    /// For one batch, above zero.
    pub quantity: Quantity,
    /// Percent lost, from 0, below 100.
    pub loss_percent: Decimal,
    /// For people.
    pub note: String,
}

/// A by-product as people write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewByProduct {
    /// Item.
    pub sku: String,
    /// Out of one batch, above zero.
    pub quantity: Quantity,
    /// Thrown away.
    pub waste: bool,
}

/// A version as people write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// First day it may be in effect; today when not said.
    pub valid_from: Option<Date>,
    /// Batch.
    pub quantity: Quantity,
    /// Percent of what is made that is lost.
    pub loss_percent: Decimal,
    /// Ingredients.
    pub lines: Vec<NewLine>,
    /// By-products.
    pub by_products: Vec<NewByProduct>,
    /// Costs.
    pub costs: Vec<Cost>,
    /// For people.
    pub note: String,
}

impl Content {
    /// Every item it names beside the product, with the quantity's unit.
    pub fn parts(&self) -> impl Iterator<Item = (&str, Quantity)> {
        let lines = self.lines.iter().map(|line| (line.component.as_str(), line.quantity));
        lines.chain(self.by_products.iter().map(|part| (part.sku.as_str(), part.quantity)))
    }
}

/// An ingredient in the item's unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Component.
    pub component: String,
    /// For one batch.
    pub quantity: Decimal,
    /// Percent lost.
    pub loss: Decimal,
}

/// A version in the items' own units, as the rules compute with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bom {
    /// Product.
    pub sku: String,
    /// Version.
    pub number: i32,
    /// Batch the lines are for.
    pub batch: Decimal,
    /// Percent of what is made that is lost.
    pub loss: Decimal,
    /// Ingredients.
    pub lines: Vec<Line>,
    /// By-products of a batch.
    pub by_products: Vec<(String, Decimal)>,
    /// Costs.
    pub costs: Vec<Cost>,
}

/// The versions in effect, by product.
pub type Boms = BTreeMap<String, Bom>;

/// Whether losses count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Losses {
    /// They do.
    Counted,
    /// As if nothing were ever lost.
    Ignored,
}

impl Bom {
    /// Good product of one batch.
    #[must_use]
    pub fn good(&self) -> Decimal {
        self.batch * (HUNDRED - self.loss) / HUNDRED
    }

    /// What of an ingredient one batch takes.
    ///
    /// # Errors
    /// [`Refusal::OutOfRange`].
    pub fn taken(&self, line: &Line) -> Result<Decimal, Refusal> {
        let taken = line.quantity.checked_mul(HUNDRED).and_then(|all| all.checked_div(HUNDRED - line.loss));
        self.fits(taken)
    }

    /// What of an ingredient `wanted` good units take.
    ///
    /// # Errors
    /// [`Refusal::OutOfRange`].
    pub fn gross(&self, line: &Line, wanted: Decimal, losses: Losses) -> Result<Decimal, Refusal> {
        let (loss, line_loss) = match losses {
            Losses::Counted => (self.loss, line.loss),
            Losses::Ignored => (Decimal::ZERO, Decimal::ZERO),
        };
        // One division at the end: what comes out even stays even.
        let whole = wanted.checked_mul(line.quantity).and_then(|product| product.checked_mul(HUNDRED * HUNDRED));
        let share = self.batch.checked_mul((HUNDRED - loss) * (HUNDRED - line_loss));
        self.fits(whole.zip(share).and_then(|(whole, share)| whole.checked_div(share)))
    }

    /// What comes out beside `wanted` good units for `quantity` a batch.
    ///
    /// # Errors
    /// [`Refusal::OutOfRange`].
    pub fn beside(&self, quantity: Decimal, wanted: Decimal) -> Result<Decimal, Refusal> {
        let whole = wanted.checked_mul(quantity).and_then(|product| product.checked_mul(HUNDRED));
        let share = self.batch.checked_mul(HUNDRED - self.loss);
        self.fits(whole.zip(share).and_then(|(whole, share)| whole.checked_div(share)))
    }

    fn fits(&self, figure: Option<Decimal>) -> Result<Decimal, Refusal> {
        // Below 10^15 a decimal has thirteen digits after the separator, more than the guard needs.
        figure
            .filter(|figure| *figure < Decimal::from(10_i64.pow(15)))
            .ok_or_else(|| Refusal::OutOfRange(self.sku.clone()))
    }
}

/// Rounds a need up to a unit's digits; less than a billionth above a figure counts as the figure.
#[must_use]
pub fn round_up(value: Decimal, digits: u32) -> Decimal {
    guarded(value).round_dp_with_strategy(digits, RoundingStrategy::ToPositiveInfinity)
}

/// Rounds what comes out down to a unit's digits; less than a billionth below a figure counts as the figure.
#[must_use]
pub fn round_down(value: Decimal, digits: u32) -> Decimal {
    guarded(value).round_dp_with_strategy(digits, RoundingStrategy::ToZero)
}

fn guarded(value: Decimal) -> Decimal {
    value.round_dp_with_strategy(GUARD, RoundingStrategy::MidpointAwayFromZero)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use rust_decimal::dec;

    /// A version of one unit without losses, by component and quantity.
    pub(crate) fn bom(sku: &str, lines: &[(&str, Decimal, Decimal)]) -> Bom {
        let line = |(component, quantity, loss): &(&str, Decimal, Decimal)| Line {
            component: (*component).to_owned(),
            quantity: *quantity,
            loss: *loss,
        };
        Bom {
            sku: sku.to_owned(),
            number: 1,
            batch: Decimal::ONE,
            loss: Decimal::ZERO,
            lines: lines.iter().map(line).collect(),
            by_products: Vec::new(),
            costs: Vec::new(),
        }
    }

    /// Versions by product.
    pub(crate) fn all(boms: impl IntoIterator<Item = Bom>) -> Boms {
        boms.into_iter().map(|bom| (bom.sku.clone(), bom)).collect()
    }

    #[test]
    fn needs_are_rounded_up_but_not_for_the_dust_of_a_division() {
        assert_eq!(round_up(dec!(105.196717862), 3), dec!(105.197));
        assert_eq!(round_up(dec!(3.0000000000000000000000000001), 0), dec!(3));
        assert_eq!(round_up(dec!(3.000001), 0), dec!(4));
        assert_eq!(round_down(dec!(2.9999999999999999999999999999), 0), dec!(3));
        assert_eq!(round_down(dec!(2.999999), 0), dec!(2));
    }

    #[test]
    fn a_batch_gives_what_is_not_lost() {
        let jar = Bom { batch: dec!(200), loss: dec!(2.5), ..bom("JAR", &[("POWDER", dec!(50), dec!(20))]) };
        assert_eq!(jar.good(), dec!(195));
        assert_eq!(jar.taken(&jar.lines[0]), Ok(dec!(62.5)));
        assert_eq!(jar.gross(&jar.lines[0], dec!(195), Losses::Counted), Ok(dec!(62.5)));
        assert_eq!(jar.gross(&jar.lines[0], dec!(200), Losses::Ignored), Ok(dec!(50)));
        assert_eq!(jar.beside(dec!(8), dec!(195)), Ok(dec!(8)));
    }

    #[test]
    fn figures_that_do_not_fit_are_refused() {
        let big = bom("BIG", &[("X", dec!(999_999_999_999_999_999), dec!(99.9999))]);
        let refused = Err(Refusal::OutOfRange("BIG".into()));
        assert_eq!(big.gross(&big.lines[0], dec!(999_999_999_999_999_999), Losses::Counted), refused);
        assert_eq!(big.gross(&big.lines[0], dec!(1), Losses::Ignored), refused);
    }
}
