//! The score model: a weight and a curve per parameter, and the bounds of the grades.

use rust_decimal::{Decimal, dec};
use serde::{Deserialize, Serialize};

use super::PARAMETERS;

/// How a curve runs between its points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// Straight between neighbouring points, level outside.
    Linear,
    /// The score of the last point not above the value; below the first point that of the first.
    Steps,
}

/// A score curve. The same value always gets the same score, whoever else there is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Curve {
    /// How it runs.
    pub shape: Shape,
    /// Value and score, values strictly rising, at least one.
    pub points: Vec<(Decimal, Decimal)>,
}

impl Curve {
    /// The score of a value.
    #[must_use]
    pub fn score(&self, value: Decimal) -> Decimal {
        let above = self.points.partition_point(|point| point.0 <= value);
        let Some(low) = self.points.get(above.saturating_sub(1)) else {
            return Decimal::ZERO;
        };
        let Some(high) = self.points.get(above) else {
            return low.1;
        };
        if above == 0 || self.shape == Shape::Steps {
            return low.1;
        }
        low.1 + (high.1 - low.1) * ((value - low.0) / (high.0 - low.0))
    }
}

/// How one parameter is scored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelRule {
    /// Weight in the total.
    pub weight: Decimal,
    /// The curve.
    pub curve: Curve,
    /// Score when there is not enough to measure.
    pub score_without_data: Decimal,
}

/// Lowest totals of the grades `A` to `D`, falling.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grades(pub [Decimal; 4]);

impl Grades {
    /// The grade of a total.
    #[must_use]
    pub fn grade(&self, total: Decimal) -> &'static str {
        let names = ["A", "B", "C", "D"];
        names.into_iter().zip(&self.0).find(|(_, bound)| total >= **bound).map_or("E", |(name, _)| name)
    }
}

/// A score model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    /// Rules of the parameters in order of their numbers.
    pub rules: Vec<ModelRule>,
    /// Bounds of the grades.
    pub grades: Grades,
}

fn rule(weight: i64, score_without_data: i64, points: &[(Decimal, i64)]) -> ModelRule {
    ModelRule {
        weight: Decimal::from(weight),
        curve: Curve {
            shape: Shape::Linear,
            points: points.iter().map(|(value, score)| (*value, Decimal::from(*score))).collect(),
        },
        score_without_data: Decimal::from(score_without_data),
    }
}

impl Model {
    /// Version 1, in force until another is put. Sums are in roubles.
    #[must_use]
    pub fn initial() -> Self {
        let days = |days: i64| Decimal::from(days);
        let rules = vec![
            rule(
                15,
                0,
                &[(days(0), 100), (days(30), 90), (days(90), 60), (days(180), 30), (days(365), 10), (days(730), 0)],
            ),
            rule(15, 0, &[(dec!(0), 0), (dec!(1), 20), (dec!(2), 40), (dec!(4), 60), (dec!(8), 80), (dec!(16), 100)]),
            rule(
                20,
                0,
                &[
                    (dec!(0), 0),
                    (dec!(1000), 10),
                    (dec!(5000), 30),
                    (dec!(20000), 60),
                    (dec!(60000), 85),
                    (dec!(150000), 100),
                ],
            ),
            rule(
                10,
                0,
                &[
                    (dec!(0), 0),
                    (dec!(500), 10),
                    (dec!(1500), 30),
                    (dec!(4000), 60),
                    (dec!(10000), 85),
                    (dec!(30000), 100),
                ],
            ),
            rule(
                5,
                0,
                &[(days(0), 0), (days(30), 15), (days(180), 40), (days(365), 60), (days(730), 80), (days(1460), 100)],
            ),
            rule(5, 50, &[(dec!(0), 100), (dec!(0.5), 75), (dec!(1), 50), (dec!(1.5), 25), (dec!(2), 0)]),
            rule(10, 50, &[(dec!(0), 100), (dec!(0.05), 80), (dec!(0.15), 50), (dec!(0.3), 20), (dec!(0.5), 0)]),
            rule(8, 50, &[(dec!(0), 100), (dec!(0.05), 70), (dec!(0.15), 40), (dec!(0.3), 10), (dec!(0.5), 0)]),
            rule(5, 50, &[(dec!(0), 100), (dec!(0.25), 80), (dec!(0.5), 60), (dec!(1), 30), (dec!(3), 0)]),
            rule(4, 50, &[(dec!(0), 100), (dec!(0.05), 85), (dec!(0.15), 60), (dec!(0.3), 25), (dec!(0.5), 0)]),
            rule(3, 50, &[(dec!(0), 20), (dec!(0.25), 50), (dec!(0.5), 75), (dec!(1), 100)]),
        ];
        Self { rules, grades: Grades([dec!(80), dec!(65), dec!(50), dec!(35)]) }
    }

    /// What is wrong with it: field and text of each broken rule.
    #[must_use]
    pub fn violations(&self) -> Vec<(String, &'static str)> {
        let percent = |score: Decimal| (Decimal::ZERO..=Decimal::ONE_HUNDRED).contains(&score);
        let mut found = Vec::new();
        if self.rules.len() != PARAMETERS {
            found.push(("model.rules".to_owned(), "must hold the parameters 1 to 11 in this order"));
        }
        if self.rules.iter().all(|rule| rule.weight.is_zero()) {
            found.push(("model.rules".to_owned(), "at least one parameter must have a weight"));
        }
        for (index, rule) in self.rules.iter().enumerate() {
            let mut broken = |field: &str, text| found.push((format!("model.rules[{index}].{field}"), text));
            if rule.weight.is_sign_negative() || rule.weight > dec!(1000) || rule.weight.normalize().scale() > 4 {
                broken("weight", "must be 0 to 1000 with at most four digits");
            }
            if !percent(rule.score_without_data) {
                broken("score_without_data", "must be 0 to 100");
            }
            let points = &rule.curve.points;
            if points.is_empty() || points.len() > 20 {
                broken("points", "must be 1 to 20");
            }
            if points.iter().any(|point| !percent(point.1)) {
                broken("points", "scores must be 0 to 100");
            }
            if points.windows(2).any(|pair| matches!(pair, [low, high] if low.0 >= high.0)) {
                broken("points", "values must rise strictly");
            }
        }
        let falling = self.grades.0.windows(2).all(|pair| matches!(pair, [high, low] if high > low));
        if !falling || !self.grades.0.iter().all(|bound| percent(*bound)) {
            found.push(("model.grades".to_owned(), "must be 0 to 100, a above b above c above d"));
        }
        found
    }
}
