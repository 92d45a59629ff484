//! The rules of scoring: what is measured, the curves, the total and the grade.

pub mod explanations;
pub mod measures;
pub mod model;
mod statistics;

pub use measures::{Categories, History, Load, Measured, PastOrder, measure};
pub use model::{Curve, Grades, Model, ModelRule, Shape};

use rust_decimal::Decimal;
use types::round_half_away;

/// Number of parameters; the twelfth is absent.
pub const PARAMETERS: usize = 11;

/// A parameter of a score.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Number, 1 to 11.
    pub number: u8,
    /// Measured value; `None` when there is not enough to measure.
    pub value: Option<Decimal>,
    /// Score 0 to 100, two digits.
    pub score: Decimal,
    /// Weight in the total.
    pub weight: Decimal,
    /// Figures of the explanation.
    pub figures: Vec<String>,
}

/// A customer's score.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Score {
    /// Weighted mean, 0 to 100, two digits.
    pub total: Decimal,
    /// `A` to `E`.
    pub grade: &'static str,
    /// The parameters in order of their numbers.
    pub parameters: Vec<Parameter>,
}

/// Scores what was measured.
#[must_use]
pub fn score(measured: &[Measured; PARAMETERS], model: &Model) -> Score {
    let mut parameters = Vec::with_capacity(PARAMETERS);
    let mut weighted = Decimal::ZERO;
    let mut weights = Decimal::ZERO;
    for (index, (measured, rule)) in measured.iter().zip(&model.rules).enumerate() {
        let score = measured.value.map_or(rule.score_without_data, |value| rule.curve.score(value));
        let score = round_half_away(score, 2);
        weighted += score * rule.weight;
        weights += rule.weight;
        parameters.push(Parameter {
            number: u8::try_from(index + 1).unwrap_or(u8::MAX),
            value: measured.value,
            score,
            weight: rule.weight,
            figures: measured.figures.clone(),
        });
    }
    let mean = weighted.checked_div(weights).unwrap_or_default();
    let total = round_half_away(mean, 2);
    Score { total, grade: model.grades.grade(total), parameters }
}

#[cfg(test)]
mod tests;
